package tincanchat_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/lecture/tincanchat"
)

// parse returns the messages in the segments of a stream, the beginning of one
// that is not whole, and why the stream cannot go on, if it cannot.
func parse(segments ...string) (msgs []string, rest string, why error) {
	var received framing.Framer
	buffer := make([]byte, 0, 64) // every segment arrives here
	for _, segment := range segments {
		buffer = append(buffer[:0], segment...)
		more, err := tincanchat.ParseRecvdData(&received, buffer)
		msgs = append(msgs, more...)
		if err != nil {
			return msgs, "", err
		}
		clear(buffer)
	}
	return msgs, string(received.Rest()), nil
}

func TestParseRecvdData(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", framing.MaxMessage)
	for _, test := range []struct {
		name     string
		segments []string
		msgs     []string
		rest     string
		why      string
	}{
		{name: "nothing"},
		{name: "one", segments: []string{"hello\x00"}, msgs: []string{"hello"}},
		{name: "two in a segment", segments: []string{"one\x00two\x00"}, msgs: []string{"one", "two"}},
		{name: "one in three segments", segments: []string{"h", "ell", "o\x00"}, msgs: []string{"hello"}},
		{name: "half after a whole one", segments: []string{"one\x00tw", "o\x00"}, msgs: []string{"one", "two"}},
		{name: "empty", segments: []string{"\x00\x00"}, msgs: []string{"", ""}},
		{name: "blanks", segments: []string{" \n", "\x00"}, msgs: []string{" \n"}},
		{name: "a character in two segments", segments: []string{"\xc3", "\xbc\x00"}, msgs: []string{"ü"}},
		{name: "the replacement character", segments: []string{"\ufffd\x00"}, msgs: []string{"\ufffd"}},
		{name: "full", segments: []string{full, "\x00"}, msgs: []string{full}},
		{name: "too long", segments: []string{"one\x00" + full, "x"}, msgs: []string{"one"},
			why: "received b'" + full[:40] + `'... without b'\x00' in 4096 bytes`},
		{name: "not UTF-8", segments: []string{"one\x00\xfftwo\x00three\x00"}, msgs: []string{"one"},
			why: `received b'\xfftwo', which is not UTF-8, and b'three\x00' after it`},
		{name: "not UTF-8 at last", segments: []string{"half", " \xff\x00"},
			why: `received b'half \xff', which is not UTF-8`},
		{name: "much after what is not UTF-8", segments: []string{"\xff", "\x00" + full},
			why: `received b'\xff', which is not UTF-8, and b'` + full[:40] + "'... after it"},
		{name: "long and not UTF-8", segments: []string{full[1:] + "\xff\x00"},
			why: "received b'" + full[:40] + "'..., which is not UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			msgs, rest, why := parse(test.segments...)
			if diff := cmp.Diff(test.msgs, msgs); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if rest != test.rest || text(why) != test.why {
				t.Errorf("rest %q and error %q, want %q and %q", rest, text(why), test.rest, test.why)
			}
		})
	}
}

// text returns the text of an error, or "".
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// about returns the text of the error about a refused message, without what
// came after it.
func about(err error) string {
	if message := errors.Unwrap(err); message != nil {
		return message.Error()
	}
	return text(err)
}

// However a stream is split, its messages are the same, and so is the one that
// is refused. The bytes of the second argument are the lengths of the pieces,
// over and over.
func FuzzParseRecvdData(f *testing.F) {
	f.Add([]byte("hello\x00how are you?\x00"), []byte{1})
	f.Add([]byte("one\x00\x00\xfftwo\x00\xc3\xbc\x00half"), []byte{3, 5, 0})
	f.Add([]byte(strings.Repeat("x", framing.MaxMessage)+"\x00"+strings.Repeat("ü", framing.MaxMessage)), []byte{255, 7})
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
		want, wantRest, wantWhy := parse(string(stream))
		got, gotRest, gotWhy := parse(segments...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("whole and in %d segments, messages differ (-whole +split):\n%s", len(segments), diff)
		}
		if gotRest != wantRest || about(gotWhy) != about(wantWhy) {
			t.Errorf("whole leaves %q (%v), split %q (%v)", wantRest, wantWhy, gotRest, gotWhy)
		}
		wire := ""
		for _, msg := range want {
			wire += string(tincanchat.PrepMsg(msg))
			if err := tincanchat.CheckMsg(msg); err != nil {
				t.Errorf("%q was received and cannot be sent: %v", msg, err)
			}
		}
		if !strings.HasPrefix(string(stream), wire) || wantWhy == nil && wire+wantRest != string(stream) {
			t.Errorf("%q has become %q and %q", stream, wire, wantRest)
		}
		refused := strings.TrimPrefix(string(stream), wire)
		_, after, _ := strings.Cut(refused, "\x00")
		if named := about(wantWhy) != text(wantWhy); named != (strings.HasSuffix(about(wantWhy), ", which is not UTF-8") && after != "") {
			t.Errorf("%q comes after the refused message: %v", after, wantWhy)
		}
	})
}

