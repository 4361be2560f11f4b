package lecture_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/serve/framing"
	"fopnp/lecture"
)

// errWaits is the error of a stream whose reader would have to wait for more.
var errWaits = errors.New("waits")

// A line is too long as soon as it has more than 4096 bytes, not counting its
// end. A last byte "\r" may be part of the end.
func TestLongLine(t *testing.T) {
	full := strings.Repeat("x", framing.MaxMessage)
	tooLong := "received b'" + full[:40] + "'... without b'\\n' in 4096 bytes"
	for _, test := range []struct{ name, stream, line, why string }{
		{"4096", full, "", "received b'" + full + "' then waits"},
		{"4096 and CR", full + "\r", "", "received b'" + full + `\r' then waits`},
		{"4096 and LF", full + "\n", full + "\n", ""},
		{"4096, CR and LF", full + "\r\n", full + "\r\n", ""},
		{"4097", full + "x", "", tooLong},
		{"4097 and CR", full + "x\r", "", tooLong},
		{"4097 and LF", full + "x\n", "", tooLong},
		{"4098", full + "xx", "", tooLong},
		{"4096, CR and another byte", full + "\rx", "", tooLong},
		{"4096 and two CR", full + "\r\r", "", tooLong},
	} {
		for how, split := range map[string]func(io.Reader) io.Reader{
			"whole":         func(r io.Reader) io.Reader { return r },
			"byte for byte": iotest.OneByteReader,
		} {
			t.Run(test.name+"/"+how, func(t *testing.T) {
				stream := io.MultiReader(strings.NewReader(test.stream), iotest.ErrReader(errWaits))
				line, err := lecture.ReadLine(split(stream))
				why := ""
				if err != nil {
					why = err.Error()
				}
				if string(line) != test.line || why != test.why {
					t.Errorf("got %q, %s\nwant %q, %s", line, why, test.line, test.why)
				}
			})
		}
	}
}

// cutLines returns the lines that come from a conversation, and the error after
// them.
func cutLines(r io.Reader) (lines []string, why string) {
	received := bufio.NewReaderSize(r, framing.MaxMessage+2)
	for {
		line, err := lecture.ReadLine(received)
		if err != nil {
			return lines, err.Error()
		}
		lines = append(lines, string(line))
	}
}

// pieces is a stream that arrives in pieces. Each byte of lengths is the length
// of one, over and over.
type pieces struct {
	stream  io.Reader
	lengths []byte
	n       int // pieces that have arrived
}

func (p *pieces) Read(data []byte) (int, error) {
	if len(p.lengths) > 0 {
		data = data[:min(len(data), 1+int(p.lengths[p.n%len(p.lengths)]))]
		p.n++
	}
	return p.stream.Read(data)
}

// However a stream is split, its lines and its error are the same.
func FuzzReadLine(f *testing.F) {
	full := strings.Repeat("x", framing.MaxMessage)
	f.Add("one\ntwo\r\n\r\nhalf", []byte{1})
	f.Add(full+"\r\n"+full+"\n"+full+"\r", []byte{255, 7})
	f.Add("one\n"+full+"xx", []byte{255, 0, 3})
	f.Add(full+"\r\r\n", []byte{254})
	f.Fuzz(func(t *testing.T, stream string, lengths []byte) {
		want, wantWhy := cutLines(strings.NewReader(stream))
		got, why := cutLines(&pieces{strings.NewReader(stream), lengths, 0})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("whole and in pieces, lines differ (-whole +split):\n%s", diff)
		}
		if why != wantWhy {
			t.Errorf("whole ends with %q, split with %q", wantWhy, why)
		}
		if all := strings.Join(want, ""); !strings.HasPrefix(stream, all) {
			t.Errorf("the lines are %q", all)
		}
	})
}
