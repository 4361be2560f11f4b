package services

import (
	"errors"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// errLost is the error of a session whose server has gone.
var errLost = errors.New("connection lost")

// Login logs in as user at the other end of a connection, which must be a
// trusted one of [SSH.ServeConn], and closes the connection. It does not ask
// the server for proof, because nobody can come between.
//
// One word of command is a line for the shell. Several words are a program and
// its arguments, which no shell expands. Without a command, Login runs a login
// shell, at a terminal if stdin is one.
//
// Login returns the exit status of the command. It is 128 plus the number of
// the signal if a signal killed the command, or if we get SIGTERM, SIGHUP or a
// second SIGINT; the first SIGINT goes to the command. The error says why
// there is no status.
func Login(conn net.Conn, user string, command []string, stdin, stdout, stderr *os.File) (status int, err error) {
	client, err := newClient(conn, "", &ssh.ClientConfig{
		User:            user,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	return converse(client, quote(command), len(command) == 0, stdin, stdout, stderr)
}

// newClient shakes hands with an SSH server. If it fails, it closes the
// connection.
func newClient(conn net.Conn, address string, config *ssh.ClientConfig) (*ssh.Client, error) {
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// quote returns a line for the shell.
func quote(command []string) string {
	if len(command) == 1 {
		return command[0]
	}
	var line strings.Builder
	for i, word := range command {
		if i > 0 {
			line.WriteByte(' ')
		}
		line.WriteString("'" + strings.ReplaceAll(word, "'", `'\''`) + "'")
	}
	return line.String()
}

// converse runs a command, or a shell if there is none, and connects it to our
// standard files, and to our terminal if atTerminal is true and stdin is one.
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

// size returns the size of a terminal, or that of an old one if it has none.
func size(fd int) (columns, rows int) {
	columns, rows, err := term.GetSize(fd)
	if err != nil || columns == 0 {
		return 80, 24
	}
	return columns, rows
}

// A printer prints what a session prints. It hangs up when it cannot. Otherwise
// the session would wait for ever.
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

// copyInput sends what can be read from a descriptor. The function stop ends
// that, and leaves the rest of the input there for other programs.
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
