package framing

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/serve/program"
)

// cut feeds segments to a Framer one after the other, each through the same
// buffer, as a server does, and returns the messages, what is left of an
// unfinished one, and whether one was too long.
func cut(segments ...string) (messages []string, rest string, tooLong bool) {
	var f Framer
	buffer := make([]byte, 0, 64)
	for _, segment := range segments {
		buffer = append(buffer[:0], segment...)
		f.Feed(buffer)
		for {
			message, err := f.Next('?', Blanks)
			if err != nil {
				return messages, "", true
			}
			if message == nil {
				break
			}
			messages = append(messages, string(message))
		}
		clear(buffer) // exposes a Framer that still refers to the caller's bytes
	}
	return messages, string(f.Rest()), false
}

func TestFramer(t *testing.T) {
	full := strings.Repeat("x", MaxMessage)
	for _, test := range []struct {
		name     string
		segments []string
		want     []string
		rest     string
		tooLong  bool
	}{
		{name: "nothing"},
		{name: "one", segments: []string{"Why?"}, want: []string{"Why?"}},
		{name: "pipelined", segments: []string{"Why?How??"}, want: []string{"Why?", "How?", "?"}},
		{name: "split", segments: []string{"W", "h", "y", "?"}, want: []string{"Why?"}},
		{name: "split across", segments: []string{"Why?H", "ow?W", "ho"}, want: []string{"Why?", "How?"}, rest: "Who"},
		{name: "half", segments: []string{"Wh", "y"}, rest: "Why"},
		{name: "lines", segments: []string{"Why?\r\n", "How?\r\n"}, want: []string{"Why?", "How?"}},
		{name: "blanks before", segments: []string{" \t\r\n", "\n Why?"}, want: []string{"Why?"}},
		{name: "blanks inside", segments: []string{"Why \n", " not?"}, want: []string{"Why \n not?"}},
		{name: "only blanks", segments: []string{" \t", "\r\n"}},
		{name: "full", segments: []string{full, "?"}, want: []string{full + "?"}},
		{name: "full after blanks", segments: []string{" \n" + full + "?"}, want: []string{full + "?"}},
		{name: "too long", segments: []string{full + "x?"}, tooLong: true},
		{name: "too long without end", segments: []string{full, "x"}, tooLong: true},
		{name: "too long, second", segments: []string{"Why?" + full + "x"}, want: []string{"Why?"}, tooLong: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, rest, tooLong := cut(test.segments...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if rest != test.rest {
				t.Errorf("rest %q, want %q", rest, test.rest)
			}
			if tooLong != test.tooLong {
				t.Errorf("too long: %v, want %v", tooLong, test.tooLong)
			}
		})
	}
}

// The error quotes the beginning of the message that is too long.
func TestFramerTooLong(t *testing.T) {
	var f Framer
	f.Feed(bytes.Repeat([]byte("x"), MaxMessage+1))
	_, err := f.Next('?', Blanks)
	want := "received b'" + strings.Repeat("x", 40) + "'... without b'?' in 4096 bytes"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	f.Feed([]byte("How?"))
	if message, again := f.Next('?', Blanks); message != nil || again != err || f.Err() != err {
		t.Errorf("then Next returned %q, %v, and Err %v", message, again, f.Err())
	}
}

// Between messages a Framer holds no memory, neither its own nor its caller's.
func TestFramerHoldsNothing(t *testing.T) {
	var f Framer
	for _, segment := range []string{"Why? Ho", "w?\r\n", "Who?"} {
		f.Feed([]byte(segment))
		for message := []byte("?"); message != nil; {
			message, _ = f.Next('?', Blanks)
		}
	}
	if f.fed != nil || f.rest != nil {
		t.Errorf("holds %q and %q", f.fed, f.rest)
	}
}

// The error of half a message quotes it. Nothing is lost if there is no half and
// the peer closed the connection, or the program stops.
func TestEnded(t *testing.T) {
	for _, test := range []struct {
		half string
		why  error
		want string
	}{
		{"", io.EOF, "EOF"},
		{"", program.ErrStopped, "EOF"},
		{"", program.ErrTimedOut, "timed out"},
		{"wh", io.EOF, "received b'wh' then socket closed"},
		{"wh", io.ErrUnexpectedEOF, "received b'wh' then socket closed"},
		{"wh", program.ErrTimedOut, "received b'wh' then timed out"},
	} {
		err := Ended([]byte(test.half), test.why)
		if got := err.Error(); got != test.want || (got == "EOF") != (err == io.EOF) {
			t.Errorf("%q, %v: %v, want %s", test.half, test.why, err, test.want)
		}
	}
}

// However a stream is split, its messages are the same. The bytes of the second
// argument are the lengths of the pieces, over and over.
func FuzzFramer(f *testing.F) {
	f.Add([]byte("Simple is better than?Complex?"), []byte{1})
	f.Add([]byte(" \r\nSimple is\tbetter than?\r\n\r\nWhy"), []byte{3, 5, 0})
	f.Add([]byte(strings.Repeat("x", MaxMessage)+"?"+strings.Repeat("y", MaxMessage+1)), []byte{255, 7})
	f.Fuzz(func(t *testing.T, stream, lengths []byte) {
		var segments []string
		for rest, i := string(stream), 0; rest != ""; i++ {
			n := len(rest)
			if len(lengths) > 0 {
				n = min(n, 1+int(lengths[i%len(lengths)]))
			}
			segments = append(segments, rest[:n])
			rest = rest[n:]
		}
		want, wantRest, wantTooLong := cut(string(stream))
		got, gotRest, gotTooLong := cut(segments...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("whole and in %d segments, messages differ (-whole +split):\n%s", len(segments), diff)
		}
		if gotRest != wantRest || gotTooLong != wantTooLong {
			t.Errorf("whole leaves %q (too long: %v), split %q (%v)", wantRest, wantTooLong, gotRest, gotTooLong)
		}
		if !wantTooLong && strings.Count(string(stream), "?") != len(want) {
			t.Errorf("%d messages from %q", len(want), stream)
		}
	})
}

func BenchmarkFramer(b *testing.B) {
	var f Framer
	data := []byte("Simple is better than?")
	b.ReportAllocs()
	for b.Loop() {
		for range f.Messages(data, '?', Blanks) {
		}
	}
}
