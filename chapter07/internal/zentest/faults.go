package zentest

import (
	"bytes"
	"strings"

	"fopnp/internal/py/pyfmt"
)

var faultChecks = []Check{
	sharing("half a question", beside(half)),
	sharing("half a question/half-close", beside(halfHalfClose)),
	sharing("half a question/after blanks", beside(halfAfterBlanks)),
	sharing("reset", beside(reset)),
	sharing("reset/half a question", beside(resetHalf)),
	sharing("garbage", beside(garbage)),
	sharing("too long", beside(tooLong)),
	sharing("too long/after questions", beside(tooLongAfterQuestions)),
	sharing("too long/with its end", beside(tooLongWithEnd)),
	sharing("endless", beside(endless)),
}

// One client's fault is reported in one line and touches nobody else. Here it
// is to hang up with half a question asked.
func half(t *trial) {
	c := t.connect()
	c.say("Beautiful is better than")
	c.hangsUp()
	c.ends(c.Half, "BYTES", "b'Beautiful is better than'")
}

// The same, but the client waits for its answers.
func halfHalfClose(t *trial) {
	c := t.connect()
	c.say("Simple is better than?Beautiful is")
	c.stopsAsking()
	c.hear("Complex.")
	c.over()
	c.ends(c.Half, "BYTES", "b'Beautiful is'")
}

// What is named is the question, less the white space before it.
func halfAfterBlanks(t *trial) {
	c := t.connect()
	c.say("\r\n\tNow\nis 'it'")
	c.hangsUp()
	c.ends(c.Half, "BYTES", `b"Now\nis 'it'"`)
}

// A client crashes between two questions.
func reset(t *trial) {
	c := t.connect()
	c.asks()
	c.resets()
	c.ends(c.Error)
}

// A client crashes with half a question asked, which the line must name:
// nothing is lost. The answer shows that the server has received the half.
func resetHalf(t *trial) {
	c := t.connect()
	c.say("Simple is better than?Beauti")
	c.hear("Complex.")
	c.resets()
	c.endsNaming("b'Beauti'")
}

// Every byte there is: one question, and half of another.
func garbage(t *trial) {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	half := all[bytes.IndexByte(all[:], '?')+1:]
	c := t.connect()
	c.say(string(all[:]))
	c.hear("Error: unknown aphorism.")
	c.hangsUp()
	c.ends(c.Half, "BYTES", pyfmt.Bytes(half))
}

// A question longer than 4096 bytes without its end mark is an error for that
// conversation alone.
func tooLong(t *trial) {
	c := t.connect()
	c.say(strings.Repeat("x", 4097))
	c.over()
	c.ends(c.Error)
}

// The questions before it are answered.
func tooLongAfterQuestions(t *trial) {
	c := t.connect()
	questions, answers := many(3)
	c.say(questions + strings.Repeat("x", 4097))
	c.hear(answers)
	c.over()
	c.ends(c.Error)
}

// That its end mark has come as well does not help.
func tooLongWithEnd(t *trial) {
	c := t.connect()
	c.say(strings.Repeat("x", 4097) + "?")
	c.cutOff()
	c.ends(c.Error)
}

// A client that sends without end is cut off, and memory stays bounded.
func endless(t *trial) {
	c := t.connect()
	sent, most := 0, 1<<30
	for chunk := strings.Repeat("x", 1<<20); sent < most && !t.failed(); {
		n, err := c.send(chunk)
		sent += n
		if err != nil {
			break
		}
		if sent%(16<<20) == 0 {
			t.memoryBounded()
		}
	}
	if sent == most {
		t.failf("it took a question of %d bytes", sent)
	}
	c.cutOff()
	c.ends(c.Error)
	t.memoryBounded()
}
