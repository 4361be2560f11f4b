//go:build !unix

package program

import "os"

var goWaits map[*os.File]bool

func isNonblocking(*os.File) bool { return false }

func (s *stream) writeInOnePiece(text []byte) { (*s.file).Write(text) }

// Append appends lines to the log. It creates the file if necessary.
func (l *Log) Append(lines []byte) error {
	if l.Path == "" {
		return nil
	}
	const flags = os.O_APPEND | os.O_CREATE | os.O_WRONLY
	file, err := os.OpenFile(l.Path, flags, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(lines)
	return err
}
