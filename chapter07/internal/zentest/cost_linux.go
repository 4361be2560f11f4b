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
// even if the questions are as long as those of the text can be.
func oneWrite(t *conform.Trial) {
	c := t.Connect()
	c.Send(strings.Repeat("Beautiful is better than?", 16))
	c.Expect(strings.Repeat("Ugly.", 16))
	if segments := c.Segments(); segments != 1 {
		t.Failf("16 answers came in %d segments", segments)
	}
	c.Leave()
}

// A stop lets the answer go out that is being made.
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

// What the server has read it answers, or names in a line: nothing is lost.
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

// An answer that would take too long is cut short, and goes out.
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

// A second signal ends the server at once, with the status of a program that died
// of it. The server is stopped until both signals are there.
func secondSignal(t *conform.Trial) {
	c := t.Connect()
	c.Send("Simple is better than?")
	c.WaitUntilRead()
	for _, signal := range []os.Signal{unix.SIGSTOP, os.Interrupt, syscall.SIGTERM, unix.SIGCONT} {
		t.Signal(signal)
	}
	t.ExpectKilled(128+int(unix.SIGINT), 128+int(unix.SIGTERM))
}
