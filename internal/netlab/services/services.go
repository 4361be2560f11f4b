// Package services holds what the hosts of the playground serve: SSH, DNS, the
// web, mail and FTP. It also holds ssh and scp, for machines that have none.
//
// Every function that serves takes listeners that the caller has opened. It
// serves until the caller closes them. Then it closes all clients' connections,
// waits until its goroutines have ended, and returns nil.
//
// All services share the playground's [Identity] and its accounts. They exist
// to be played with: every account has the same, known [Password], and the
// private keys are on every host.
package services

import (
	"crypto/subtle"
	"errors"
	"net"
	"sync"
	"time"
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

// maxClients is how many clients a listener serves at once. It closes any
// further connection.
const maxClients = 64

// A door is a listener with a limited number of clients. When the listener is
// closed, the door hangs up on all of them.
type door struct {
	net.Listener
	serving sync.WaitGroup // for the clients that were let in

	mu      sync.Mutex
	clients map[*client]bool
}

// A client is a connection that came through a door.
type client struct {
	net.Conn
	door *door
	once sync.Once
}

func openDoor(l net.Listener) *door {
	return &door{Listener: l, clients: map[*client]bool{}}
}

// Accept returns the connection of the next client.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			d.hangUp()
		}
		if err != nil {
			return nil, err
		}
		c := &client{Conn: conn, door: d}
		if d.letIn(c) {
			return c, nil
		}
		conn.Close()
	}
}

func (d *door) letIn(c *client) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.clients) == maxClients {
		return false
	}
	d.clients[c] = true
	d.serving.Add(1)
	return true
}

// hangUp closes the connections of all clients under their servers.
func (d *door) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.clients {
		c.Conn.Close()
	}
}

// wait waits until the servers have closed the connections of all clients, which
// is the last thing that they do. Call it when no goroutine accepts any more.
func (d *door) wait() { d.serving.Wait() }

// Close closes the connection for its server.
func (c *client) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		err = c.Conn.Close()
		c.door.mu.Lock()
		delete(c.door.clients, c)
		c.door.mu.Unlock()
		c.door.serving.Done()
	})
	return err
}

// serveEach accepts clients and serves each in a goroutine of its own.
func serveEach(l net.Listener, serve func(net.Conn)) error {
	d := openDoor(l)
	defer d.wait()
	for {
		conn, err := d.Accept()
		if temporary(err) {
			time.Sleep(10 * time.Millisecond) // until a descriptor is free
			continue
		} else if err != nil {
			return closed(err)
		}
		go func() {
			defer conn.Close()
			serve(conn)
		}()
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

// closed returns the error of a server: nil if its listener was closed.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// first runs servers until one ends. Then it calls stop, which must end the
// others, and waits for them. It returns the error of the first.
func first(stop func(), servers ...func() error) error {
	ended := make(chan error, len(servers))
	for _, serve := range servers {
		go func() { ended <- closed(serve()) }()
	}
	err := <-ended
	stop()
	for range len(servers) - 1 {
		<-ended // because of stop
	}
	return err
}
