//go:build unix

package program

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A non-blocking pipe, such as the log of an inetd service, must not stop its
// program when nobody reads it. So there are limits to the waits for room.
const (
	toBegin = 250 * time.Millisecond // and for others who hold the lock
	toGoOn  = 2 * time.Second        // a line that is cut mixes with the next
	forever = time.Duration(-1)      // in a pipe whose Write waits
)

// patience is how long to wait for room in a pipe. If the last text found none,
// the next does not wait.
func patience(nonblocking, stuck bool) time.Duration {
	switch {
	case !nonblocking:
		return forever
	case stuck:
		return 0
	}
	return toBegin
}

// writeInOnePiece writes text to a pipe that is stdout or stderr, while no other
// process that uses this function can.
func (s *stream) writeInOnePiece(text []byte) {
	pipe, patience := *s.file, patience(s.nonblocking, s.stuck)
	err := withLock(pipe, patience, func(fd int) error {
		return writeAll(text, pipe.Write, fd, patience)
	})
	s.stuck = err != nil
}

// goWaits has the streams that were non-blocking when the program began: package
// os has noticed, and waits until they have room.
var goWaits = map[*os.File]bool{
	os.Stdout: isNonblocking(os.Stdout), os.Stderr: isNonblocking(os.Stderr),
}

func isNonblocking(file *os.File) bool {
	conn, err := file.SyscallConn()
	flags := 0
	if err == nil {
		conn.Control(func(fd uintptr) { flags, _ = unix.FcntlInt(fd, unix.F_GETFL, 0) })
	}
	return flags&unix.O_NONBLOCK != 0
}

// Why a named pipe takes no lines.
var (
	errNoReader = errors.New("no program reads this pipe")
	errFull     = errors.New("the pipe is full")
)

// Append appends lines to the log. It creates the file if it has to. The lines
// of several programs do not mix: see Printf.
//
// The file may be a named pipe. Append does not wait until somebody opens it for
// reading: it is an error if nobody has. If the pipe is full, Append waits for a
// moment. Then the lines that do not fit are lost, and the error says so. The next
// Append does not wait.
func (l *Log) Append(lines []byte) error {
	if l.Path == "" {
		return nil
	}
	if l.pipe == nil {
		file, err := open(l.Path)
		if err != nil {
			return err
		}
		if !isPipe(file) {
			defer file.Close()
			_, err := file.Write(lines)
			return err
		}
		l.pipe = file
	}
	patience := patience(true, l.stuck)
	err := withLock(l.pipe, patience, func(fd int) error {
		for line := range bytes.Lines(lines) {
			write := func(data []byte) (int, error) { return writeNow(fd, data) }
			if err := writeAll(line, write, fd, patience); err != nil {
				return err
			}
		}
		return nil
	})
	l.stuck = errors.Is(err, unix.EAGAIN)
	if l.stuck {
		return errFull
	}
	if err != nil { // its reader has left, and another may come
		l.pipe.Close()
		l.pipe = nil
	}
	return err
}

// open opens a log for appending.
func open(path string) (*os.File, error) {
	const flags = os.O_APPEND | os.O_CREATE | os.O_WRONLY
	file, err := os.OpenFile(path, flags|unix.O_NONBLOCK|unix.O_NOCTTY, 0o644)
	if errors.Is(err, unix.ENXIO) {
		return nil, errNoReader
	}
	return file, err
}

// writeNow is the Write of a file that never waits.
func writeNow(fd int, data []byte) (int, error) {
	n, err := unix.Write(fd, data)
	if err == nil && n < len(data) {
		err = unix.EAGAIN
	}
	return max(n, 0), err
}

// writeAll writes text to a pipe with write, whose error is EAGAIN if the pipe is
// full. Then it waits for room: as long as patience to begin, and longer to go on.
func writeAll(
	text []byte, write func([]byte) (int, error), fd int, patience time.Duration,
) error {
	end := time.Now().Add(patience)
	for {
		n, err := write(text)
		if !errors.Is(err, unix.EAGAIN) {
			return err
		}
		if n > 0 {
			end = time.Now().Add(toGoOn)
		}
		text = text[n:]
		if !waitForRoom(fd, end) {
			return err
		}
	}
}

// waitForRoom waits until a pipe has room, and reports whether the time is not
// over.
func waitForRoom(fd int, end time.Time) bool {
	left := time.Until(end)
	if left <= 0 {
		return false
	}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	unix.Poll(poll, int(left.Milliseconds())+1) // fails if a signal arrives
	return true
}

// withLock calls write while no other process has locked the pipe. The lock
// belongs to the process and not to the descriptor, so it also works between a
// server and its children, which inherit the descriptor. If the process ends, the
// kernel unlocks the pipe. If the system has no locks for pipes, withLock only
// calls write. If another process does not unlock the pipe within patience, the
// error is EAGAIN.
func withLock(pipe *os.File, patience time.Duration, write func(fd int) error) error {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := conn.Control(func(fd uintptr) {
		err = setLock(fd, unix.F_WRLCK, patience)
		if err == unix.EAGAIN {
			return
		}
		if err == nil {
			defer setLock(fd, unix.F_UNLCK, 0)
		}
		err = write(int(fd))
	})
	return errors.Join(controlErr, err)
}

// setLock locks or unlocks a pipe, and waits no longer than patience. Then the
// error is EAGAIN.
func setLock(fd uintptr, kind int16, patience time.Duration) error {
	whole := unix.Flock_t{Type: kind, Whence: io.SeekStart}
	command := unix.F_SETLK
	if patience == forever {
		command = unix.F_SETLKW
	}
	for start := time.Now(); ; {
		err := unix.FcntlFlock(fd, command, &whole)
		if err == unix.EACCES { // the other name that POSIX has for it
			err = unix.EAGAIN
		}
		switch {
		case err == unix.EINTR:
		case err == unix.EDEADLK, err == unix.EAGAIN && time.Since(start) < patience:
			// EDEADLK: two processes wait for each other, here for stdout
			// and there for stderr. But those who wait are not the threads
			// that hold the locks, so it is none.
			time.Sleep(time.Millisecond)
		default:
			return err
		}
	}
}
