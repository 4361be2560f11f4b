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

// A non-blocking pipe, such as the log of an inetd service, must not block the
// program when no other program reads it. So a wait for room has a limit.
const (
	toBegin = 250 * time.Millisecond // a line, also while others hold the lock
	toGoOn  = 2 * time.Second        // longer, because half a line mixes with the next
	forever = time.Duration(-1)      // for a pipe whose Write waits
)

// patience returns how long to wait for room in a pipe. If the last text found
// no room, the next does not wait.
func patience(nonblocking, stuck bool) time.Duration {
	switch {
	case !nonblocking:
		return forever
	case stuck:
		return 0
	}
	return toBegin
}

// writeInOnePiece writes text to a pipe that is stdout or stderr. Meanwhile, no
// other process can write to the pipe with this function.
func (s *stream) writeInOnePiece(text []byte) {
	pipe, patience := *s.file, patience(s.nonblocking, s.stuck)
	err := withLock(pipe, patience, func(fd int) error {
		return writeAll(text, pipe.Write, fd, patience)
	})
	s.stuck = err != nil
}

// goWaits holds the streams that were non-blocking when the program began.
// Package os has noticed and waits until they have room.
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

// Reasons why a named pipe accepts no lines.
var (
	errNoReader = errors.New("no program reads this pipe")
	errFull     = errors.New("the pipe is full")
)

// Append appends lines to the log. It creates the file if necessary. The lines
// of several programs do not mix: see Printf.
//
// The file may be a named pipe. If no program has opened it for reading, Append
// does not wait, but returns an error. If the pipe is full, Append waits for a
// moment. Then the lines that do not fit are lost, and the error says so. The
// next Append does not wait.
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
	if err != nil { // its reader has left, but another may come
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

// writeNow writes as much of data as there is room for. If that is not all, the
// error is EAGAIN.
func writeNow(fd int, data []byte) (int, error) {
	n, err := unix.Write(fd, data)
	if err == nil && n < len(data) {
		err = unix.EAGAIN
	}
	return max(n, 0), err
}

// writeAll writes text to a pipe. The error of write is EAGAIN if the pipe is
// full. Then writeAll waits for room: up to patience to begin, and longer to go
// on.
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

// waitForRoom waits until a pipe has room, or until end. It returns false if
// end has already passed.
func waitForRoom(fd int, end time.Time) bool {
	left := time.Until(end)
	if left <= 0 {
		return false
	}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	unix.Poll(poll, int(left.Milliseconds())+1) // may fail because of a signal
	return true
}

// withLock locks the pipe, calls write, and unlocks the pipe. The lock belongs
// to the process and not to the descriptor, so it also works between a server
// and its children, which inherit the descriptor. If the process ends, the
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

// setLock locks or unlocks a pipe. If it cannot within patience, the error is
// EAGAIN.
func setLock(fd uintptr, kind int16, patience time.Duration) error {
	whole := unix.Flock_t{Type: kind, Whence: io.SeekStart}
	command := unix.F_SETLK
	if patience == forever {
		command = unix.F_SETLKW
	}
	for start := time.Now(); ; {
		err := unix.FcntlFlock(fd, command, &whole)
		if err == unix.EACCES { // POSIX allows either error
			err = unix.EAGAIN
		}
		switch {
		case err == unix.EINTR:
		case err == unix.EDEADLK, err == unix.EAGAIN && time.Since(start) < patience:
			// EDEADLK: two processes wait for each other, one for stdout and
			// the other for stderr. It is not a deadlock, because the threads
			// that wait are not those that hold the locks.
			time.Sleep(time.Millisecond)
		default:
			return err
		}
	}
}
