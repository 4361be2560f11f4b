package conform

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"fopnp/internal/py/pyfmt"
)

// What ADDR, BYTES and WHY stand for. BYTES are never empty. WHY has no
// parentheses, except in quotes, and no line feed: otherwise two lines that ran
// into each other would look like one.
const (
	anyAddr  = `\('(?:127\.0\.0\.1', \d+|::1', \d+, 0, 0)\)`
	anyPair  = `\([\d.:a-f]+, \d+\)`
	anyBytes = `b(?:'(?:[^'\\\n]|\\.)+'|"(?:[^"\\\n]|\\.)+")`
	anyWhy   = `(?:[\w :;,./-]|` + anyBytes + `)+`
)

var clientAddr, clientPair = regexp.MustCompile(anyAddr), regexp.MustCompile(anyPair)

// clientOf returns the address of the client that a line is about, as ADDR has it,
// or "" if there is none.
func clientOf(line string) string {
	if addr := clientAddr.FindString(line); addr != "" {
		return addr
	}
	host, port, _ := strings.Cut(strings.Trim(clientPair.FindString(line), "()"), ", ")
	ip, err := netip.ParseAddr(host)
	n, _ := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ""
	}
	return pyfmt.AddrPort(netip.AddrPortFrom(ip, uint16(n)))
}

// expression returns the regular expression for one of the server's lines.
// Values are pairs: a word of the line, and the text that replaces it. A word
// without a value may stand for anything of its kind.
func expression(line string, values ...string) string {
	e := regexp.QuoteMeta(line)
	for i := 0; i < len(values); i += 2 {
		e = strings.ReplaceAll(e, values[i], regexp.QuoteMeta(values[i+1]))
	}
	return strings.NewReplacer("ADDR", anyAddr, "PAIR", anyPair, "BYTES", anyBytes, "WHY", anyWhy).Replace(e)
}

// about returns the lines that end the conversations of clients with the address
// addr, one for each. In these, unlike in the line that begins a conversation,
// something follows the address, or they are Closed.
func (l Lines) about(addr, output string) (lines []string) {
	others := compiled(l.Others...)
	closed := strings.Replace(l.Closed, "ADDR", addr, 1) + "\n"
	fault := false // the last line reports one
	for {
		before, after, found := strings.Cut(output, addr)
		if !found {
			return lines
		}
		rest, rest0, whole := strings.Cut(after, "\n")
		line := before[strings.LastIndexByte(before, '\n')+1:] + addr + rest + "\n"
		if whole && (rest != "" && strings.ContainsAny(rest[:1], " :") || line == closed) {
			switch {
			case l.ClosedToo && fault && line == closed:
				fault = false // this is about the same conversation
			case !others.MatchString(line[:len(line)-1]):
				lines = append(lines, line)
				fault = line != closed
			}
		}
		output = rest0
	}
}

// compiled returns a regular expression for whole lines that match one of
// expressions.
func compiled(expressions ...string) *regexp.Regexp {
	key := strings.Join(expressions, "\x00")
	if re, ok := compiledBefore.Load(key); ok {
		return re.(*regexp.Regexp)
	}
	ends := []string{"$"} // no line is empty, so this matches none
	for _, e := range expressions {
		// Any text may follow, up to the end of the line. If we do not look for
		// the end, a long line costs no more than a short one.
		if begin, any := strings.CutSuffix(e, " .*"); any && !strings.Contains(e, "|") {
			ends = append(ends, begin+" ")
		} else {
			ends = append(ends, "(?:"+e+")$")
		}
	}
	re := regexp.MustCompile("^(?:" + strings.Join(ends, "|") + ")")
	compiledBefore.Store(key, re)
	return re
}

var compiledBefore sync.Map // by expressions

// complaint returns the expression for what the server prints when accept
// fails.
func (s Server) complaint() string {
	return regexp.QuoteMeta(s.Name + ": accept (will try again): too many open files")
}

// examine looks at everything that the server has printed: each line must be
// whole and one of its lines, and each conversation that began must have ended,
// with one line.
func (t *Trial) examine() {
	text := t.Output()
	if !strings.HasSuffix(text, "\n") {
		t.Failf("the last line is not whole: %q", text)
	}
	var ends, faults []string
	for _, line := range []string{t.Half, t.Unsent, t.Error} {
		if line != "" && t.ClosedToo {
			faults = append(faults, expression(line))
		} else if line != "" {
			ends = append(ends, expression(line))
		}
	}
	if t.Closed != "" {
		ends = append(ends, expression(t.Closed))
	}
	begin, end, fault := compiled(expression(t.Accepted)), compiled(ends...), compiled(faults...)
	others := compiled(append([]string{t.complaint()}, t.Others...)...)

	announcement := t.announcement(t.host, t.process.Port)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if i := slices.Index(lines, announcement); i < 0 || slices.ContainsFunc(lines[:i], clientAddr.MatchString) {
		t.Failf("it announced %q, want %q first", lines[0], announcement)
	} else {
		lines = slices.Delete(lines, i, i+1)
	}
	began, ended := map[string]int{}, map[string]int{}
	broken := map[string]int{} // conversations with a fault that have not ended
	for _, line := range lines {
		client := clientOf(line)
		switch {
		case t.Accepted != "" && begin.MatchString(line):
			began[client]++
		case len(ends) > 0 && end.MatchString(line):
			ended[client]++
			broken[client] = max(broken[client]-1, 0)
		case len(faults) > 0 && fault.MatchString(line):
			broken[client]++
			if broken[client] > began[client]-ended[client] {
				t.Failf("it printed %q after the line that ends the conversation:\n%s", line, text)
			}
		case !others.MatchString(line):
			t.Failf("it printed %q, which is not one of its lines", line)
		}
	}
	if !t.killed {
		t.examineEnds(began, ended, text)
	}
}

