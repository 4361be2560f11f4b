package basics

import (
	"math"
	"strings"
	"testing"

	"fopnp/internal/serve/framing"
)

const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseRequest(t *testing.T) {
	for _, test := range []struct {
		line string
		want Request
		err  string
	}{
		{"0 mytext.txt\n", Request{0, "mytext.txt"}, ""},
		{"0 mytext.txt", Request{0, "mytext.txt"}, ""},
		{"0017 a/b\n", Request{17, "a/b"}, ""},
		{"5  two blanks \r\n", Request{5, " two blanks \r"}, ""},
		{"0 \n", Request{}, "there is no name"},
		{"9223372036854775808 x\n", Request{math.MaxInt64, "x"}, ""},
		{"99999999999999999999999999999999999 x\n", Request{math.MaxInt64, "x"}, ""},
		{"0\n", Request{}, "there is no name"},
		{"\n", Request{}, "the offset is not a number"},
		{"mytext.txt\n", Request{}, "the offset is not a number"},
		{"-1 x\n", Request{}, "the offset is not a number"},
		{"+1 x\n", Request{}, "the offset is not a number"},
		{"1_0 x\n", Request{}, "the offset is not a number"},
		{"0x10 x\n", Request{}, "the offset is not a number"},
		{"99999999999999999999x y\n", Request{}, "the offset is not a number"},
		{"1.5 x\n", Request{}, "the offset is not a number"},
		{" 0 x\n", Request{}, "the offset is not a number"},
		{"\u0661 x\n", Request{}, "the offset is not a number"},
		{"0 a\x00b\n", Request{}, "the name contains a NUL byte"},
		{"0 \xff\n", Request{}, "the name is not UTF-8"},
		{"0 \xed\xa0\x80\n", Request{}, "the name is not UTF-8"}, // a surrogate
	} {
		got, err := parseRequest([]byte(test.line))
		if test.err == "" && (err != nil || got != test.want) || test.err != "" && (err == nil || err.Error() != test.err) {
			t.Errorf("%q: %+v, %v, want %+v, %q", test.line, got, err, test.want, test.err)
		}
	}
}

func TestRequestLine(t *testing.T) {
	long := strings.Repeat("x", framing.MaxMessage-len("0 "))
	for _, test := range []struct {
		request   Request
		line, err string
	}{
		{Request{0, "mytext.txt"}, "0 mytext.txt\n", ""},
		{Request{1 << 40, "a b"}, "1099511627776 a b\n", ""},
		{Request{0, long}, "0 " + long + "\n", ""},
		{Request{0, long + "x"}, "", "the request has more than 4096 bytes"},
		{Request{0, "a\nb"}, "", "the name contains a line feed"},
		{Request{0, "a\n"}, "", "the name contains a line feed"},
	} {
		line, err := test.request.Line()
		if string(line) != test.line || test.err == "" && err != nil || test.err != "" && (err == nil || err.Error() != test.err) {
			t.Errorf("%.20q: %.20q, %v, want %.20q, %q", test.request.Name, line, err, test.line, test.err)
		}
	}
}

func TestParseAnswer(t *testing.T) {
	for _, test := range []struct {
		line string
		want Answer
		err  string
	}{
		{"0 " + emptySum + "\n", Answer{0, emptySum}, ""},
		{"58 " + strings.ToUpper(emptySum) + "\n", Answer{58, emptySum}, ""},
		{"error: no such file\n", Answer{}, "no such file"},
		{"error: \n", Answer{}, ""},
		{"error: \x1b[2Jgone\r\n", Answer{}, `\x1b[2Jgone\r`},
		{"error:\n", Answer{}, "received b'error:', which is not an answer"},
		{"\n", Answer{}, "received b'', which is not an answer"},
		{"58\n", Answer{}, "received b'58', which is not an answer"},
		{"-1 " + emptySum + "\n", Answer{}, "received b'-1 " + emptySum + "', which is not an answer"},
		{"9223372036854775808 " + emptySum + "\n", Answer{}, "received b'9223372036854775808 " + emptySum + "', which is not an answer"},
		{"0  " + emptySum + "\n", Answer{}, "received b'0  " + emptySum + "', which is not an answer"},
		{"0 " + emptySum + " \n", Answer{}, "received b'0 " + emptySum + " ', which is not an answer"},
		{"0 " + emptySum[2:] + "\n", Answer{}, "received b'0 " + emptySum[2:] + "', which is not an answer"},
		{"0 " + emptySum[:63] + "g\n", Answer{}, "received b'0 " + emptySum[:63] + "g', which is not an answer"},
		{"HTTP/1.0 400 Bad Request\r\n", Answer{}, `received b'HTTP/1.0 400 Bad Request\r', which is not an answer`},
	} {
		got, err := parseAnswer([]byte(test.line))
		why := ""
		if err != nil {
			why = err.Error()
		}
		if got != test.want || why != test.err || (err == nil) != (test.want.SHA256 != "") {
			t.Errorf("%q: %+v, %v, want %+v, %q", test.line, got, err, test.want, test.err)
		}
	}
}

// A request that was parsed from a line, and fits into one again, becomes a
// line that asks for the same file.
func FuzzRequest(f *testing.F) {
	for _, line := range []string{"0 mytext.txt\n", "17 a b", "-1 x", "99999999999999999999 x", "0 \x00", "0 \xff", "", " ", "0"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseRequest(line)
		if err != nil {
			return
		}
		if r.Offset < 0 {
			t.Fatalf("%q: the offset is %d", line, r.Offset)
		}
		if r.Name == "" {
			t.Fatalf("%q: there is no name", line)
		}
		again, err := r.Line()
		if err != nil {
			if !strings.Contains(r.Name, "\n") && len(line) < framing.MaxMessage-20 {
				t.Fatalf("%q: %v", line, err)
			}
			return
		}
		if parsed, err := parseRequest(again); err != nil || parsed != r {
			t.Fatalf("%q: %+v becomes %q, and that %+v, %v", line, r, again, parsed, err)
		}
	})
}

// Whatever a server sends, its reason is one line without control characters.
// An answer that can be parsed becomes a line that parses to the same answer.
func FuzzAnswer(f *testing.F) {
	for _, line := range []string{"0 " + emptySum + "\n", "error: no such file\n", "error: \x1b[2J", "error: \n\n", "58", ""} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		a, err := parseAnswer(line)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 }) {
				t.Fatalf("%q: the error is %q", line, err)
			}
			return
		}
		if a.Length < 0 {
			t.Fatalf("%q: the length is %d", line, a.Length)
		}
		if parsed, err := parseAnswer(a.Line()); err != nil || parsed != a {
			t.Fatalf("%q: %+v becomes %q, and that %+v, %v", line, a, a.Line(), parsed, err)
		}
	})
}
