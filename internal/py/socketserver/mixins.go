package socketserver

import "sync"

// ThreadingMixIn gives each request a thread of its own, which in Go is a
// goroutine.
type ThreadingMixIn struct {
	// DaemonThreads has ServerClose not wait for requests that are still
	// being handled.
	DaemonThreads bool

	threads sync.WaitGroup
}

// ProcessRequest begins to handle a request and does not wait for it.
func (m *ThreadingMixIn) ProcessRequest(server Server, request *Request) {
	m.threads.Add(1)
	go m.processRequestThread(server, request)
}

func (m *ThreadingMixIn) processRequestThread(server Server, request *Request) {
	defer m.threads.Done()
	defer endRequest(server, request)
	server.FinishRequest(request)
}

// Join waits until every thread has handled its request.
func (m *ThreadingMixIn) Join() {
	if !m.DaemonThreads {
		m.threads.Wait()
	}
}
