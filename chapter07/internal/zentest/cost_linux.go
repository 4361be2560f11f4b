package zentest

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/conform"
)

var linuxChecks = []conform.Check{
	conform.Shared("one write", oneWrite),
	conform.Alone("stop/during an answer", stopDuringAnswer, "-d", "300ms"),
	conform.Alone("stop/during answers", stopDuringAnswers, "-d", "100ms"),
	conform.Alone("stop/long answer", stopLongAnswer, "-d", "1m"),
	conform.Alone("stop/second signal", secondSignal, "-d", "1m"),
}

// The answers to sixteen questions that came in one segment leave in one write,
// even if the questions are the longest of the text.
func oneWrite(t *conform.Trial) {
	c := t.Connect()
	c.Send(strings.Repeat("Beautiful is better than?", 16))
	c.Expect(strings.Repeat("Ugly.", 16))
	if segments := c.Segments(); segments != 1 {
		t.Failf("16 answers came in %d segments", segments)
	}
	c.Leave()
}

// A server that is told to stop still sends the answer that it is working on.
func stopDuringAnswer(t *conform.Trial) {
	c := t.Connect()
	c.Send("Simple is better than?")
	c.WaitUntilRead()
	t.Signal(os.Interrupt)
	c.Expect("Complex.")
	c.ExpectEnd()
	c.ExpectEnding(c.Closed)
	t.ExpectExit(0)
}

// The server answers what it has read, or names it in a line. It drops nothing
// silently.
func stopDuringAnswers(t *conform.Trial) {
	c := t.Connect()
	c.Send("Beautiful is better than?Explicit is better than?Simple is better than?")
	c.WaitUntilRead()
	t.Signal(syscall.SIGTERM)
	got, _ := c.Rest()
	t.ExpectExit(0)
	line := strings.Join(t.LinesAbout(c), "")
	for _, entry := range table[:3] {
		if !strings.Contains(got, entry[1]) && !strings.Contains(line, entry[0]) {
			t.Failf("it neither answered nor named %s: %q, %q", entry[0], got, line)
		}
	}
}

// A server that is told to stop cuts short an answer that would take too long,
// and sends it at once.
func stopLongAnswer(t *conform.Trial) {
	c := t.Connect()
	c.Send("Simple is better than?")
	c.WaitUntilRead()
	t.Signal(syscall.SIGTERM)
	c.Expect("Complex.")
	c.ExpectEnd()
	c.ExpectEnding(c.Closed)
	t.ExpectExit(0)
}

// A second signal ends the server at once, with the status of a program that a
// signal killed. The server is suspended until both signals have arrived.
func secondSignal(t *conform.Trial) {
	c := t.Connect()
	c.Send("Simple is better than?")
	c.WaitUntilRead()
	for _, signal := range []os.Signal{unix.SIGSTOP, os.Interrupt, syscall.SIGTERM, unix.SIGCONT} {
		t.Signal(signal)
	}
	t.ExpectKilled(128+int(unix.SIGINT), 128+int(unix.SIGTERM))
}
