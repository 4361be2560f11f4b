package socketserver

import (
	"cmp"
	"sync"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// ForkingMixIn gives each request a process of its own. Go cannot fork. A child
// inherits only the program, its command line and the request, not the point
// that the program has reached. So the program is started again. Its main
// function does what it did before, until it calls Bind. In the child, Bind
// does not listen: it handles the request and ends the process. Code before
// Bind runs again for every request, and must be harmless then. Code after
// Bind, such as a line that says that the server waits, runs only once.
//
// So the handler sees its server as it was bound. What it changes there is lost
// when the child ends, as in Python. What it prints goes where the server's
// lines go. If a child is killed, the server calls HandleError. If a handler
// panics, its child calls HandleError. If descriptors, processes or memory run
// out, the server waits until it can start a child, and so do the clients.
//
// When the program has to stop, so do its children. On Windows, a connection
// cannot be passed to a child in this way, and Bind returns an error.
type ForkingMixIn struct {
	// MaxChildren limits how many requests are handled at a time. 0 means 40.
	// While there are so many, the next request waits, and so does the server.
	MaxChildren int

	mu       sync.Mutex
	changed  sync.Cond // with mu: a child has ended
	children int
	backoff  socket.Backoff
}

// A forking is a server that embeds ForkingMixIn.
type forking interface{ childEnded() }

// ProcessRequest starts a child that handles a request. It does not wait for
// the child.
func (m *ForkingMixIn) ProcessRequest(server Server, request *Request) {
	m.waitFor(cmp.Or(m.MaxChildren, 40) - 1)
	child, err := m.fork(server, request)
	if err != nil {
		if err != program.ErrStopped {
			server.HandleError(request, err)
		}
		server.ShutdownRequest(request)
		return
	}
	request.release() // because the child has its own descriptor
	m.mu.Lock()
	m.children++
	m.mu.Unlock()
	go func() {
		defer m.childEnded()
		if err := child.wait(); err != nil {
			server.HandleError(request, err)
		}
	}()
}

// fork starts a child that handles a request. If descriptors, processes or
// memory run out, fork says so once on stderr and tries again after 5 ms, 10
// ms, and so on, up to a second. The client waits. If the server has to stop
// meanwhile, the error is program.ErrStopped.
func (m *ForkingMixIn) fork(server Server, request *Request) (*child, error) {
	for {
		if program.Stopping().Err() != nil || server.base().shutdown.Load() {
			return nil, program.ErrStopped
		}
		child, err := fork(server.base().name, request)
		if err == nil {
			m.backoff.Succeeded()
		}
		if !isShortage(err) {
			return child, err
		}
		m.backoff.Wait("fork", err)
	}
}

// waitFor waits until there are at most n children.
func (m *ForkingMixIn) waitFor(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed.L = &m.mu
	for m.children > n {
		m.changed.Wait()
	}
}

func (m *ForkingMixIn) childEnded() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.children--
	m.changed.Broadcast()
}

// Join waits until every child has handled its request.
func (m *ForkingMixIn) Join() { m.waitFor(0) }
