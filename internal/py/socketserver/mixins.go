package socketserver

import "sync"

// ThreadingMixIn handles each request in a thread of its own, which in Go is a
// goroutine.
type ThreadingMixIn struct {
	// DaemonThreads makes ServerClose return without waiting for requests
	// that are still being handled.
	DaemonThreads bool

	threads sync.WaitGroup
}

// ProcessRequest handles a request in a goroutine, and does not wait for it.
func (m *ThreadingMixIn) ProcessRequest(server Server, request *Request) {
	m.threads.Add(1)
	go m.processRequestThread(server, request)
}

func (m *ThreadingMixIn) processRequestThread(server Server, request *Request) {
	defer m.threads.Done()
	defer endRequest(server, request)
	server.FinishRequest(request)
}

// Join waits until every thread has handled its request, unless DaemonThreads
// is set.
func (m *ThreadingMixIn) Join() {
	if !m.DaemonThreads {
		m.threads.Wait()
	}
}