// examineEnds compares how many lines said that a conversation began and ended, for
// each client's address, with what the clients did. Text is all that was printed.
func (t *Trial) examineEnds(began, ended map[string]int, text string) {
	for addr, n := range began {
		if t.Closed != "" && ended[addr] != n {
			t.Failf("it printed %d lines about the end of %d conversations with %s", ended[addr], n, addr)
		}
	}
	for addr, n := range ended {
		if n > 1 && began[addr] <= 1 && t.Accepted != "" {
			t.Failf("it printed %d lines about the end of %s", n, addr)
		}
	}
	// An address may have had several conversations, because the system gives the
	// address of a client that has left to a later one.
	least, most := map[string]int{}, map[string]int{}
	for _, c := range t.clients {
		if !c.isOver || c.ending != "" {
			most[c.addr]++
			if c.isOver {
				least[c.addr]++
			}
		}
	}
	for _, c := range t.clients {
		if n := ended[c.addr]; n < least[c.addr] || n > most[c.addr] {
			t.Failf("it printed %d lines about the end of %s:\n%s", n, c.addr, text)
		}
	}
}

// announcement returns the line with which the server announces itself
// at a host and port.
func (s Server) announcement(host, port string) string {
	if s.Listening != "" {
		switch host {
		case "":
			host = "0.0.0.0"
		case "localhost":
			host = "127.0.0.1"
		}
		return strings.NewReplacer("PORT", port, "HOST", host).Replace(s.Listening)
	}
	number, _ := strconv.Atoi(port)
	return "Listening at " + pyfmt.HostPort(host, number)
}

// AwaitAccepted waits until the server prints that the conversation with c
// begins.
func (c *Client) AwaitAccepted() {
	if !c.Failed() {
		c.AwaitLine(strings.NewReplacer("ADDR", c.addr, "PAIR", c.pair()).Replace(c.Accepted))
	}
}

// pair returns c's address without quotes.
func (c *Client) pair() string {
	address := c.Addr()
	return fmt.Sprintf("(%s, %d)", address.Addr(), address.Port())
}

// ExpectEnding waits for the line about the end of c's conversation, which must
// be line with values: pairs of BYTES or WHY and the text that replaces it. It
// returns what the server printed. If line is empty, the server must print none.
func (c *Client) ExpectEnding(line string, values ...string) string {
	found := c.waitForEnding(line)
	values = append([]string{"ADDR", c.addr}, values...)
	want := expression(line, values...)
	if found != "" && !regexp.MustCompile("^"+want+"\n$").MatchString(found) {
		c.Failf("it printed %q, want %q with %q", found, line, values)
	}
	return found
}

// ExpectNaming waits for the line about the end of c's conversation, which may be
// any line that quotes bytes: what was received and not answered, or not sent. It
// returns what the server printed.
func (c *Client) ExpectNaming(bytes string) string {
	found := c.waitForEnding("ADDR: ...")
	if found != "" && !strings.Contains(found, bytes) {
		c.Failf("it printed %q, which does not name %s", found, bytes)
	}
	return found
}

// expectUnsent waits for the line about the end of c's conversation, which must
// be the one about answers that were not sent. If the server has also received
// the beginning of a request, that line is Error. It returns what the server
// printed.
func (c *Client) expectUnsent() string {
	found := c.waitForEnding("ADDR: ...")
	lines := []string{expression(c.Error, "ADDR", c.addr)}
	if c.Unsent != "" {
		lines = append(lines, expression(c.Unsent, "ADDR", c.addr))
	}
	if found != "" && !compiled(lines...).MatchString(strings.TrimSuffix(found, "\n")) {
		c.Failf("it printed %q, want a line about what was not sent", found)
	}
	return found
}

// waitForEnding waits for the line about the end of c's conversation. If line
// is empty, it does not wait, and examine checks later that the server printed
// none.
func (c *Client) waitForEnding(line string) (found string) {
	if c.Failed() {
		return ""
	}
	c.mu.Lock()
	n := 1 // of the lines about this address, c's is the n-th
	for _, earlier := range c.clients {
		if earlier != c && earlier.addr == c.addr && (earlier.ending != "" || !earlier.isOver && c.Closed != "") {
			n++
		}
	}
	c.isOver, c.ending = true, line
	c.mu.Unlock()
	if line == "" {
		return ""
	}
	err := c.process.WaitUntil("how the conversation with "+c.addr+" ended", func(output string) bool {
		lines := c.about(c.addr, output)
		if len(lines) >= n {
			found = lines[n-1]
		}
		return found != ""
	})
	if err != nil {
		c.Fail(err)
	}
	return found
}
