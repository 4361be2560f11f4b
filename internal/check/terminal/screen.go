// Package terminal runs programs at a terminal, types, and looks at the screen
// as a person would: at the characters that are there at the end, however the
// program moved its cursor.
package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Screen is what a terminal shows. It knows the escape sequences that a line
// editor uses. It is not safe for concurrent use.
type Screen struct {
	columns, rows int
	lines         [][]rune
	row, column   int
	wraps         bool   // the cursor is past the last column: the next character wraps
	rest          []byte // of a character or a sequence
	err           error
}

// NewScreen returns an empty screen.
func NewScreen(columns, rows int) *Screen {
	s := &Screen{columns: columns, rows: rows}
	for range rows {
		s.lines = append(s.lines, s.blank())
	}
	return s
}

func (s *Screen) blank() []rune { return []rune(strings.Repeat(" ", s.columns)) }

// String returns the lines of the screen, without blanks at their ends and
// without blank lines at the end of the screen.
func (s *Screen) String() string {
	var all []string
	for _, line := range s.lines {
		all = append(all, strings.TrimRight(string(line), " "))
	}
	return strings.TrimRight(strings.Join(all, "\n"), "\n")
}

// Cursor returns where the cursor is. Rows and columns begin at 0.
func (s *Screen) Cursor() (row, column int) { return s.row, s.column }

// Err returns an error if a program has written a sequence that the screen does
// not know, or a control character that has no business there.
func (s *Screen) Err() error { return s.err }

// Write shows what a program writes.
func (s *Screen) Write(text []byte) (int, error) {
	s.rest = append(s.rest, text...)
	for len(s.rest) > 0 && s.err == nil {
		n := s.show(s.rest)
		if n == 0 {
			break // the rest of a sequence will come
		}
		s.rest = s.rest[n:]
	}
	return len(text), nil
}

// show shows the first character or sequence of text, and returns its length. It
// returns 0 if text is too short.
func (s *Screen) show(text []byte) int {
	switch text[0] {
	case '\r':
		s.column, s.wraps = 0, false
	case '\n':
		s.down()
	case '\x1b':
		return s.control(text)
	default:
		if !utf8.FullRune(text) {
			return 0
		}
		r, n := utf8.DecodeRune(text)
		if r < ' ' || r == utf8.RuneError {
			s.err = fmt.Errorf("the program has written %q", text[:n])
			return n
		}
		s.put(r)
		return n
	}
	return 1
}

// put shows a character. As on most terminals, the cursor stays in the last
// column until the next character comes.
func (s *Screen) put(r rune) {
	if s.wraps {
		s.column, s.wraps = 0, false
		s.down()
	}
	s.lines[s.row][s.column] = r
	if s.column++; s.column == s.columns {
		s.column, s.wraps = s.columns-1, true
	}
}

// down moves the cursor down, and scrolls at the last row.
func (s *Screen) down() {
	if s.row++; s.row == s.rows {
		s.row--
		s.lines = append(s.lines[1:], s.blank())
	}
	s.wraps = false
}

// control obeys a sequence that begins with ESC [.
func (s *Screen) control(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	end := 2
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == ';') {
		end++
	}
	if text[1] != '[' {
		s.err = fmt.Errorf("the program has written %q", text[:2])
		return 2
	}
	if end == len(text) {
		return 0
	}
	n, given := 1, string(text[2:end])
	if given != "" {
		n, _ = strconv.Atoi(given)
	}
	s.wraps = false
	switch text[end] {
	case 'A':
		s.row = max(s.row-n, 0)
	case 'B':
		s.row = min(s.row+n, s.rows-1)
	case 'C':
		s.column = min(s.column+n, s.columns-1)
	case 'D':
		s.column = max(s.column-n, 0)
	case 'K':
		s.erase(s.row, s.column)
	case 'J':
		s.erase(s.row, s.column)
		for row := s.row + 1; row < s.rows; row++ {
			s.erase(row, 0)
		}
	}
	erases := text[end] == 'K' || text[end] == 'J'
	if !strings.ContainsRune("ABCDKJ", rune(text[end])) || erases && given != "" {
		s.err = fmt.Errorf("the program has written %q", text[:end+1])
	}
	return end + 1
}

// erase erases a line from a column on.
func (s *Screen) erase(row, column int) {
	copy(s.lines[row][column:], s.blank())
}
