package zentest

import (
	"regexp"
	"strings"
	"sync"
	"time"
)

var timeoutChecks = []Check{
	alone("silence", silence, "-t", "0.3"),
	alone("silence/half a question", silenceHalf, "-t", "0.3"),
	alone("silence/between questions", silenceBetween, "-t", "0.3"),
	alone("silence/next client", silenceNext, "-t", "0.5"),
	alone("costly answers", costlyAnswers, "-t", "1", "-d", "1500ms"),
	alone("silence/without end", silenceWithoutEnd, "-t", "0"),
	alone("a byte at a time", byteAtATime, "-t", "0.3"),
	alone("keeps asking", keepsAsking, "-t", "0.4"),
	alone("never reads", neverReads, "-t", "2"),
	sharing("slow reader", slowReader),
	sharing("slow reader/half-close", slowReaderHalfClose),
}

// A conversation that says nothing for the time of -t is closed, and not
// before that.
func silence(t *trial) {
	start := time.Now()
	c := t.connect()
	c.over()
	if silent := time.Since(start); silent < 250*time.Millisecond {
		t.failf("it hung up after %v, not 300 ms", silent)
	}
	c.ends(c.Error, "WHY", "timed out")
}

// So is one that has said half a question, which the line names.
func silenceHalf(t *trial) {
	c := t.connect()
	c.say("Simple is better than?Beauti")
	c.hear("Complex.")
	c.over()
	c.ends(c.Error, "WHY", "received b'Beauti' then timed out")
}

// So is one that has asked before.
func silenceBetween(t *trial) {
	c := t.connect()
	c.asks()
	c.over()
	c.ends(c.Error, "WHY", "timed out")
}

// The time of a silent client is its own: who came after it is served, at once
// or after it.
func silenceNext(t *trial) {
	silent := t.connect()
	next := t.connect()
	next.asks()
	silent.over()
	silent.ends(t.Error, "WHY", "timed out")
}

// What an answer costs is the server's time, and not that of the client who
// asked, nor of the next.
func costlyAnswers(t *trial) {
	clients := 2
	if t.AtOnce == 1 {
		clients = 1
	}
	var all sync.WaitGroup
	for range clients {
		all.Go(func() { t.connect().asksAndLeaves() })
	}
	all.Wait()
}

// With -t 0 silence never closes a conversation.
func silenceWithoutEnd(t *trial) {
	c := t.connect()
	<-time.After(300 * time.Millisecond)
	c.asks()
	<-time.After(300 * time.Millisecond)
	c.asks()
	c.leaves()
}

// The time of -t covers a whole question: to send a byte now and then does not
// keep a conversation open. The bytes come so fast that none is late, and so
// slowly that 2000 of them, fewer than a question may have, take four seconds.
func byteAtATime(t *trial) {
	c := t.connect()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		if n == 2000 {
			t.failf("it did not hang up while it was sent %d bytes", n)
		}
		if _, err := c.send("x"); err != nil || t.failed() {
			break
		}
		<-tick.C
	}
	c.cutOff()
	if line := c.ends(c.Error); !t.failed() && !strings.Contains(line, "timed out") {
		t.failf("it printed %q, want timed out", line)
	}
}

// The time of -t begins anew with every question: who keeps asking stays. If
// the machine was so busy that a question took half the time, whose fault it
// was cannot be known, and another client tries.
func keepsAsking(t *trial) {
	const timeout = 400 * time.Millisecond
	for giveUp := time.Now().Add(t.wait()); time.Now().Before(giveUp); {
		if t.keptAsking(timeout) || t.failed() {
			return
		}
	}
	t.failf("no conversation outlived %v", timeout)
}

// keptAsking tells whether a client could ask for three times timeout. It
// fails if the server hung up on one that was never silent for half of it.
func (t *trial) keptAsking(timeout time.Duration) bool {
	start := time.Now() // the server's clock starts later, when it accepts
	c := t.connect()
	defer c.hangsUp()
	tick := time.NewTicker(timeout / 20)
	defer tick.Stop()
	for last := start; last.Sub(start) < 3*timeout && !t.failed(); <-tick.C {
		answer := make([]byte, len("Complex."))
		c.send("Simple is better than?")
		_, err := c.receive(answer)
		now := time.Now()
		if now.Sub(last) > timeout/2 {
			return false
		}
		if err != nil {
			t.failf("it hung up (%v) %v after it was asked", err, now.Sub(last))
			return false
		}
		last = now
	}
	return true
}

// A client that asks and never reads is cut off, what could not be sent to it is
// named, memory stays bounded, and nobody else is affected.
func neverReads(t *trial) {
	c := t.connectNarrow()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sent := 0; sent < 1<<28; {
			n, err := c.send(strings.Repeat("?", 1<<16))
			if err != nil {
				return
			}
			sent += n
		}
		t.failf("it took questions without end from a client that does not read")
	}()
	if t.AtOnce != 1 {
		for !closed(done) && !t.failed() {
			t.connect().asksAndLeaves()
		}
	}
	<-done
	if line := c.ends(t.unsent()); !t.failed() && !regexp.MustCompile(anyBytes).MatchString(line) {
		t.failf("it printed %q, which does not name what was not sent", line)
	}
	t.memoryBounded()
	t.connect().asksAndLeaves()
}

// asksAndLeaves is the whole of a short conversation.
func (c *client) asksAndLeaves() {
	c.asks()
	c.leaves()
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-time.After(100 * time.Millisecond):
		return false
	}
}

// What was sent is sent whole: a client that takes its time gets all answers,
// in order, though the server could send only some of them at first.
func slowReader(t *trial) {
	c := t.connectNarrow()
	c.readsLate(false)
	c.leaves()
}

// The same, when the client has said meanwhile that it asks no more.
func slowReaderHalfClose(t *trial) {
	c := t.connectNarrow()
	c.readsLate(true)
	c.over()
	c.ends(c.Closed)
}

// readsLate asks so much that the answers fill every buffer on their way, and
// reads when the server cannot go on.
func (c *client) readsLate(stopAsking bool) {
	const n = 1000 // the questions fit into the buffers, the answers do not
	c.say(strings.Repeat("???????Simple is better than?", n))
	if stopAsking {
		c.stopsAsking()
	}
	c.isStuck()
	c.hear(strings.Repeat(strings.Repeat("Error: unknown aphorism.", 7)+"Complex.", n))
}
