// Package services holds what the hosts of the playground serve: SSH, DNS, the
// web, mail and FTP. It also holds ssh and scp, for machines that have none.
//
// Every function that serves takes listeners that the caller has opened. It
// serves until the caller closes them. Then it hangs up on all clients, waits
// until its goroutines have ended, and returns nil.
//
// All services share the playground's [Identity] and its accounts. They exist
// to be played with: every account has the same, known [Password], and the
// private keys are on every host.
package services

import (
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Password is the password of every account.
const Password = "abc123"

// An Account is a user of a host.
type Account struct {
	Name, Home, Shell string
	UID, GID          uint32
}

// find returns the account that is called name, or nil.
func find(accounts []Account, name string) *Account {
	for i := range accounts {
		if accounts[i].Name == name {
			return &accounts[i]
		}
	}
	return nil
}

// logIn returns the account that is called name, or nil if there is none or if
// the password is wrong.
func logIn(accounts []Account, name, password string) *Account {
	if subtle.ConstantTimeCompare([]byte(password), []byte(Password)) != 1 {
		return nil
	}
	return find(accounts, name)
}

// maxClients is how many clients a service talks to at once. The kernel keeps
// the next ones waiting.
const maxClients = 64

// serveEach accepts clients and serves each in a goroutine of its own. When
// the listener is closed, serveEach hangs up on all clients and waits until
// serve has returned for each.
func serveEach(l net.Listener, serve func(net.Conn)) error {
	l = netutil.LimitListener(l, maxClients)
	var (
		mu      sync.Mutex
		clients = map[net.Conn]bool{}
		serving sync.WaitGroup
	)
	defer serving.Wait()
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		for client := range clients {
			client.Close()
		}
	}()
	for {
		client, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		} else if temporary(err) {
			time.Sleep(10 * time.Millisecond) // until a descriptor is free
			continue
		} else if err != nil {
			return err
		}
		mu.Lock()
		clients[client] = true
		mu.Unlock()
		serving.Go(func() {
			defer func() {
				client.Close()
				mu.Lock()
				defer mu.Unlock()
				delete(clients, client)
			}()
			serve(client)
		})
	}
}

// temporary reports whether a later Accept may succeed, although one has
// failed: the process has no free descriptor, or a client has gone already.
func temporary(err error) bool {
	// The method is deprecated because its meaning is unclear in general, but
	// that of Accept's errors is clear.
	t, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && t.Temporary()
}

// whenClosed returns a listener that calls stop, in a goroutine, when l has been
// closed.
func whenClosed(l net.Listener, stop func()) net.Listener {
	return &closing{Listener: l, stop: stop}
}

type closing struct {
	net.Listener
	once sync.Once
	stop func()
}

func (l *closing) Accept() (net.Conn, error) {
	client, err := l.Listener.Accept()
	if errors.Is(err, net.ErrClosed) {
		l.once.Do(func() { go l.stop() })
	}
	return client, err
}

// closed returns the error of a server: nil if its listener was closed.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
