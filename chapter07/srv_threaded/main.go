// Srv_threaded answers Zen questions with four workers that accept from one
// listener, so a fifth client waits until one of the four has left.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/srv_threaded.py
//
// What to notice: the workers share nothing but the listener. A new client goes
// to a worker that waits in accept.
//
// What to try: connect five clients with telnet, and type a question in the
// fifth.
//
// What Go changes: a worker is a goroutine. While it waits, for a client or for
// a question, it holds no system thread.
package main

import (
	"sync"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/socket"
)

func startThreads(listener *socket.Listener, workers int) *sync.WaitGroup {
	var threads sync.WaitGroup
	for range workers {
		threads.Go(func() { zen_utils.AcceptConnectionsForever(listener) })
	}
	return &threads
}

func main() {
	address := zen_utils.ParseCommandLine("multi-threaded server")
	listener := zen_utils.CreateSrvSocket(address)
	startThreads(listener, 4).Wait()
}
