package pyfmt

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bare returns what Python 2 prints for a string of bytes, which is the bytes
// themselves, but escapes what would end the line or control the terminal:
//
//	>>> print 'MIXEDCASESTRING'
//	MIXEDCASESTRING
//
// Printable UTF-8 characters stand for themselves, even quotes and backslashes.
// The bytes of all other characters, and bytes that are not UTF-8, are escaped
// as in [Bytes].
func Bare(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if unicode.IsPrint(r) && !(r == utf8.RuneError && size == 1) {
			out.Write(b[:size])
		} else {
			out.WriteString(Unquoted(b[:size]))
		}
		b = b[size:]
	}
	return out.String()
}

// Unquoted returns Python 2's repr of a string of bytes without the quotes:
//
//	>>> print `data`[1:-1]
//	two\nlines
//
// This is the result of [Bytes] without the b and the quotes, so it is
// printable ASCII.
func Unquoted(b []byte) string {
	quoted := Bytes(b)
	return quoted[len(`b'`) : len(quoted)-len(`'`)]
}

// Repr returns Python 2's repr of a string of bytes. It is [Bytes] without the
// b. The result is a string, too, and has a repr of its own, which Python 2
// prints when a tuple holds the string:
//
//	>>> print ('Received', repr(data))
//	('Received', "'Hello, world'")
func Repr[T string | []byte](b T) string { return Bytes([]byte(b))[len("b"):] }
