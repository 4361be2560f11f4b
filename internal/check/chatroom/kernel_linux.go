package chatroom

import (
	"slices"
	"strings"
	"syscall"
	"time"

	"fopnp/internal/check/conform"
)

// These checks look into the server's process or into the kernel's tables.
var kernelChecks = []check{
	{name: "slow reader", run: slowReader},
	{name: "slow reader/small messages", run: slowReaderSmall},
	{name: "never reads/any more", run: neverReadsAnyMore},
	{name: "takes nothing/without end", run: takesNothingWithoutEnd, args: []string{"-t", "0"}},
	{name: "stop/second signal", run: secondSignal},
	{name: "idle", run: idle},
	{name: "one write", run: oneWrite},
	{name: "too long/unread input", run: unreadInput},
	{name: "out of descriptors", run: outOfDescriptors},
	{name: "descriptors are closed", run: descriptorsAreClosed},
}

// These may fail by chance on a busy machine, so they may try three times.
var repeated = []check{
	{name: "never reads/the others", run: neverReadsOthers},
	{name: "slow reader/little by little", run: slowReaderLittle, args: []string{"-t", "3"}},
	{name: "slow reader/later", run: slowReaderLater, args: []string{"-t", "3"}},
	{name: "too long/takes nothing", run: tooLongTakesNothing, args: []string{"-t", "2"}},
	{name: "stop/what is queued", run: stopQueued},
	{name: "stop/never reads", run: stopNeverReads},
}

// kernelNames are the names of such checks in conform.Checks that a chat server
// must pass, too.
var kernelNames = []string{"port not permitted"}

func awaitRead(c *conform.Client) { c.WaitUntilRead() }

func awaitArrival(c *conform.Client) { c.AwaitArrival() }

func waiting(c *conform.Client, sent int) int { return c.Waiting(sent) }

// stuck connects a member with small buffers that does not read, until its
// buffers are full and at least waits bytes wait for it. The member still has
// to hear all of them. Besides the author, there must be another member, who
// hears each message when the server has dealt with it.
func (r *room) stuck(author *member, waits int) *member {
	m := r.enter(r.ConnectNarrow())
	r.hear()
	long := strings.Repeat("x", 4000)
	for n := 1; !r.Failed() && (m.Waiting(m.sent) < waits || !m.Full()); n++ {
		author.Send(r.said(long))
		r.hasSaid(author, long)
		r.hear(m)
		if n%64 == 0 && len(r.LinesAbout(m.Client)) > 0 {
			r.Failf("it threw out a client for which less than %d bytes waited", waits)
		}
		if m.sent > 64<<20 {
			r.Failf("%d bytes wait for no client", m.sent)
		}
	}
	return m
}

// A client that does not read for a while hears everything in the end, though
// nearly a quarter of a mebibyte waited for it.
func slowReader(r *room) {
	a, b := r.join(), r.join()
	m := r.stuck(a, mayWait-8<<10)
	m.Widen()
	r.hear()
	r.say(b, "did you hear that?")
	r.say(m, "every word")
}

// As much may wait for a client whose messages are small.
func slowReaderSmall(r *room) {
	a, b := r.join(), r.join()
	m := r.enter(r.ConnectNarrow())
	r.hear()
	texts := slices.Repeat([]string{"small"}, 200)
	for m.Waiting(m.sent) < mayWait-16<<10 && !r.Failed() {
		a.Send(strings.Repeat(r.said(texts[0]), len(texts)))
		r.hasSaid(a, texts...)
		r.hear(m)
		if m.sent > 64<<20 {
			r.Failf("%d bytes wait for no client", m.sent)
		}
	}
	m.Widen()
	r.hear()
	r.say(b, "did you hear that?")
}

