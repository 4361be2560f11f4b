package pyfmt

import "bytes"

// Upper returns what the upper method of a bytes object does, and of a Python 2
// string: capitals in the place of ASCII letters, and every other byte as it is.
//
//	>>> b'MixedCaseString'.upper()
//	b'MIXEDCASESTRING'
func Upper(b []byte) []byte {
	upper := bytes.Clone(b)
	for i, c := range upper {
		if 'a' <= c && c <= 'z' {
			upper[i] = c - 'a' + 'A'
		}
	}
	return upper
}
