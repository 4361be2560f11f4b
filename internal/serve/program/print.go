package program

import (
	"fmt"
	"os"
	"sync"
)

// Printf prints to stdout what fmt.Printf prints, but always in one piece.
//
// A pipe accepts at most 4096 bytes in one piece. A longer line may be broken
// by other lines: by those of a goroutine that prints to stderr, if both are
// the same pipe, or by those of another process that has the same pipe. A log
// line can be 16 KiB long, because it can quote half a question. So every
// server prints with Printf, Println and Complain. No two of their lines mix,
// however long they are and whichever of our programs prints them. There is one
// exception: not every system can lock a pipe. On macOS, lines of several
// processes that share a pipe may still mix.
func Printf(format string, a ...any) { stdout.write(fmt.Appendf(nil, format, a...)) }

// Println prints to stdout what fmt.Println prints, in one piece as Printf
// does.
func Println(a ...any) { stdout.write(fmt.Appendln(nil, a...)) }

// A stream is stdout or stderr.
type stream struct {
	file  **os.File   // a test may replace the file
	turn  *sync.Mutex // of the goroutines of this process
	pipe  bool
	stuck bool // the last line was lost, because the pipe was full

	// A pipe that was non-blocking when the program began counts as blocking,
	// because package os has noticed and waits until it has room.
	nonblocking bool
}

var (
	stdout = stream{file: &os.Stdout, turn: new(sync.Mutex)}
	stderr = stream{file: &os.Stderr, turn: new(sync.Mutex)}
)

// lookAtStreams finds out what kind of files the streams are. It does so at the
// first line, because by then package inetd has pointed them to the log.
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

// write waits for its turn and writes text. It returns no error, because there
// would be nowhere to print the error.
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

// isPipe reports whether file is a pipe or a socket. There the kernel may put a
// text of another process into the middle of a long text. It does not do so in
// a file or on a terminal.
func isPipe(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// A Log is a file to which a program appends lines. Each Append opens the file,
// so the program begins a new log if you move the old one away. A named pipe
// stays open, because to its reader a close would be the end of the log.
type Log struct {
	Path string // "" means no log

	pipe  *os.File
	stuck bool // the last line was lost, because the pipe was full
}
