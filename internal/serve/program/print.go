package program

import (
	"fmt"
	"os"
	"sync"
)

// Printf prints to stdout what fmt.Printf prints, but always in one piece.
//
// A pipe takes no more than 4096 bytes in one piece. What is longer may have
// lines of others in it: of another goroutine that prints to stderr, if both are
// the same pipe, or of another process that has the same pipe. A log line can be
// 16 KiB long, because it can name half a question. So every server prints with
// Printf, Println and Complain. No two of these lines mix, however long they are
// and whichever of our programs prints them. There is one exception. A pipe
// cannot be locked on all systems: it cannot on macOS. There, lines of several
// processes that share a pipe may still mix.
func Printf(format string, a ...any) { stdout.write(fmt.Appendf(nil, format, a...)) }

// Println prints to stdout what fmt.Println prints, in one piece as Printf does.
func Println(a ...any) { stdout.write(fmt.Appendln(nil, a...)) }

// A stream is stdout or stderr.
type stream struct {
	file  **os.File   // a test may replace it
	turn  *sync.Mutex // for the goroutines of this process
	pipe  bool
	stuck bool // the last line was lost, because the pipe was full

	// A pipe that was non-blocking when the program began counts as blocking:
	// package os has noticed, and waits until it has room.
	nonblocking bool
}

var (
	stdout = stream{file: &os.Stdout, turn: new(sync.Mutex)}
	stderr = stream{file: &os.Stderr, turn: new(sync.Mutex)}
)

// lookAtStreams finds out what the streams are, when the first line is printed.
// By then, package inetd has pointed them to the log.
var lookAtStreams = sync.OnceFunc(func() {
	for _, s := range []*stream{&stdout, &stderr} {
		s.pipe = isPipe(*s.file)
		s.nonblocking = isNonblocking(*s.file) && !goWaits[*s.file]
	}
	out, err1 := os.Stdout.Stat()
	complaints, err2 := os.Stderr.Stat()
	if err1 == nil && err2 == nil && os.SameFile(out, complaints) {
		stderr.turn = stdout.turn
	}
})

// write writes text when it is its turn. It returns no error, because there is
// nowhere to print it.
func (s *stream) write(text []byte) {
	lookAtStreams()
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.pipe {
		s.writeInOnePiece(text)
	} else {
		(*s.file).Write(text)
	}
}

// isPipe reports whether file is a pipe or a socket, where a long text may be
// interrupted by what other processes write. The kernel does not interrupt what
// it appends to a file or shows on a terminal.
func isPipe(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// A Log is a file to which a program appends lines. The file is opened for each
// Append, so that a log that was moved away is begun anew. A named pipe stays
// open, because its reader would take a close for the end.
type Log struct {
	Path string // "" is no file

	pipe  *os.File
	stuck bool // as that of a stream
}
