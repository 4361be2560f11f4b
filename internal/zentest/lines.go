package zentest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"fopnp/internal/pyfmt"
)

// What may stand for ADDR, BYTES and WHY. A reason has no parentheses but in
// quotes, and no newline: two lines that ran into each other are not one.
const (
	anyAddr  = `\('(?:127\.0\.0\.1', \d+|::1', \d+, 0, 0)\)`
	anyBytes = `b(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")`
	anyWhy   = `(?:[\w :;,.-]|` + anyBytes + `)+`
)

// expression is the regular expression of one of the server's lines, in which
// the given values stand for the words before them and anything for the rest.
func expression(line string, values ...string) string {
	e := regexp.QuoteMeta(line)
	for i := 0; i < len(values); i += 2 {
		e = strings.ReplaceAll(e, values[i], regexp.QuoteMeta(values[i+1]))
	}
	// From the outside in, for a reason may name bytes, but no address.
	return strings.NewReplacer("ADDR", anyAddr, "BYTES", anyBytes, "WHY", anyWhy).Replace(e)
}

// about is the expression of the line that ends the conversation of the client
// with the address addr, whatever it says. Unlike the line that begins it, it
// goes on after the address.
func about(addr string) string {
	return `(?m)^.*` + regexp.QuoteMeta(addr) + `[ :].*\n`
}

// complaint is the expression of what the server says when accept fails.
func (s Server) complaint() string {
	return regexp.QuoteMeta(s.Name + ": accept (will try again): too many open files")
}

// unsent is the line about answers that were not sent.
func (s Server) unsent() string {
	if s.Unsent != "" {
		return s.Unsent
	}
	return s.Error
}

// examine looks at everything that a server has printed: every line must be
// whole and one of its lines, and every conversation that began must have
// ended, in one line.
func (t *trial) examine() {
	text := t.server.Output()
	if !strings.HasSuffix(text, "\n") {
		t.failf("the last line is not whole: %q", text)
	}
	port, _ := strconv.Atoi(t.server.Port)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if want := "Listening at " + pyfmt.HostPort(t.host, port); lines[0] != want {
		t.failf("it announced %q, want %q", lines[0], want)
	}
	begin := regexp.MustCompile("^" + expression(t.Accepted) + "$")
	var ends []string
	for _, line := range []string{t.Closed, t.Half, t.Unsent, t.Error} {
		if line != "" {
			ends = append(ends, expression(line))
		}
	}
	end := regexp.MustCompile("^(?:" + strings.Join(ends, "|") + ")$")
	addr := regexp.MustCompile(anyAddr)
	complaint := regexp.MustCompile("^" + t.complaint() + "$")
	began, ended := map[string]int{}, map[string]int{}
	for _, line := range lines[1:] {
		switch {
		case t.Accepted != "" && begin.MatchString(line):
			began[addr.FindString(line)]++
		case end.MatchString(line):
			ended[addr.FindString(line)]++
		case !complaint.MatchString(line):
			t.failf("it printed %q, which is not one of its lines", line)
		}
	}
	if t.killed {
		return
	}
	for addr, n := range began {
		if t.Closed != "" && ended[addr] != n {
			t.failf("it printed %d lines about the end of %d conversations with %s", ended[addr], n, addr)
		}
	}
	for addr, n := range ended {
		if n > 1 && began[addr] <= 1 && t.Accepted != "" {
			t.failf("it printed %d lines about the end of %s", n, addr)
		}
	}
	for addr, line := range t.endings {
		t.compareEnding(addr, line, ended[addr])
	}
}

// compareEnding wants n lines about the end of a conversation to be the one
// that was expected, or none where the server prints none. The system may have
// given the address of one client to another that came later.
func (t *trial) compareEnding(addr, line string, n int) {
	switch {
	case line == "" && n > 0:
		t.failf("it printed about %s, which ended well:\n%s", addr, t.server.Output())
	case line != "" && n != t.cameFrom(addr):
		t.failf("it printed %d lines about the end of %s", n, addr)
	}
}

// cameFrom is how many clients had an address, one after the other.
func (t *trial) cameFrom(addr string) (n int) {
	for _, c := range t.clients {
		if c.addr == addr {
			n++
		}
	}
	return n
}

// ends waits for the line about the end of c's conversation, which must be
// line with the given values. It returns what the server printed.
func (c *client) ends(line string, values ...string) string {
	c.mu.Lock()
	c.endings[c.addr] = line
	c.mu.Unlock()
	if line == "" {
		return "" // examine will see that nothing was printed
	}
	found := c.waitFor(about(c.addr))
	if found == nil {
		return ""
	}
	values = append([]string{"ADDR", c.addr}, values...)
	want := expression(line, values...)
	if !regexp.MustCompile("^" + want + "\n$").MatchString(found[0]) {
		c.failf("it printed %q, want %q with %q", found[0], line, values)
	}
	return found[0]
}

// endsNaming waits for the line about the end of c's conversation, which may
// be any but must name what was received, or not sent.
func (c *client) endsNaming(bytes string) {
	if found := c.waitFor(about(c.addr)); found != nil && !strings.Contains(found[0], bytes) {
		c.failf("it printed %q, which does not name %s", found[0], bytes)
	}
}

// waitFor waits until what the server has printed matches an expression.
func (t *trial) waitFor(e string) []string {
	if t.failed() {
		return nil
	}
	type result struct {
		match []string
		err   error
	}
	done := make(chan result, 1)
	go func() {
		match, err := t.server.WaitFor(regexp.MustCompile(e))
		done <- result{match, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			t.fail(r.err)
		}
		return r.match
	case <-t.clock(t.wait()):
		t.fail(fmt.Errorf("it never printed %s, but:\n%s", e, t.server.Output()))
		return nil
	}
}
