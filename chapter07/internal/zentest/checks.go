package zentest

import (
	"bytes"
	"strings"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/py/pyfmt"
)

var zenChecks = []conform.Check{
	conform.Shared("answers", answers),
	conform.Shared("pipelined/2", pipelined2),
	conform.Shared("pipelined/16", pipelined16),
	conform.Shared("split", split),
	conform.Shared("split with the next", splitWithNext),
	conform.Shared("blanks", blanks),
	conform.Shared("many blanks", manyBlanks),
	conform.Shared("only blanks", onlyBlanks),
	conform.Shared("half a request/after blanks", conform.Beside(halfAfterBlanks)),
	conform.Shared("longest question", longestQuestion),
	conform.Shared("too long/with its end", conform.Beside(tooLongWithEnd)),
	conform.Shared("garbage", conform.Beside(garbage)),
	conform.WrongCall("no host"),
	conform.WrongCall("two hosts", "127.0.0.1", "127.0.0.2"),
	conform.WrongCall("no duration", "127.0.0.1", "-d", "x"),
}

// table has questions and their answers, in no order.
var table = [][2]string{
	{"Beautiful is better than?", "Ugly."},
	{"Explicit is better than?", "Implicit."},
	{"Simple is better than?", "Complex."},
	{"Flat is better than?", "Error: unknown aphorism."},
	{"simple is better than?", "Error: unknown aphorism."},
	{"?", "Error: unknown aphorism."},
}

// many returns n questions of the table, and their answers.
func many(n int) (questions, answers string) {
	var q, a strings.Builder
	for i := range n {
		// The length of the table has no factor 5, so these steps visit all of
		// it, but not in order.
		entry := table[i*5%len(table)]
		q.WriteString(entry[0])
		a.WriteString(entry[1])
	}
	return q.String(), a.String()
}

// A server answers the three aphorisms, and everything else is unknown to it.
func answers(t *conform.Trial) {
	c := t.Connect()
	for _, entry := range table {
		c.Send(entry[0])
		c.Expect(entry[1])
	}
	c.Leave()
}

// Two questions in one segment get two answers, in order.
func pipelined2(t *conform.Trial) {
	c := t.Connect()
	c.Send("Beautiful is better than?Simple is better than?")
	c.Expect("Ugly.Complex.")
	c.Leave()
}

// Sixteen questions in one segment, known and unknown, get sixteen answers.
func pipelined16(t *conform.Trial) {
	c := t.Connect()
	questions, answers := many(16)
	c.Send(questions)
	c.Expect(answers)
	c.Leave()
}

// A question split over any number of segments is one question.
func split(t *conform.Trial) {
	c := t.Connect()
	tick := time.NewTicker(time.Millisecond) // so the server receives most bytes one by one
	defer tick.Stop()
	for _, b := range []byte("Explicit is better than?") {
		c.Send(string([]byte{b}))
		<-tick.C
	}
	c.Expect("Implicit.")
	c.Leave()
}

// The end of a question may come with the beginning of the next.
func splitWithNext(t *conform.Trial) {
	c := t.Connect()
	c.Send("Beautiful is better than?Simple is")
	c.Expect("Ugly.")
	c.Send(" better than?Explicit is better")
	c.Expect("Complex.")
	c.Send(" than?")
	c.Expect("Implicit.")
	c.Leave()
}

// The server skips CR, LF, space and tab before a question, but not in it.
func blanks(t *conform.Trial) {
	c := t.Connect()
	c.Send("\r\n \tSimple is better than?\r\n\r\n")
	c.Expect("Complex.")
	c.Send("Beautiful is better than? \t\r\n Explicit is better than?\n")
	c.Expect("Ugly.Implicit.")
	c.Send("Simple is better\tthan?\r\n")
	c.Expect("Error: unknown aphorism.")
	c.Leave()
}

// The blanks before a question are no part of it, so they do not make it too
// long.
func manyBlanks(t *conform.Trial) {
	c := t.Connect()
	c.Send(strings.Repeat("\r\n \t", 2000) + "Simple is better than?")
	c.Expect("Complex.")
	c.Leave()
}

// At end of file, only a remainder that is not blank is an error.
func onlyBlanks(t *conform.Trial) {
	c := t.Connect()
	c.Send(" \t\r\n")
	c.Leave()
	c = t.Connect()
	c.Send("Simple is better than?\r\n\r\n")
	c.Expect("Complex.")
	c.Leave()
}

// The line about half a question names the question without the white space
// before it.
func halfAfterBlanks(t *conform.Trial) {
	c := t.Connect()
	c.Send("\r\n\tNow\nis 'it'")
	c.Close()
	c.ExpectEnding(c.Half, "BYTES", `b"Now\nis 'it'"`)
}

// A question may have 4096 bytes before its end mark.
func longestQuestion(t *conform.Trial) {
	c := t.Connect()
	long := strings.Repeat("x", 4096)
	c.Send(long + "?")
	c.Expect("Error: unknown aphorism.")
	c.Send("\n" + long)
	c.Send("?Simple is better than?")
	c.Expect("Error: unknown aphorism.Complex.")
	c.Leave()
}

// A question that is too long is an error even if its end mark has come as well.
func tooLongWithEnd(t *conform.Trial) {
	c := t.Connect()
	c.Send(strings.Repeat("x", 4097) + "?")
	c.ExpectCut()
	c.ExpectEnding(c.Error)
}

// All 256 bytes: one question, and half of another.
func garbage(t *conform.Trial) {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	half := all[bytes.IndexByte(all[:], '?')+1:]
	c := t.Connect()
	c.Send(string(all[:]))
	c.Expect("Error: unknown aphorism.")
	c.Close()
	c.ExpectEnding(c.Half, "BYTES", pyfmt.Bytes(half))
}
