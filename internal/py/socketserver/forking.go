package socketserver

import (
	"cmp"
	"sync"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// ForkingMixIn gives each request a process of its own. Go cannot fork: what a
// child inherits is not where the program was, but only its program, its command
// line and the request. So the program is started again, its main function does
// what it did before, and when it comes to Bind, the child does not listen: Bind
// handles the request and ends the process. What stands before Bind is done for
// every request, and must not hurt then; what stands after it, such as a line
// that says that the server waits, is done once.
//
// The handler therefore sees its server as it was bound, and what it changes
// there is lost with the child, as in Python. What it prints goes where the
// server's lines go. A child that is killed is reported to HandleError by the
// server, a handler that panics by the child. If the system cannot start a child
// now, the server waits until it can, and so do the clients.
//
// When the program is asked to stop, so are its children. On Windows a
// connection cannot be handed to a child in this way, and Bind fails.
type ForkingMixIn struct {
	// MaxChildren is how many requests are handled at a time; 0 is 40.
	// While there are so many, the next one waits, and so does the server.
	MaxChildren int

	mu       sync.Mutex
	changed  sync.Cond // with mu: a child has ended
	children int
	backoff  socket.Backoff
}

// forking is a server that embeds ForkingMixIn.
type forking interface{ childEnded() }

// ProcessRequest starts a child that handles a request and does not wait for it.
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
	request.release() // the child has its own
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

// fork starts a child that handles a request. If descriptors, processes or memory
// run out, it says so once on stderr and tries again after 5 ms, 10 ms, and so on,
// up to a second: the client keeps its place. The error is program.ErrStopped if
// the server has to stop meanwhile.
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

// waitFor waits until there are no more than n children.
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
