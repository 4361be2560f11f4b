package services

import (
	"errors"
	"io"
	"os"
	"os/signal"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// errLost is the error of a session whose server has gone.
var errLost = errors.New("connection lost")

// converse runs a command, or a shell if there is none, and connects it to our
// standard files, and to our terminal if atTerminal is true and stdin is one.
//
// It returns the exit status of the command. The status is 128 plus the number
// of the signal if a signal killed the command, or if we get SIGTERM, SIGHUP or
// a second SIGINT. The first SIGINT goes to the command. The error says why
// there is no status.
func converse(client *ssh.Client, command string, atTerminal bool, stdin, stdout, stderr *os.File) (status int, err error) {
	session, err := client.NewSession()
	if err != nil {
		return 0, err
	}
	defer session.Close()
	session.Stdout = &printer{stdout, client}
	session.Stderr = &printer{stderr, client}
	input, err := session.StdinPipe()
	if err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGWINCH)
	defer signal.Stop(signals)
	fd := int(stdin.Fd())
	if atTerminal && term.IsTerminal(fd) {
		columns, rows := size(fd)
		if err := session.RequestPty(os.Getenv("TERM"), rows, columns, nil); err != nil {
			return 0, err
		}
		before, err := term.MakeRaw(fd)
		if err != nil {
			return 0, err
		}
		defer term.Restore(fd, before)
	}
	if command == "" {
		err = session.Shell()
	} else {
		err = session.Start(command)
	}
	if err != nil {
		return 0, err
	}
	stop, err := copyInput(input, fd)
	if err != nil {
		return 0, err
	}
	defer stop()
	defer client.Close() // so that no write keeps stop waiting
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	interrupted := false
	for {
		select {
		case err := <-ended:
			if exit, ok := errors.AsType[*ssh.ExitError](err); ok {
				return exit.ExitStatus(), nil
			} else if _, ok := errors.AsType[*ssh.ExitMissingError](err); ok {
				return 0, errLost
			}
			return 0, err
		case s := <-signals:
			switch s {
			case unix.SIGWINCH:
				columns, rows := size(fd)
				session.WindowChange(rows, columns) // an error also ends the session
			case unix.SIGINT:
				if !interrupted {
					interrupted = true
					session.Signal(ssh.SIGINT)
					continue
				}
				fallthrough
			default:
				return 128 + int(s.(unix.Signal)), nil
			}
		}
	}
}

// size returns the size of a terminal, or 80 by 24 if it has none.
func size(fd int) (columns, rows int) {
	columns, rows, err := term.GetSize(fd)
	if err != nil || columns == 0 {
		return 80, 24
	}
	return columns, rows
}

// A printer writes a session's output to a file. If a write fails, it closes
// the connection. Otherwise the session would wait for ever.
type printer struct {
	file   *os.File
	client io.Closer
}

func (p *printer) Write(data []byte) (int, error) {
	n, err := p.file.Write(data)
	if err != nil {
		p.client.Close()
	}
	return n, err
}

// copyInput copies from a descriptor until stop is called. Stop leaves the rest
// of the input there for other programs.
func copyInput(to io.WriteCloser, from int) (stop func(), err error) {
	stopped, stopper, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer to.Close()
		watched := []unix.PollFd{
			{Fd: int32(from), Events: unix.POLLIN},
			{Fd: int32(stopped.Fd()), Events: unix.POLLIN},
		}
		buffer := make([]byte, 32<<10)
		for {
			if _, err := unix.Poll(watched, -1); err == unix.EINTR {
				continue
			} else if err != nil || watched[1].Revents != 0 {
				return
			}
			n, err := unix.Read(from, buffer)
			if err == unix.EINTR || err == unix.EAGAIN {
				continue
			} else if err != nil || n == 0 {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	return func() {
		stopper.Close()
		<-done
		stopped.Close()
	}, nil
}
