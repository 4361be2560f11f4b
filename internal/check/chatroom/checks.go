package chatroom

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// checks are the checks that do not look into the kernel.
var checks = []check{
	{name: "three, and one leaves", run: threeAndOneLeaves},
	{name: "alone", run: alone},
	{name: "lines of a client", run: linesOfAClient},
	{name: "joined messages", run: joined},
	{name: "split message", run: split},
	{name: "odd messages", run: odd},
	{name: "empty message", run: empty},
	{name: "longest message", run: longestMessage},
	{name: "too long", run: tooLong},
	{name: "too long/after messages", run: tooLongAfterMessages},
	{name: "endless", run: endless},
	{name: "half a message", run: half},
	{name: "reset", run: reset},
	{name: "reset/half a message", run: resetHalf},
	{name: "message then hang-up", run: messageThenHangUp},
	{name: "half-close", run: halfClose},
	{name: "half-close/then close", run: halfCloseThenClose},
	{name: "order", run: order},
	{name: "crowd", run: crowd},
	{name: "come and go", run: comeAndGo},
	{name: "many messages", run: manyMessages},
	{name: "silence", run: silence, args: []string{"-t", "0.3"}},
	{name: "silence/without end", run: silenceWithoutEnd, args: []string{"-t", "0"}},
	{name: "a byte at a time", run: byteAtATime, args: []string{"-t", "0.3"}},
	{name: "keeps talking", run: keepsTalking, args: []string{"-t", "1.5"}},
	{name: "never reads", run: neverReads},
	{name: "takes nothing", run: takesNothing, args: []string{"-t", "0.5"}},
	{name: "stop/SIGTERM", run: stopped(syscall.SIGTERM)},
	{name: "stop/SIGINT", run: stopped(os.Interrupt)},
	{name: "stop/half a message", run: stopHalf},
}

// The others hear what one client says. When one of them leaves, the rest hear
// that, too, and go on.
func threeAndOneLeaves(r *room) {
	a, b, c := r.join(), r.join(), r.join()
	r.say(a, "hello")
	r.say(b, "hello yourself")
	r.leave(b)
	r.say(c, "is anybody there?")
	r.say(a, "I am")
}

// The empty host is every interface, IPv4 and IPv6. Clients of both chat with
// each other.
func everyInterface(r *room) {
	for _, host := range conform.Loopbacks() {
		r.enter(r.ConnectTo(host))
	}
	for _, m := range r.members {
		r.say(m, "hello")
	}
}

// A client may talk to itself, and to others when they come.
func alone(r *room) {
	a := r.join()
	r.say(a, "hello")
	awaitRead(a.Client)
	b := r.join()
	r.say(b, "hello")
	r.leave(a)
	r.leave(b)
}

// The line about a client that has come precedes all other lines about it, even
// if it speaks at once. The line about its leaving, if there is one, follows
// them.
func linesOfAClient(r *room) {
	texts := []string{"one", "two"}
	var all []*conform.Client
	for range 100 {
		c := r.Connect()
		c.Send(r.said(texts[0]) + r.said(texts[1]))
		c.CloseWrite()
		all = append(all, c)
	}
	for _, c := range all {
		pair := fmt.Sprintf("(%s, %d)", c.Addr().Addr(), c.Addr().Port())
		line := strings.NewReplacer("ADDR", pyfmt.AddrPort(c.Addr()), "PAIR", pair).Replace
		want := []string{line(r.Accepted)}
		if r.Closed != "" {
			for _, text := range texts {
				want = append(want, strings.TrimSuffix(r.Heard(c.Addr(), text), string(r.End)))
			}
			want = append(want, line(r.Closed))
		}
		c.AwaitLine(want[len(want)-1])
		var got []string
		for printed := range strings.Lines(r.Output()) {
			if strings.Contains(printed, pyfmt.AddrPort(c.Addr())) || strings.Contains(printed, pair) {
				got = append(got, strings.TrimSuffix(printed, "\n"))
			}
		}
		if !slices.Equal(got, want) && !r.Failed() {
			r.Failf("it printed %q, want %q", got, want)
		}
		c.ExpectEnding(c.Closed)
	}
}

