package zentest

import (
	"regexp"
	"strconv"
	"strings"

	"fopnp/internal/py/pyfmt"
)

// What may stand for ADDR, BYTES and WHY. Who names bytes names some. A reason has no parentheses but in
// quotes, and no newline: two lines that ran into each other are not one.
const (
	anyAddr  = `\('(?:127\.0\.0\.1', \d+|::1', \d+, 0, 0)\)`
	anyBytes = `b(?:'(?:[^'\\\n]|\\.)+'|"(?:[^"\\\n]|\\.)+")`
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

// about are the lines that end the conversations of the clients with the
// address addr, whatever they say. Unlike the line that begins one, they go on
// after the address.
func about(addr, output string) (lines []string) {
	for {
		before, after, found := strings.Cut(output, addr)
		if !found {
			return lines
		}
		rest, rest0, whole := strings.Cut(after, "\n")
		if whole && rest != "" && strings.ContainsAny(rest[:1], " :") {
			lines = append(lines, before[strings.LastIndexByte(before, '\n')+1:]+addr+rest+"\n")
		}
		output = rest0
	}
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
	for _, c := range t.clients {
		if least, most := t.endingsOf(c.addr); ended[c.addr] < least || ended[c.addr] > most {
			t.failf("it printed %d lines about the end of %s:\n%s", ended[c.addr], c.addr, text)
		}
	}
}

// endingsOf is how many lines there must be, and can be, about the ends of
// conversations with the clients of an address. There may have been several:
// the system can give the address of one client to another that comes later.
func (t *trial) endingsOf(addr string) (least, most int) {
	for _, c := range t.clients {
		if c.addr == addr && (!c.isOver || c.ending != "") {
			most++
			if c.isOver {
				least++
			}
		}
	}
	return least, most
}

// ends waits for the line about the end of c's conversation, which must be
// line with the given values. It returns what the server printed.
func (c *client) ends(line string, values ...string) string {
	found := c.waitForEnding(line)
	values = append([]string{"ADDR", c.addr}, values...)
	want := expression(line, values...)
	if found != "" && !regexp.MustCompile("^"+want+"\n$").MatchString(found) {
		c.failf("it printed %q, want %q with %q", found, line, values)
	}
	return found
}

// endsNaming waits for the line about the end of c's conversation, which may
// be any but must name what was received, or not sent.
func (c *client) endsNaming(bytes string) {
	if found := c.waitForEnding("ADDR: ..."); found != "" && !strings.Contains(found, bytes) {
		c.failf("it printed %q, which does not name %s", found, bytes)
	}
}

// waitForEnding waits for the line about the end of c's conversation, if one is
// to be printed. If there was none, examine will see it.
func (c *client) waitForEnding(line string) (found string) {
	if c.failed() {
		return ""
	}
	c.mu.Lock()
	n := 1 // of the lines about this address, it is this one's
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
	err := c.server.WaitUntil("how the conversation with "+c.addr+" ended", func(output string) bool {
		lines := about(c.addr, output)
		if len(lines) >= n {
			found = lines[n-1]
		}
		return found != ""
	})
	if err != nil {
		c.fail(err)
	}
	return found
}

// waitFor waits until what the server has printed matches an expression.
func (t *trial) waitFor(e string) {
	if t.failed() {
		return
	}
	if _, err := t.server.WaitFor(regexp.MustCompile(e)); err != nil {
		t.fail(err)
	}
}
