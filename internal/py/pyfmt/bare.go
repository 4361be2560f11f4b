package pyfmt

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bare returns what Python 2 prints for a string of bytes, which is the bytes
// themselves, except that nothing in it ends the line or controls the terminal:
//
//	>>> print 'MIXEDCASESTRING'
//	MIXEDCASESTRING
//
// Printable characters of UTF-8 stand for themselves, quotes and backslashes
// too. Every byte of any other character, and every byte that is no part of one,
// is escaped as in [Bytes].
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

// Unquoted returns Python 2's repr of a string of bytes less its quotes:
//
//	>>> print `data`[1:-1]
//	two\nlines
//
// It is [Bytes] without the b as well, and so printable ASCII.
func Unquoted(b []byte) string {
	quoted := Bytes(b)
	return quoted[len(`b'`) : len(quoted)-len(`'`)]
}