// Twenty clients chat while one never reads, and do not wait for it. Its
// buffers are full and messages wait for it, but the server has not thrown it
// out when all twenty have heard everything. So they cannot have heard it only
// because that client was gone. The messages take about as long as they did
// before it came. If they take five times as long, the server waits a little
// for that client with each message, or the machine is suddenly busy.
func neverReadsOthers(r *room) {
	const messages, fill = 200, 128 << 10
	members := r.joinAll(20)
	talk := func(heard func(author *member, text string) (goOn bool)) {
		for n := range messages {
			author := members[n%len(members)]
			r.say(author, text(n))
			if r.Failed() || !heard(author, text(n)) {
				return
			}
		}
	}
	began := time.Now()
	talk(func(*member, string) bool { return true })
	limit := 5*time.Since(began) + time.Second
	stuck := r.stuck(members[0], fill)
	r.remove(stuck)
	began = time.Now()
	talk(func(author *member, text string) bool {
		stuck.sent += len(r.Heard(author.Addr(), text))
		return time.Since(began) < limit
	})
	if time.Since(began) >= limit {
		r.Failf("beside a client that does not read, messages take more than %v", limit)
	}
	const least = fill / 2 // the kernel may have found room for a part
	if waits := stuck.Waiting(stuck.sent); waits < least && !r.Failed() {
		r.Failf("all have heard it, and only %d bytes wait for the one that does not read, want %d", waits, least)
	}
	if lines := r.LinesAbout(stuck.Client); len(lines) > 0 {
		r.Failf("it threw out a client for which less than %d bytes waited: %q", mayWait, lines)
	}
	r.talkUntilOut(stuck, members)
	stuck.ExpectEnding(stuck.Error)
	r.leftAround(stuck)
}

// The bound holds for everything that waits: what the server has begun to send
// and what it has not. A client reads a part, so that the server begins to
// send the rest, and then it reads no more.
func neverReadsAnyMore(r *room) {
	a, b := r.join(), r.join()
	r.Narrow()
	m := r.stuck(a, 800<<10)
	m.Expect(m.toHear.String()[:200<<10])
	m.toHear.Reset()
	r.remove(m)
	r.talkUntilOut(m, []*member{a})
	m.ExpectEnding(m.Error)
	r.leftAround(m)
	r.say(b, "what was that?")
}

// With -t 0, a client may take nothing for as long as it wants.
func takesNothingWithoutEnd(r *room) {
	a, b := r.join(), r.join()
	m := r.stuck(a, 64<<10)
	<-time.After(300 * time.Millisecond)
	r.hasSaid(b, "take your time")
	b.Send(r.said("take your time"))
	r.hear(m)
	m.Widen()
	r.hear()
}

// A client commits a fault and then another: its message is too long, and it
// does not take what waits for it. The server reports only the first fault, and
// closes the connection after the timeout of -t.
func tooLongTakesNothing(r *room) {
	a := r.join()
	r.join()
	r.hear()
	r.Narrow()
	m := r.stuck(a, 32<<10)
	m.Send(strings.Repeat("x", longest+1))
	m.ExpectEnding(m.Error)
	if said := r.LinesAbout(m.Client); len(said) > 0 && strings.Contains(said[0], "timed out") {
		r.Failf("it was too slow to hear the message in time: %q", said)
	}
	r.remove(m)
	r.hasLeft(m)
	r.hear()
	r.Until("its connection is closed", m.ServerClosed)
}

// A second signal ends the server at once, though something waits for a client.
// The server is suspended until both signals have arrived.
func secondSignal(r *room) {
	a := r.join()
	r.join()
	r.stuck(a, 128<<10)
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCONT} {
		r.Signal(signal)
	}
	r.ExpectKilled(128+int(syscall.SIGINT), 128+int(syscall.SIGTERM))
}

// The timeout of -t stops when the client has taken everything. Later, the
// client has the whole timeout again.
func slowReaderLater(r *room) {
	a, b := r.join(), r.join()
	m := r.stuck(a, 64<<10)
	m.Widen()
	r.hear()
	<-time.After(3200 * time.Millisecond)
	r.say(b, "did you hear that?")
	r.say(m, "every word")
}

// A client that takes a little now and then stays, even if it needs longer than
// -t for everything.
func slowReaderLittle(r *room) {
	a := r.join()
	r.join()
	r.Narrow()
	m := r.stuck(a, 160<<10)
	all := m.toHear.String()
	m.toHear.Reset()
	const pieces = 10
	for n := range pieces {
		<-time.After(350 * time.Millisecond)
		m.Expect(all[n*len(all)/pieces : (n+1)*len(all)/pieces])
	}
	r.say(m, "every word")
}