// Several messages in one segment are several messages.
func joined(r *room) {
	a := r.join()
	r.joinAll(2)
	r.say(a, "one", "two", "three", "four", "five")
}

// A message in any number of segments is one message, and so is one whose
// beginning came with another.
func split(r *room) {
	a, b := r.join(), r.join()
	for _, letter := range "split" {
		a.Send(string(letter))
		awaitRead(a.Client)
	}
	r.say(b, "between")
	a.Send(string(r.End))
	r.hasSaid(a, "split")
	r.hear()
	a.Send(r.said("whole") + "ha")
	r.hasSaid(a, "whole")
	r.hear(a)
	awaitRead(a.Client)
	a.Send("lf" + string(r.End))
	r.hasSaid(a, "half")
	r.hear()
}

// Messages that look dangerous arrive byte for byte as they were sent. A server
// that prints them escapes what would end its line or control a terminal.
func odd(r *room) {
	a := r.join()
	r.joinAll(2)
	for _, text := range r.Odd {
		r.say(a, text)
		if r.Closed != "" {
			heard := strings.TrimSuffix(r.Heard(a.Addr(), text), string(r.End))
			a.AwaitLine(pyfmt.Bare([]byte(heard)))
		}
	}
}

func empty(r *room) {
	a := r.join()
	r.joinAll(2)
	r.say(a, "")
	r.say(a, "", "", "")
}

// A message of 4096 bytes is not too long.
func longestMessage(r *room) {
	a := r.join()
	r.joinAll(2)
	r.say(a, strings.Repeat("x", longest))
}

// A message that no client may say ends its author's connection. The others
// hear neither that message nor the bytes after it, which the server names.
func refused(r *room) {
	a := r.join()
	r.joinAll(2)
	for _, text := range r.Refused {
		m := r.join()
		behind := r.said("good") + "more"
		m.Send(r.said("before") + r.said(text) + behind)
		r.hasSaid(m, "before")
		line := r.isOut(m, m.Error)
		if quote := pyfmt.Bytes([]byte(behind)); !r.Failed() && !strings.Contains(line, quote) {
			r.Failf("it printed %q, which does not name %s", line, quote)
		}
		r.say(a, "who was that?")
	}
}

// A message of 4097 bytes also ends its author's connection, with or without
// its end mark.
func tooLong(r *room) {
	a := r.join()
	r.joinAll(2)
	for _, end := range []string{"", string(r.End)} {
		m := r.join()
		m.Send(strings.Repeat("x", longest+1) + end)
		r.isOut(m, m.Error)
		r.say(a, "who was that?")
	}
}

// The others hear what a client said before its message that is too long.
func tooLongAfterMessages(r *room) {
	r.joinAll(2)
	m := r.join()
	m.Send(r.said("one") + r.said("two") + strings.Repeat("x", longest+1))
	r.hasSaid(m, "one", "two")
	r.isOut(m, m.Error)
}

// A client that sends a message without end is cut off, and memory stays
// bounded.
func endless(r *room) {
	a := r.join()
	r.joinAll(2)
	m := r.join()
	for sent := 0; m.TrySend(strings.Repeat("x", 1<<20)) && !r.Failed(); {
		if sent += 1 << 20; sent == 64<<20 {
			r.Failf("it took a message of %d bytes", sent)
		}
	}
	r.remove(m)
	m.ExpectCut()
	m.ExpectEnding(m.Error)
	r.hasLeft(m)
	r.hear()
	r.say(a, "who was that?")
	r.MemoryBounded()
}

// A client that leaves in the middle of a message has committed a fault. The
// others do not hear the half.
func half(r *room) {
	a := r.join()
	r.joinAll(2)
	m := r.join()
	m.Send(r.said("whole") + m.Unfinished)
	m.CloseWrite()
	r.hasSaid(m, "whole")
	r.isOut(m, m.Half, "BYTES", pyfmt.Bytes([]byte(m.Unfinished)))
	r.say(a, "who was that?")
}

