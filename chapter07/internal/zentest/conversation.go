package zentest

import (
	"strings"
	"time"
)

var conversationChecks = []Check{
	sharing("announcement", announcement),
	{Name: "announcement/name", Run: servingAt("localhost", announcement)},
	{Name: "every interface", Run: servingAt("", everyInterface)},
	sharing("answers", answers),
	sharing("pipelined/2", pipelined2),
	sharing("pipelined/16", pipelined16),
	sharing("split", split),
	sharing("split with the next", splitWithNext),
	sharing("blanks", blanks),
	sharing("many blanks", manyBlanks),
	sharing("only blanks", onlyBlanks),
	sharing("nothing", nothing),
	sharing("half-close", halfClose),
	sharing("longest question", longestQuestion),
}

// A table of questions and answers, in no order.
var table = [][2]string{
	{"Beautiful is better than?", "Ugly."},
	{"Explicit is better than?", "Implicit."},
	{"Simple is better than?", "Complex."},
	{"Flat is better than?", "Error: unknown aphorism."},
	{"simple is better than?", "Error: unknown aphorism."},
	{"?", "Error: unknown aphorism."},
}

// many are n questions of the table, and their answers.
func many(n int) (questions, answers string) {
	var q, a strings.Builder
	for i := range n {
		// 5 is prime to the length of the table, and does not walk it in order.
		entry := table[i*5%len(table)]
		q.WriteString(entry[0])
		a.WriteString(entry[1])
	}
	return q.String(), a.String()
}

// "Listening at (host, port)": the host as it was asked for, the port, if it
// was given as 0, the real one. That the line says so is seen after every
// check; here, that the server can be reached there.
func announcement(t *trial) {
	if t.server.Port == "0" {
		t.failf("it announced the port 0")
	}
	c := t.connect()
	c.asks()
	c.leaves()
}

// The empty host is every interface, IPv4 and IPv6, and each client's address
// is printed as those of its family are.
func everyInterface(t *trial) {
	for _, host := range loopbacks() {
		c := t.connectTo(host, nil)
		c.asks()
		c.leaves()
		if t.Accepted != "" {
			t.waitFor(`(?m)^` + expression(t.Accepted, "ADDR", c.addr) + `\n`)
		}
	}
}

// The three aphorisms are answered, and anything else is unknown.
func answers(t *trial) {
	c := t.connect()
	for _, entry := range table {
		c.say(entry[0])
		c.hear(entry[1])
	}
	c.leaves()
}

// Two questions in one segment get two answers, in order.
func pipelined2(t *trial) {
	c := t.connect()
	c.say("Beautiful is better than?Simple is better than?")
	c.hear("Ugly.Complex.")
	c.leaves()
}

// So do sixteen, known and unknown.
func pipelined16(t *trial) {
	c := t.connect()
	questions, answers := many(16)
	c.say(questions)
	c.hear(answers)
	c.leaves()
}

// A question split over any number of segments is one question.
func split(t *trial) {
	c := t.connect()
	tick := time.NewTicker(time.Millisecond) // so that most are received alone
	defer tick.Stop()
	for _, b := range []byte("Explicit is better than?") {
		c.say(string([]byte{b}))
		<-tick.C
	}
	c.hear("Implicit.")
	c.leaves()
}

// The end of a question may come with the beginning of the next.
func splitWithNext(t *trial) {
	c := t.connect()
	c.say("Beautiful is better than?Simple is")
	c.hear("Ugly.")
	c.say(" better than?Explicit is better")
	c.hear("Complex.")
	c.say(" than?")
	c.hear("Implicit.")
	c.leaves()
}

// CR, LF, space and tab before a question are skipped, those in it are not.
func blanks(t *trial) {
	c := t.connect()
	c.say("\r\n \tSimple is better than?\r\n\r\n")
	c.hear("Complex.")
	c.say("Beautiful is better than? \t\r\n Explicit is better than?\n")
	c.hear("Ugly.Implicit.")
	c.say("Simple is better\tthan?\r\n")
	c.hear("Error: unknown aphorism.")
	c.leaves()
}

// Blanks are no part of the question before which they stand, so they do not
// make it too long.
func manyBlanks(t *trial) {
	c := t.connect()
	c.say(strings.Repeat("\r\n \t", 2000) + "Simple is better than?")
	c.hear("Complex.")
	c.leaves()
}

// At end of file only a non-blank remainder is an error.
func onlyBlanks(t *trial) {
	c := t.connect()
	c.say(" \t\r\n")
	c.leaves()
	c = t.connect()
	c.say("Simple is better than?\r\n\r\n")
	c.hear("Complex.")
	c.leaves()
}

// Who asks nothing has not done anything wrong.
func nothing(t *trial) {
	t.connect().leaves()
}

// After a half-close, answers already asked for still go out.
func halfClose(t *trial) {
	c := t.connect()
	questions, answers := many(7)
	c.say(questions)
	c.stopsAsking()
	c.hear(answers)
	c.over()
	c.ends(c.Closed)
}

// A question may have 4096 bytes before its end mark.
func longestQuestion(t *trial) {
	c := t.connect()
	long := strings.Repeat("x", 4096)
	c.say(long + "?")
	c.hear("Error: unknown aphorism.")
	c.say("\n" + long)
	c.say("?Simple is better than?")
	c.hear("Error: unknown aphorism.Complex.")
	c.leaves()
}
