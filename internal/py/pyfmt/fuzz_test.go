package pyfmt_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"fopnp/internal/py/pyfmt"
)

// samples are the inputs that fuzzing starts with.
var samples = []string{
	"", "Simple is better than?", `'`, `"`, `'"`, `\`, `\'`, `\x41`, `\u0041`,
	"\t\n\r\x00\x1b\x7f", "café", "禅 😀", "\u00a0\u00ad\u200b\u2028\ufeff",
	"\ufffd\ufffe\ue000\u0378", "\U000e0001\U0010ffff", "\x80\xff", "\xe2\x82",
	"\xed\xb2\x80", "\xf4\x90\x80\x80", `\udc80`,
}

// FuzzBytes checks the contract of Bytes: the result is one line of printable
// ASCII, a Python program that contains it gets the same bytes back, and it is
// what Python prints.
func FuzzBytes(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s))
	}
	py := startPython(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		literal := pyfmt.Bytes(b)
		for _, c := range []byte(literal) {
			if c < ' ' || c > '~' {
				t.Errorf("Bytes(%q) = %q has the byte %#x", b, literal, c)
			}
		}
		body, isBytes := strings.CutPrefix(literal, "b")
		if !isBytes {
			t.Fatalf("Bytes(%q) = %s does not begin with b", b, literal)
		}
		back, err := decode(body, func(r rune) (string, bool) {
			return string([]byte{byte(r)}), r <= 0xff
		})
		if err != nil || back != string(b) {
			t.Errorf("Bytes(%q) = %s reads back as %q, %v", b, literal, back, err)
		}
		if py != nil {
			py.checkBytes(t, b)
		}
	})
}

// FuzzStr checks the contract of Str: the result is one line of printable
// characters, a Python program that contains it gets the same text back, and it
// is what Python prints.
func FuzzStr(f *testing.F) {
	for _, s := range samples {
		f.Add(s)
	}
	py := startPython(f)
	f.Fuzz(func(t *testing.T, s string) {
		literal := pyfmt.Str(s)
		if !utf8.ValidString(literal) {
			t.Errorf("Str(%q) = %q is not UTF-8", s, literal)
		}
		for _, r := range literal {
			if r != ' ' && unicode.In(r, unicode.C, unicode.Cn, unicode.Z) {
				t.Errorf("Str(%q) = %q has the character %U", s, literal, r)
			}
		}
		back, err := decode(literal, func(r rune) (string, bool) {
			if 0xdc80 <= r && r <= 0xdcff { // a byte that was not UTF-8
				return string([]byte{byte(r)}), true
			}
			return string(r), utf8.ValidRune(r)
		})
		if err != nil || back != s {
			t.Errorf("Str(%q) = %s reads back as %q, %v", s, literal, back, err)
		}
		if py != nil {
			py.checkStr(t, s)
		}
	})
}

// decode reads a literal as Python's parser does, but accepts only what repr
// writes: a quote, characters and escapes, and the same quote at the end. It
// calls value to find out what a numeric escape stands for, or whether repr
// writes such an escape at all.
func decode(literal string, value func(rune) (string, bool)) (string, error) {
	if literal == "" || literal[0] != '\'' && literal[0] != '"' {
		return "", fmt.Errorf("no opening quote")
	}
	quote, rest := literal[:1], literal[1:]
	var text strings.Builder
	for rest != quote {
		if rest == "" {
			return "", fmt.Errorf("no closing quote")
		}
		if strings.HasPrefix(rest, quote) {
			return "", fmt.Errorf("the literal ends before %s", rest)
		}
		if rest[0] != '\\' {
			text.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		if rest == `\` {
			return "", fmt.Errorf("the last backslash escapes nothing")
		}
		escape, digits := rest[1], 0
		rest = rest[2:]
		switch escape {
		case '\\', '\'', '"':
			text.WriteByte(escape)
		case 't':
			text.WriteByte('\t')
		case 'n':
			text.WriteByte('\n')
		case 'r':
			text.WriteByte('\r')
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		default:
			return "", fmt.Errorf("unknown escape %q", escape)
		}
		if digits == 0 {
			continue
		}
		if len(rest) < digits {
			return "", fmt.Errorf("the escape is cut short at %s", rest)
		}
		n, err := strconv.ParseUint(rest[:digits], 16, 31)
		if err != nil {
			return "", err
		}
		s, ok := value(rune(n))
		if !ok {
			return "", fmt.Errorf("no value for the escape %s", rest[:digits])
		}
		text.WriteString(s)
		rest = rest[digits:]
	}
	return text.String(), nil
}
