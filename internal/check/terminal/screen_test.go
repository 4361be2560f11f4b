package terminal

import "testing"

func TestScreen(t *testing.T) {
	for _, test := range []struct {
		written, shown string
		row, column    int
	}{
		{"", "", 0, 0},
		{"hello", "hello", 0, 5},
		{"hello\r\nyou", "hello\nyou", 1, 3},
		{"hello\n", "hello", 1, 5},
		{"hello\rj", "jello", 0, 1},
		{"0123456789", "0123456789", 0, 9},
		{"0123456789ab", "0123456789\nab", 1, 2},
		{"0123456789\r\nab", "0123456789\nab", 1, 2},
		{"0123456789\rab", "ab23456789", 0, 2},
		{"hello\x1b[2D\x1b[K", "hel", 0, 3},
		{"hello\x1b[9Dj\x1b[C\x1b[CL", "jelLo", 0, 4},
		{"one\r\ntwo\r\nthree\x1b[2A\x1b[J", "one", 0, 5},
		{"one\r\ntwo\x1b[AX\x1b[B!", "oneX\ntwo !", 1, 5},
		{"1\r\n2\r\n3\r\n4", "2\n3\n4", 2, 1},
		{"ü€", "ü€", 0, 2},
	} {
		s := NewScreen(10, 3)
		for i := range len(test.written) { // in the smallest pieces
			s.Write([]byte{test.written[i]})
		}
		row, column := s.Cursor()
		if s.Err() != nil || s.String() != test.shown || row != test.row || column != test.column {
			t.Errorf("%q is shown as %q, the cursor is at %d, %d (%v), want %q, %d, %d",
				test.written, s, row, column, s.Err(), test.shown, test.row, test.column)
		}
	}
}

// A sequence that could hide something, or that the screen does not know, is an
// error.
func TestScreenRefuses(t *testing.T) {
	for _, written := range []string{"\a", "\x00", "\x1b[2J", "\x1b[31m", "\x1b]0;title\a", "\xff"} {
		s := NewScreen(10, 3)
		s.Write([]byte(written))
		if s.Err() == nil {
			t.Errorf("%q is no error", written)
		}
	}
}
