package pyfmt

import "bytes"

// Upper returns a copy of b with ASCII letters in capitals and every other byte
// unchanged, as the upper method of bytes does (in Python 2, of str):
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