// A client crashes.
func reset(r *room) {
	a, m := r.join(), r.join()
	r.join()
	r.hear()
	r.say(m, "hello")
	m.Reset()
	r.remove(m)
	r.hasLeft(m)
	r.hear()
	m.ExpectEnding(m.Error)
	r.say(a, "who was that?")
}

// A client crashes in the middle of a message, and the line quotes the part
// that had arrived.
func resetHalf(r *room) {
	r.join()
	m := r.join()
	r.hear()
	m.Send(r.said("whole") + m.Unfinished)
	r.hasSaid(m, "whole")
	r.hear()
	m.Reset()
	r.remove(m)
	m.ExpectNaming(pyfmt.Bytes([]byte(m.Unfinished)))
	r.hasLeft(m)
	r.hear()
}

// The others hear what a client says before it hangs up, even if the client has
// not read what the others said.
func messageThenHangUp(r *room) {
	a := r.join()
	r.joinAll(2)
	for n := range 30 {
		m := r.join()
		r.hear()
		unread := n%2 == 1
		if unread {
			a.Send(r.said("unheard by the last"))
			r.hasSaid(a, "unheard by the last")
			r.hear(m)
		}
		unread = unread || r.Echo
		for i := range 20 {
			r.hasSaid(m, text(i))
		}
		m.Send(r.said(text(0)) + r.said(text(1)))
		for i := 2; i < 20; i++ {
			m.Send(r.said(text(i)))
		}
		if unread {
			awaitArrival(m.Client) // or its own system would discard the rest
		}
		m.Close()
		r.remove(m)
		r.hasLeft(m)
		r.hear()
	}
}

// A client that has closed its side still hears the others.
func halfClose(r *room) {
	a, b := r.join(), r.join()
	m := r.join()
	m.Send(r.said("last words"))
	m.CloseWrite()
	r.hasSaid(m, "last words")
	r.hasLeft(m)
	r.hear()
	r.say(a, "still there?")
	c := r.join()
	r.say(c, "hello")
	r.leave(b)
	r.say(a, strings.Repeat("x", longest))
}

// When a client that has half-closed its connection closes it, the others hear
// nothing, because for them it has already left.
func halfCloseThenClose(r *room) {
	a := r.join()
	r.joinAll(2)
	for range 10 {
		m := r.join()
		m.CloseWrite()
		r.hasLeft(m)
		r.hear()
		r.say(a, "still there?")
		m.Close()
		r.remove(m)
		r.say(a, "still there?")
		r.say(a, "and now?")
		m.ExpectEnding(m.Closed)
	}
}

// Twenty clients talk at the same time. All hear every message once, and in the
// same order. The messages of each author stay in the order in which it sent
// them.
func order(r *room) {
	const authors, each = 20, 100
	members := r.joinAll(authors + 1)
	r.hear()
	listener := authors // hears all
	heard := make([][]string, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		n := authors * each
		if i != listener {
			all.Go(func() {
				for k := range each {
					m.Send(r.said(text(k)))
				}
			})
			if !r.Echo {
				n -= each
			}
		}
		all.Go(func() {
			for range n {
				heard[i] = append(heard[i], m.ReceiveMessage(r.End))
			}
		})
	}
	all.Wait()
	for i, m := range members {
		var own []string
		for k := range each {
			own = append(own, r.Heard(m.Addr(), text(k)))
		}
		isOwn := func(message string) bool { return slices.Contains(own, message) }
		if i != listener {
			r.isEqual(m, "of its author", own, filter(heard[listener], isOwn))
		}
		want := heard[listener]
		if i != listener && !r.Echo {
			want = filter(want, func(message string) bool { return !isOwn(message) })
		}
		r.isEqual(m, "that the listener heard", want, heard[i])
	}
	r.say(members[listener], "that was all")
}

