// Package echotest is the conformance suite of the lectures' echo servers: what
// package conform needs to know about each, and the checks that only echo
// servers have. The server of lecture 23 echoes one recv to each client. The
// server of the basics echoes everything to a single client and ends. Those of
// tincanchat echo one message to each client.
package echotest

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"fopnp/internal/check/conform"
)

// RunOneRecv puts a server through all checks. The server echoes what its first
// recv from a client returns, and hangs up.
func RunOneRecv(t *testing.T, name string) {
	conform.Run(t, oneRecvServer(name), slices.Concat(conform.Checks, oneRecvChecks))
}

// RunOneClient puts a server through all checks. The server echoes all that its
// one client sends, and ends when the client leaves.
func RunOneClient(t *testing.T, name string) {
	conform.Run(t, oneClientServer(name), slices.Concat(conform.Checks, oneClientChecks))
}

// oneRecvServer returns the row of a server for RunOneRecv.
func oneRecvServer(name string) conform.Server {
	const message = "Hello, how are you?"
	return conform.Server{
		Name:   name,
		AtOnce: 1,
		Lines: conform.Lines{
			Error:  name + ": client ADDR: WHY",
			Others: []string{"Server is ready"},
		},
		Protocol: conform.Protocol{
			Exchange: echo(message),
			Once:     true,
			Longest:  -1,
		},
		Quiet: true,
		NotFor: map[string]string{
			"unread input": "one recv returns several messages",
		},
	}
}

// oneClientServer returns the row of a server for RunOneClient.
func oneClientServer(name string) conform.Server {
	const message = "Hello, world"
	return conform.Server{
		Name:      name,
		AtOnce:    1,
		ServesOne: true,
		Lines: conform.Lines{
			Accepted: "('Connected by', ADDR)",
			Error:    name + ": client ADDR: WHY",
		},
		Protocol: conform.Protocol{
			Exchange: echo(message),
			Longest:  -1,
		},
		Quiet: true,
	}
}

// echo is the exchange of a message.
func echo(message string) conform.Exchange {
	return conform.Exchange{Ask: message, Hear: conform.Answer(message)}
}

// The checks that each of the two servers must pass besides conform.Checks.
var (
	oneRecvChecks = []conform.Check{
		conform.Shared("every byte", everyByte),
		conform.Shared("one recv", oneRecv),
		conform.Shared("second message", secondMessage),
		conform.Alone("silent client", silentClient, "-t", "2"),
		// The server reads unwanted input for a second, and on a busy machine
		// the client may not have sent all by then.
		conform.Alone("unread megabyte",
			conform.Beside(unreadMegabyte)).Tries(3),
		conform.Alone("unread megabytes", conform.Beside(unreadMegabytes)),
	}
	oneClientChecks = []conform.Check{
		conform.Shared("every byte", everyByte),
		conform.Shared("byte by byte", byteByByte),
		conform.Shared("a megabyte", megabyte),
		conform.Shared("queue", queue),
	}
)

// everyByte sends every byte value. The server need not know whether the bytes
// are text.
func everyByte(t *conform.Trial) {
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	slices.Reverse(all) // a NUL at the end may be lost, too
	c := t.Connect()
	c.Send(string(all))
	c.Expect(string(all))
	c.CloseWrite()
	c.ExpectEnd()
	c.ExpectEnding("")
}

// oneRecv sends more than one recv returns.
func oneRecv(t *conform.Trial) {
	c := t.Connect()
	c.Send(strings.Repeat("a", 1024) + strings.Repeat("b", 1024))
	c.Expect(strings.Repeat("a", 1024))
	c.ExpectEnd()
	c.ExpectEnding("")
}

// secondMessage sends a message that gets no echo and is not a fault.
func secondMessage(t *conform.Trial) {
	c := t.Connect()
	c.Exchange()
	c.Send(c.Ask)
	c.ExpectEnd()
	c.ExpectEnding("")
}

// A silent client keeps the next one from the server until its time is over. If
// the server served the next one earlier, the silent one could still leave
// without a fault.
func silentClient(t *conform.Trial) {
	silent, next := t.Connect(), t.Connect()
	next.Exchange()
	silent.CloseWrite() // too late
	silent.ExpectCut()
	silent.ExpectEnding(t.Error, "WHY", "timed out")
	next.Leave()
}

// unreadMegabyte sends a megabyte that the server does not want. The server
// reads it all the same, or the client would receive a reset.
func unreadMegabyte(t *conform.Trial) {
	c := t.Connect()
	c.WidenToSend()
	c.Send(strings.Repeat("a", 1024) + strings.Repeat("b", 1<<20))
	c.Expect(strings.Repeat("a", 1024))
	c.ExpectEnd()
	c.ExpectNoReset()
	c.ExpectEnding("")
}

// unreadMegabytes sends much more, and receives nothing until the server has
// closed the connection. The echo comes all the same.
func unreadMegabytes(t *conform.Trial) {
	c := t.Connect()
	c.Send(strings.Repeat("a", 1024))
	c.SendUntilCut(strings.Repeat("b", 1<<20))
	c.Expect(strings.Repeat("a", 1024))
	c.ExpectCut()
	c.ExpectEnding("")
	t.MemoryBounded()
}

// byteByByte sends one byte after another, and waits for each to come back.
func byteByByte(t *conform.Trial) {
	c := t.Connect()
	for range 100 {
		c.Send("x")
		c.Expect("x")
	}
	c.Leave()
}

// megabyte sends a megabyte in one write, and receives it meanwhile.
func megabyte(t *conform.Trial) {
	c := t.Connect()
	much := strings.Repeat("Hello, world", 1<<20/12)
	var sending sync.WaitGroup
	sending.Go(func() { c.Send(much) })
	c.Expect(much)
	sending.Wait()
	c.Leave()
}

// While the server serves its client, others wait in the queue. When it ends,
// the system turns them away: they receive nothing.
func queue(t *conform.Trial) {
	first := t.Connect()
	first.Exchange()
	var others []*conform.Client
	for range 3 {
		other := t.Connect()
		other.Send(other.Ask)
		others = append(others, other)
	}
	first.Exchange()
	first.Leave()
	for _, other := range others {
		other.ExpectCut()
		other.ExpectEnding("")
	}
}
