package tincanchat

import "sync"

// A Queue holds what waits for a client. One goroutine may take what others put
// in. The zero Queue does not work: see NewQueue.
type Queue struct {
	mu      sync.Mutex
	more    sync.Cond
	waiting []byte
	taken   []byte // by the last Get
	closed  bool
}

// NewQueue returns an empty queue.
func NewQueue() *Queue {
	q := &Queue{}
	q.more.L = &q.mu
	return q
}

// Put adds data, which it copies, and returns how many bytes wait now. It puts
// nothing in a closed queue.
func (q *Queue) Put(data []byte) (waiting int) {
	q.mu.Lock()
	if !q.closed {
		q.waiting = append(q.waiting, data...)
	}
	waiting = len(q.waiting)
	q.mu.Unlock()
	if waiting == len(data) { // the queue was empty
		q.more.Signal()
	}
	return waiting
}

// Get waits until there is something in the queue, and takes all of it. The
// data is valid until the next Get. When the queue is closed and empty, Get
// returns false.
func (q *Queue) Get() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.more.Wait()
	}
	const most = 4 << 10 // the queue keeps small buffers for later
	if cap(q.taken) > most {
		q.taken = nil
	}
	q.taken, q.waiting = q.waiting, q.taken[:0]
	return q.taken, len(q.taken) > 0
}

// Close closes the queue. What waits in it can still be taken.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.more.Signal()
}

// Clear closes the queue and throws away what waits in it.
func (q *Queue) Clear() {
	q.mu.Lock()
	q.closed, q.waiting = true, nil
	q.mu.Unlock()
	q.more.Signal()
}