// isEqual fails the trial unless got equals want.
func (r *room) isEqual(m *member, what string, want, got []string) {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			r.Failf("message %d %s differs for %v: %q, %q", i, what, m.Addr(),
				want[min(i, len(want)):min(i+1, len(want))], got[min(i, len(got)):min(i+1, len(got))])
			return
		}
	}
}

func filter(messages []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(messages), func(message string) bool { return !keep(message) })
}

// A thousand clients hear everything. Some leave, and the others go on.
func crowd(r *room) {
	members := r.joinAll(affordable(1000))
	r.hear()
	for n := range 3 {
		r.say(members[n*17], text(n))
	}
	for _, m := range members[10:20] {
		r.leave(m)
	}
	r.say(members[0], "who is left?")
	r.MemoryBounded()
}

// affordable returns n, or a tenth of it with -short or under the race
// detector.
func affordable(n int) int {
	if progtest.Race || testing.Short() {
		n /= 10
	}
	return n
}

// Clients come and go by the hundred, each with a message, while another one
// counts. A listener hears all of that exactly once, and each visitor hears a
// part of the counting without a gap.
func comeAndGo(r *room) {
	visits := affordable(600)
	const atOnce = 100
	counter, listener := r.join(), r.join()
	r.hear()

	var visitors, hearing sync.WaitGroup
	visited := make([]netip.AddrPort, visits) // the addresses of the visitors
	places := make(chan bool, atOnce)
	gone := make(chan bool)
	go func() {
		defer close(gone)
		for n := range visits {
			places <- true
			visitors.Go(func() {
				visited[n] = r.visit(n, r.countsOf(counter))
				<-places
			})
		}
		visitors.Wait()
	}()

	var heard []string
	heardOne, heardAll := make(chan bool), make(chan bool)
	hearing.Go(func() {
		defer close(heardAll)
		heard = r.listen(listener, counter, visits, heardOne)
	})
	hearing.Go(func() { // the counter reads, too, or too much would wait for it
		for !r.Failed() && counter.ReceiveMessage(r.End) != r.Heard(listener.Addr(), "thank you") {
		}
	})
	n := 0
	for counting := true; counting && !r.Failed(); n++ {
		counter.Send(r.said(fmt.Sprint("#", n)))
		select {
		case <-heardOne:
		case <-heardAll: // it has failed
		}
		select {
		case <-gone:
			counting = false
		default:
		}
	}
	counter.Send(r.said("end"))
	for listening := true; listening; {
		select {
		case <-heardOne: // the server has sent a number twice
		case <-heardAll:
			listening = false
		}
	}
	listener.Send(r.said("thank you"))
	hearing.Wait()
	<-gone
	r.examine(heard, n, visited, r.countsOf(counter))
}

// countsOf returns what stands before each number that the counter says.
func (r *room) countsOf(counter *member) string {
	return strings.TrimSuffix(r.Heard(counter.Addr(), "#"), string(r.End))
}

// listen returns what the listener hears until all visitors have left and the
// counter has ended. It tells heardOne of each number.
func (r *room) listen(listener, counter *member, visits int, heardOne chan<- bool) (heard []string) {
	counts, end := r.countsOf(counter), r.Heard(counter.Addr(), "end")
	ended, came, left := false, 0, 0
	if r.Left == nil {
		left = visits
	}
	for !r.Failed() && !(ended && came == visits && left == visits) {
		message := listener.ReceiveMessage(r.End)
		heard = append(heard, message)
		switch {
		case message == end:
			ended = true
		case strings.HasPrefix(message, counts):
			heardOne <- true
		case strings.Contains(message, "visit "):
			came++
		case r.Left != nil && message == r.Left(addressIn(message)):
			left++
		}
	}
	return heard
}

// addressIn returns the loopback address that a message names.
func addressIn(message string) netip.AddrPort {
	match := regexp.MustCompile(`127\.0\.0\.1\D+(\d+)`).FindStringSubmatch(message)
	if match == nil {
		return netip.AddrPort{}
	}
	address, _ := netip.ParseAddrPort("127.0.0.1:" + match[1])
	return address
}

