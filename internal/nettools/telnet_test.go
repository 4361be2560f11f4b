package nettools

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// However a peer's bytes are split into pieces, Read returns the same data, and
// the answers are the same. Read returns what Write has sent.
func FuzzConversation(f *testing.F) {
	f.Add([]byte("a\r\nb\r\x00c\xff\xff\xff\xfd\x01\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0d\r"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		var heard [2]string
		var answers [2]bytes.Buffer
		for i, r := range []io.Reader{bytes.NewReader(sent), iotest.OneByteReader(bytes.NewReader(sent))} {
			c := newConversation(struct {
				io.Reader
				io.Writer
			}{r, &answers[i]})
			c.enter = true
			c.ours[optEcho], c.theirs[optWindowSize] = true, true
			data, err := io.ReadAll(c)
			if err != nil {
				t.Fatal(err)
			}
			heard[i] = string(data)
		}
		if heard[0] != heard[1] || answers[0].String() != answers[1].String() {
			t.Errorf("in one piece Read returned %q, in many %q; the answers are %q and %q", heard[0], heard[1], &answers[0], &answers[1])
		}
		if answers[0].Len() > len(sent) {
			t.Errorf("%d bytes have %d bytes of answers", len(sent), answers[0].Len())
		}

		var wire bytes.Buffer
		c := newConversation(&wire)
		c.Write(sent[:len(sent)/2])
		c.Write(sent[len(sent)/2:])
		c.Write([]byte("\n"))
		got, err := io.ReadAll(c)
		if want := string(sent) + "\n"; err != nil || string(got) != want {
			t.Errorf("%q became %q (%v)", want, got, err)
		}
	})
}

// The line ends that clients send are one CR for the server.
func TestLineEnds(t *testing.T) {
	c := newConversation(struct {
		io.Reader
		io.Writer
	}{strings.NewReader("a\r\nb\r\x00c\nd\r\xff\xf1\ne\r\r\n"), io.Discard})
	c.enter = true
	if got, err := io.ReadAll(c); string(got) != "a\rb\rc\nd\re\r\r" || err != nil {
		t.Errorf("Read returned %q (%v)", got, err)
	}
}