func TestCheckMsg(t *testing.T) {
	t.Parallel()
	for msg, want := range map[string]string{
		"":             "",
		"hello\n\x1b ": "",
		strings.Repeat("ü", framing.MaxMessage/2):       "",
		strings.Repeat("ü", framing.MaxMessage/2) + ".": "a message of 4097 bytes is too long (at most 4096)",
		"one\x00two": "a message cannot contain a NUL byte",
		"\xff":       "a message must be UTF-8",
	} {
		got := ""
		if err := tincanchat.CheckMsg(msg); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.20q: %q, want %q", msg, got, want)
		}
	}
}

// over returns a conversation whose peer sends segments, each in one write, and
// then closes its side.
func over(t *testing.T, segments ...string) *socket.Conversation {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close() })
	ours.SetDeadline(time.Now().Add(progtest.Patience))
	go func() {
		for _, segment := range segments {
			io.WriteString(theirs, segment)
		}
		theirs.Close()
	}()
	return socket.Converse(ours)
}

// RecvMsgs returns what is whole, and in the end why no more comes.
func TestRecvMsgs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		segments, want []string
	}{
		{nil, []string{"EOF"}},
		{[]string{"one\x00two\x00thr", "e", "e\x00"}, []string{"one, two", "three", "EOF"}},
		{[]string{"one\x00half"}, []string{"one", "received b'half' then socket closed"}},
		{[]string{"one\x00\xff\x00two\x00"}, []string{`one received b'\xff', which is not UTF-8, and b'two\x00' after it`}},
	} {
		sock := over(t, test.segments...)
		var got []string
		for err := error(nil); err == nil; {
			var msgs []string
			msgs, err = tincanchat.RecvMsgs(sock)
			said := strings.Join(msgs, ", ")
			if err != nil {
				said = strings.TrimLeft(said+" "+err.Error(), " ")
			}
			got = append(got, said)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.segments, diff)
		}
	}
}

// RecvMsg returns one message, and what came after it.
func TestRecvMsg(t *testing.T) {
	t.Parallel()
	room400 := strings.Repeat("x", 399) // with its end, what Recv has room for
	full := strings.Repeat("x", framing.MaxMessage)
	for _, test := range []struct {
		segments          []string
		msg, behind, want string
	}{
		{[]string{"hel", "lo\x00"}, "hello", "", ""},
		{[]string{"\x00"}, "", "", ""},
		{[]string{"hel", "lo\x00and\x00more"}, "hello", "and\x00more", ""},
		{[]string{room400 + "\x00two\x00"}, room400, "two\x00", ""},
		{[]string{full + "\x00two\x00"}, full, "two\x00", ""},
		{[]string{full[:1], full[1:] + "\x00two\x00"}, full, "two\x00", ""},
		{[]string{"\xff\x00more"}, "", "more", `received b'\xff', which is not UTF-8`},
		{[]string{"half"}, "", "", "received b'half' then socket closed"},
		{nil, "", "", "EOF"},
	} {
		msg, behind, err := tincanchat.RecvMsg(over(t, test.segments...))
		why := ""
		if err != nil {
			why = err.Error()
		}
		if msg != test.msg || string(behind) != test.behind || why != test.want {
			t.Errorf("%q: %q, %q, %q", test.segments, msg, behind, why)
		}
	}
}

func TestSendMsg(t *testing.T) {
	t.Parallel()
	var wire strings.Builder
	if err := tincanchat.SendMsg(&wire, "hello"); err != nil || wire.String() != "hello\x00" || !utf8.ValidString(wire.String()) {
		t.Errorf("%q, %v", wire.String(), err)
	}
}