// examine fails the trial unless the listener has heard everything once: n
// numbers in their order, and for each visitor that it came, what it said, and
// that it left. The system may give a visitor the address of an earlier one.
func (r *room) examine(heard []string, n int, visited []netip.AddrPort, counts string) {
	times := map[string]int{}
	next := 0
	for _, message := range heard {
		if number, is := strings.CutPrefix(message, counts); !is {
			times[message]++
		} else if number == r.said(fmt.Sprint(next)) {
			next++
		} else {
			r.Failf("the listener heard number %q, want %d", number, next)
		}
	}
	if next != n {
		r.Failf("the listener heard %d of %d numbers", next, n)
	}
	want := map[string]int{}
	for i, visitor := range visited {
		want[r.Heard(visitor, fmt.Sprint("visit ", i))]++
		if r.Joined != nil {
			want[r.Joined(visitor)]++
		}
		if r.Left != nil {
			want[r.Left(visitor)]++
		}
	}
	for message, n := range want {
		if times[message] != n {
			r.Failf("the listener heard %q %d times, want %d", message, times[message], n)
		}
	}
}

// visit joins, hears three numbers, says one message, and leaves without
// reading the rest. It returns the visitor's address.
func (r *room) visit(n int, prefix string) netip.AddrPort {
	c := r.Connect()
	defer c.Close()
	last := ""
	for heard := 0; heard < 3 && !r.Failed(); {
		number, is := strings.CutPrefix(c.ReceiveMessage(r.End), prefix)
		if !is {
			continue
		}
		if last != "" && number != next(last) {
			c.Failf("a visitor heard number %q after %q", number, last)
		}
		last = number
		heard++
	}
	c.Send(r.said(fmt.Sprint("visit ", n)))
	return c.Addr()
}

// next returns the number that follows number, both with their end marks.
func next(number string) string {
	var n int
	fmt.Sscan(number, &n)
	return fmt.Sprint(n+1) + number[len(number)-1:]
}

// After all messages, the server uses as much memory as after the first tenth, or
// as after 30,000: before that, its heap may not have reached the size at which
// Go's collector first runs. A server fails if it keeps more than 4 MiB or, with
// -all, more than 16 bytes per message.
func manyMessages(r *room) {
	const batch = 1000
	messages := progtest.Count(150_000, 1_000_000)
	if progtest.Race {
		messages = 20_000
	}
	warm := max(messages/10, 30_000)
	a := r.join()
	b := r.join()
	r.join()
	r.hear()
	said := strings.Repeat(r.said("hello"), batch)
	heard := strings.Repeat(r.Heard(a.Addr(), "hello"), batch)
	before := 0
	for n := 0; n < messages && !r.Failed(); n += batch {
		a.Send(said)
		r.happens(r.author(a), heard)
		r.hear()
		if n == warm {
			before = r.Resident()
		}
	}
	grown := (r.Resident() - before) << 10
	if leaked := (messages - warm) * 16; grown > max(leaked, 4<<20) && !progtest.Race {
		r.Failf("its memory grew by %d bytes in %d messages", grown, messages-warm)
	}
	r.MemoryBounded()
	r.say(b, "that was all")
}

// Silence is no fault. A client that stops in the middle of a message is cut
// off after the timeout of -t, and a client that says nothing meanwhile stays.
func silence(r *room) {
	quiet, a := r.join(), r.join()
	r.say(a, "hello")
	start := time.Now()
	for range 3 {
		m := r.join()
		m.Send(m.Unfinished)
		r.isOut(m, m.Error, "WHY", "received "+pyfmt.Bytes([]byte(m.Unfinished))+" then timed out")
	}
	if took := time.Since(start); took < 750*time.Millisecond {
		r.Failf("three times 300 ms took %v", took)
	}
	r.say(quiet, "I am still here")
	r.say(a, "So am I")
}