// A server that has nothing to do uses no CPU time, even if there is a client
// that does not read, and one that has closed its side.
func idle(r *room) {
	a := r.join()
	half := r.join()
	half.CloseWrite()
	r.hasLeft(half)
	r.hear()
	m := r.stuck(a, 16<<10)
	r.DoesNotSpin()
	m.Widen()
	r.hear()
}

// Sixteen messages that came in one segment reach a client in one write.
func oneWrite(r *room) {
	a, b := r.join(), r.join()
	r.hear()
	before := b.Segments()
	var texts []string
	for n := range 16 {
		texts = append(texts, text(n))
	}
	r.say(a, texts...)
	if segments := b.Segments() - before; segments != 1 && !r.Failed() {
		r.Failf("16 messages came in %d segments", segments)
	}
}

// A client sends a message that is too long, and more. It hears what was said
// before, and the end, and no reset.
func unreadInput(r *room) {
	a := r.join()
	r.join()
	m := r.stuck(a, 64<<10)
	m.WidenToSend()
	m.Send(strings.Repeat("x", longest+1) + strings.Repeat("y", 20_000))
	m.ExpectEnding(m.Error)
	r.remove(m)
	r.hasLeft(m)
	r.hear()
	m.Widen()
	m.Expect(m.toHear.String())
	m.ExpectEnd()
	m.ExpectNoReset()
}

// When accept fails because there is no descriptor left, the server says so
// once per episode, does not spin, and lets its clients chat on. The next
// client joins when there is a descriptor for it.
func outOfDescriptors(r *room) {
	a := r.join()
	r.join()
	r.hear()
	for episode := 1; episode <= 2 && !r.Failed(); episode++ {
		feed := r.Starve()
		next := r.Connect()
		r.AwaitComplaint(episode)
		r.say(a, "somebody is at the door")
		r.DoesNotSpin()
		feed()
		m := r.enter(next)
		r.AwaitComplaint(episode)
		r.say(m, "at last")
	}
}

// However a conversation ends, the server closes its descriptor, at the latest
// with the next message.
func descriptorsAreClosed(r *room) {
	a := r.join()
	r.join()
	r.hear()
	before := r.NumDescriptors()
	for n := range 5 {
		m := r.join()
		r.hear()
		switch n {
		case 0:
			r.leave(m)
		case 1:
			m.Send(m.Unfinished)
			m.Close()
			m.ExpectEnding(m.Half)
		case 2:
			m.Reset()
			m.ExpectEnding(m.Error)
		case 3:
			m.Send(strings.Repeat("x", longest+1))
			r.isOut(m, m.Error)
		case 4:
			m.CloseWrite()
			r.hasLeft(m)
			r.hear()
			m.Close()
			r.remove(m)
		}
		if n == 1 || n == 2 {
			r.remove(m)
			r.hasLeft(m)
			r.hear()
		}
	}
	r.Until("all descriptors are closed", func() bool {
		r.say(a, "anybody else?")
		return r.NumDescriptors() == before
	})
}

// A server is told to stop while something waits for a client. The client hears
// all of it before the end, though it begins to read only when the others have
// heard the end. Meanwhile, no new client can connect.
func stopQueued(r *room) {
	a, b := r.join(), r.join()
	m := r.stuck(a, 128<<10)
	r.Signal(syscall.SIGTERM)
	a.ExpectEnd()
	b.ExpectEnd()
	r.ExpectRefused()
	m.Widen()
	m.Expect(m.toHear.String())
	m.ExpectEnd()
	r.ExpectExit(0)
}

// A server exits within a second of the signal, even if a client does not take
// what waits for it. The server reports that.
func stopNeverReads(r *room) {
	a := r.join()
	r.join()
	m := r.stuck(a, 128<<10)
	const bound = 1500 * time.Millisecond // on a busy machine, we notice the exit late
	signalled := time.Now()
	r.Signal(syscall.SIGTERM)
	r.ExpectExit(0)
	if took := time.Since(signalled); took > bound {
		r.Failf("it took %v to stop", took)
	}
	line := m.ExpectEnding(m.Error)
	if !r.Failed() && !strings.Contains(line, "server stopped before") {
		r.Failf("it printed %q, want server stopped", line)
	}
}
