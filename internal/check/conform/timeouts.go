package conform

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// timeoutChecks get three tries if the client has to send something before the
// timeout.
var timeoutChecks = []Check{
	Alone("silence", silence, "-t", "0.3"),
	Alone("silence/half a request", silenceHalf, "-t", "0.3").Tries(3),
	Alone("silence/between requests", silenceBetween, "-t", "0.3").Tries(3),
	Alone("silence/next client", silenceNext, "-t", "0.5").Tries(3),
	Alone("silence/without end", silenceWithoutEnd, "-t", "0"),
	Alone("a byte at a time", byteAtATime, "-t", "0.3"),
	{Name: "keeps asking", Run: keepsAsking},
	Alone("never reads", neverReads, "-t", "2"),
	Shared("slow reader", slowReader),
	Shared("slow reader/half-close", slowReaderHalfClose),
}

// The server cuts off a client that is silent for as long as -t says, and not
// before.
func silence(t *Trial) {
	start := time.Now()
	c := t.Connect()
	c.ExpectEnd()
	if silent := time.Since(start); silent < 250*time.Millisecond {
		t.Failf("it closed the connection after %v, not 300 ms", silent)
	}
	c.ExpectEnding(c.Error, "WHY", "timed out")
}

// The server also cuts off a silent client that has sent half a request. Its
// line names that half.
func silenceHalf(t *Trial) {
	c := t.Connect()
	c.asks(1, c.Unfinished)
	c.ExpectEnd()
	c.ExpectEnding(c.Error, "WHY", "received "+c.unfinished()+" then timed out")
}

// The server also cuts off a client that is silent after its first request.
func silenceBetween(t *Trial) {
	c := t.Connect()
	c.Exchange()
	c.ExpectEnd()
	c.ExpectEnding(c.Error, "WHY", "timed out")
}

// A silent client's timeout does not run for the client after it. The server
// serves the next client at once, or when the silent one has timed out.
func silenceNext(t *Trial) {
	silent := t.Connect()
	next := t.Connect()
	next.Exchange()
	silent.ExpectEnd()
	silent.ExpectEnding(t.Error, "WHY", "timed out")
}

// With -t 0 silence never ends a conversation.
func silenceWithoutEnd(t *Trial) {
	c := t.Connect()
	if !c.Once {
		<-time.After(300 * time.Millisecond)
		c.Exchange()
	}
	<-time.After(300 * time.Millisecond)
	c.Exchange()
	c.Leave()
}

// The timeout covers a whole request, so a byte now and then does not keep the
// conversation open. The bytes come so fast that none is late, and so slowly
// that 2000 of them, fewer than a request may have, take four seconds.
func byteAtATime(t *Trial) {
	c := t.Connect()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		if n == 2000 {
			t.Failf("it was sent %d bytes and did not close the connection", n)
		}
		if _, err := c.trySend("x"); err != nil || t.Failed() {
			break
		}
		<-tick.C
	}
	c.ExpectCut()
	if line := c.ExpectEnding(c.Error); !t.Failed() && !strings.Contains(line, "timed out") {
		t.Failf("it printed %q, want timed out", line)
	}
}

// The timeout begins anew with every request, so a client that keeps asking
// stays. If the machine was so busy that a request took half of the timeout,
// the client may have been the late one. Then another client tries, at another
// server, with twice the timeout.
func keepsAsking(s Server) error {
	timeout := 400 * time.Millisecond
	for giveUp := time.Now().Add(s.wait()); time.Now().Before(giveUp); timeout *= 2 {
		kept := false
		err := serving(func(t *Trial) { kept = t.keptAsking(timeout) },
			"-t", fmt.Sprint(timeout.Seconds()))(s)
		if err != nil || kept {
			return err
		}
	}
	return fmt.Errorf("no conversation outlived %v", timeout/2)
}

// keptAsking reports whether a client could go on asking for three times as
// long as timeout. It fails the trial if the server closed the connection even
// though the client was never silent for half of timeout.
func (t *Trial) keptAsking(timeout time.Duration) bool {
	start := time.Now() // before the server accepts, and its clock starts
	c := t.Connect()
	defer c.Close()
	tick := time.NewTicker(timeout / 20)
	defer tick.Stop()
	for last := start; last.Sub(start) < 3*timeout && !t.Failed(); <-tick.C {
		c.trySend(c.Ask)
		err := c.tryHear()
		now := time.Now()
		if now.Sub(last) > timeout/2 {
			return false
		}
		if err != nil {
			t.Failf("it closed the connection (%v) %v after a request", err, now.Sub(last))
			return false
		}
		last = now
	}
	return true
}

// The server cuts off a client that asks and never receives, and names what it
// could not send. Its memory stays bounded, and no other client is affected.
func neverReads(t *Trial) {
	c := t.ConnectNarrow()
	ask := c.longAnswers().Ask
	batch := strings.Repeat(ask, max(1, 1<<16/len(ask)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sent := 0; sent < 1<<28; {
			n, err := c.trySend(batch)
			if err != nil {
				return
			}
			sent += n
		}
		t.Failf("it took requests without end from a client that does not receive")
	}()
	for !closed(done) && !t.Failed() {
		if t.ServesOne {
			t.MemoryBounded() // afterwards it has exited
		}
		if t.AtOnce != 1 {
			t.visit()
		}
	}
	<-done
	if line := c.expectUnsent(); !t.Failed() && !regexp.MustCompile(" before we sent "+anyBytes).MatchString(line) {
		t.Failf("it printed %q, which does not name what was not sent", line)
	}
	if !t.ServesOne {
		t.MemoryBounded()
		t.visit()
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-time.After(100 * time.Millisecond):
		return false
	}
}

// A server sends all that it has to send: a client that takes its time receives
// all answers, in order, even though the server could send only some of them at
// first.
func slowReader(t *Trial) {
	c := t.ConnectNarrow()
	c.readLate(false)
	c.Leave()
}

// A client that half-closes its connection while it reads also receives all
// answers, and then the end.
func slowReaderHalfClose(t *Trial) {
	c := t.ConnectNarrow()
	c.readLate(true)
	c.ExpectEnd()
	c.ExpectEnding(c.Closed)
}