// With -t 0, a client may take any time to finish a message.
func silenceWithoutEnd(r *room) {
	a := r.join()
	r.join()
	a.Send("ha")
	<-time.After(300 * time.Millisecond)
	a.Send("lf" + string(r.End))
	r.hasSaid(a, "half")
	r.hear()
}

// The timeout covers a whole message, so a byte now and then does not extend
// it. The bytes come so fast that none is late, and so slowly that 2000 of
// them, fewer than a message may have, take four seconds.
func byteAtATime(r *room) {
	r.join()
	m := r.join()
	r.hear()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n := 0; m.TrySend("x") && !r.Failed(); n++ {
		if n == 2000 {
			r.Failf("it was sent %d bytes and did not close the connection", n)
		}
		<-tick.C
	}
	m.ExpectCut()
	if line := m.ExpectEnding(m.Error); !r.Failed() && !strings.Contains(line, "timed out") {
		r.Failf("it printed %q, want timed out", line)
	}
	r.remove(m)
	r.hasLeft(m)
	r.hear()
}

// The timeout begins anew with each message, so a client that always has half a
// message under way stays. If the machine was so busy that a message took half
// of the timeout, the client may have been late, and the check tries again.
func keepsTalking(r *room) {
	const timeout = 1500 * time.Millisecond
	listener := r.join()
	for giveUp := r.Deadline(); time.Now().Before(giveUp); {
		c := r.Connect()
		c.AwaitAccepted()
		if r.Joined != nil {
			listener.Expect(r.Joined(c.Addr()))
		}
		kept, late := r.keepTalking(c, listener, timeout)
		if kept || r.Failed() {
			return
		}
		if !late {
			r.Failf("it closed the connection of a client that was never late")
			return
		}
		c.Close()
		for r.Left != nil && !r.Failed() && listener.ReceiveMessage(r.End) != r.Left(c.Addr()) {
		}
	}
	r.Failf("no conversation outlived %v", timeout)
}

// keepTalking reports whether c could talk for three times timeout, and if not,
// whether it was late.
func (r *room) keepTalking(c *conform.Client, listener *member, timeout time.Duration) (kept, late bool) {
	tick := time.NewTicker(timeout / 20)
	defer tick.Stop()
	start := time.Now()
	c.TrySend("ha")
	for last := start; ; <-tick.C {
		if time.Since(last) > timeout/2 {
			return false, true
		}
		if !c.TrySend("lf" + string(r.End) + "ha") {
			return false, false
		}
		heard := listener.ReceiveMessage(r.End)
		now := time.Now()
		if now.Sub(last) > timeout/2 {
			return false, true
		}
		if heard != r.Heard(c.Addr(), "half") {
			return false, false
		}
		if last = now; last.Sub(start) > 3*timeout {
			return true, false
		}
	}
}

// The server throws out a client that never reads when too much waits for it:
// at least a quarter of a mebibyte, and at most a mebibyte. Twenty others chat
// meanwhile and hear everything, in the same order.
func neverReads(r *room) {
	members := r.joinAll(20)
	r.hear()
	stuck := r.enter(r.ConnectNarrow())
	r.hear(stuck)
	r.remove(stuck)
	waits := r.talkUntilOut(stuck, members)
	if waits < mayWait && waits > 0 {
		r.Failf("it threw out a client for which %d bytes waited", waits)
	}
	stuck.ExpectEnding(stuck.Error)
	r.leftAround(stuck)
	r.say(members[1], "what was that?")
	r.MemoryBounded()
}

// talkUntilOut lets authors speak in turn, and all members hear each message
// before the next one, until the server has thrown out a client that does not
// read. It returns how many bytes waited for that client at the end. stuck must
// not be a member any more.
func (r *room) talkUntilOut(stuck *member, authors []*member) (waits int) {
	long := strings.Repeat("x", 4000)
	for n := 0; !r.hasThrownOut(stuck, waits) && !r.Failed(); n++ {
		if stuck.sent > 64<<20 {
			r.Failf("it keeps %d bytes for a client that does not read", stuck.sent)
		}
		waits = waiting(stuck.Client, stuck.sent)
		author := authors[n%len(authors)]
		author.Send(r.said(long))
		heard := r.Heard(author.Addr(), long)
		stuck.sent += len(heard)
		r.hearAround(stuck, author, heard)
	}
	return waits
}

// hasThrownOut reports whether the server has said that it has thrown out a
// client for which so many bytes wait. If more wait than the bound allows,
// hasThrownOut waits for that line, which may arrive after the messages that
// the server sent later.
func (r *room) hasThrownOut(stuck *member, waits int) bool {
	hasSaidSo := func() bool { return len(r.LinesAbout(stuck.Client)) > 0 }
	if waits > mostWaits+64<<10 {
		r.Until(fmt.Sprintf("it throws out a client for which %d bytes wait", waits), hasSaidSo)
	}
	return hasSaidSo()
}

// hearAround checks that all hear what author has said. Before that, they may
// hear that stuck has left, but then all of them must.
func (r *room) hearAround(stuck, author *member, heard string) {
	reference := r.members[0]
	if reference == author {
		reference = r.members[1]
	}
	first := reference.ReceiveMessage(r.End)
	if r.Left != nil && first == r.Left(stuck.Addr()) {
		stuck.toHear.WriteString("left")
		r.happens(reference, first)
		first = reference.ReceiveMessage(r.End)
	}
	if first != heard {
		r.Failf("%v heard %.100q, want %.100q", reference.Addr(), first, heard)
	}
	r.happens(r.author(author), heard)
	reference.toHear.Reset()
	r.hear()
}

// leftAround checks that all hear that stuck has left, unless they have heard
// it already.
func (r *room) leftAround(stuck *member) {
	if r.Left != nil && !strings.HasSuffix(stuck.toHear.String(), "left") {
		r.happens(nil, r.Left(stuck.Addr()))
	}
	r.hear()
}

// The server throws out a client that takes nothing of what waits for it after
// the timeout of -t, even if little waits.
func takesNothing(r *room) {
	members := r.joinAll(3)
	r.hear()
	stuck := r.enter(r.ConnectNarrow())
	r.hear(stuck)
	r.remove(stuck)
	long := strings.Repeat("x", 4000)
	sent := 0
	giveUp := r.Deadline()
	for n := 0; len(r.LinesAbout(stuck.Client)) == 0 && !r.Failed(); n++ {
		if time.Now().After(giveUp) {
			r.Failf("%d bytes wait for a client that takes nothing", waiting(stuck.Client, sent))
		}
		author := members[n%len(members)]
		if sent > 8<<20 || waiting(stuck.Client, sent) > 64<<10 {
			long = "tick" // enough waits
			<-time.After(time.Millisecond)
		}
		author.Send(r.said(long))
		heard := r.Heard(author.Addr(), long)
		sent += len(heard)
		r.hearAround(stuck, author, heard)
	}
	if line := stuck.ExpectEnding(stuck.Error); !r.Failed() && !strings.Contains(line, "timed out") {
		r.Failf("it printed %q, want timed out", line)
	}
	r.leftAround(stuck)
	r.say(members[1], "what was that?")
}

// On SIGINT and SIGTERM, a server sends what was said, closes all connections
// and exits with status 0.
func stopped(signal os.Signal) func(*room) {
	return func(r *room) {
		members := r.joinAll(5)
		r.say(members[0], "hello")
		r.Signal(signal)
		for _, m := range members {
			m.ExpectEnd()
		}
		r.ExpectExit(0)
	}
}

// The server names what was received and never became a message.
func stopHalf(r *room) {
	a := r.join()
	r.join()
	r.hear()
	a.Send(r.said("whole") + a.Unfinished)
	r.hasSaid(a, "whole")
	r.hear()
	r.Signal(syscall.SIGTERM)
	a.ExpectEnd()
	a.ExpectNaming(pyfmt.Bytes([]byte(a.Unfinished)))
	r.ExpectExit(0)
}
