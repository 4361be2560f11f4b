//go:build unix

package conform

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// superServer is the environment variable that makes a test binary a
// super-server. Its value is the mode, "wait" or "nowait", and the program to
// start.
const superServer = "CONFORM_SUPERSERVER"

// SuperServer returns the Command of a Server that listens as inetd does and
// starts the program name in progtest.Bin(). The mode is inetd's: with
// "nowait", each client gets a process, whose descriptors 0 to 2 are the
// connection; with "wait", one process at a time serves clients, and its
// descriptors 0 to 2 are the listener. The super-server prints what the program
// writes to its log (-l).
//
// The test's TestMain must call Main, and the Server's Children must be true.
func SuperServer(mode, name string) func(args ...string) *exec.Cmd {
	return func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), superServer+"="+mode+" "+filepath.Join(progtest.Bin(), name))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return cmd
	}
}

// Main must be called first in the TestMain of a test that uses SuperServer. In a
// super-server it does not return.
func Main() {
	is, ok := os.LookupEnv(superServer)
	if !ok {
		return
	}
	os.Unsetenv(superServer)
	mode, program, _ := strings.Cut(is, " ")
	status, err := serveInetd(mode, program, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "super-server:", err)
		status = 1
	}
	os.Exit(status)
}

// An inetd is a super-server for one service.
type inetd struct {
	listener *net.TCPListener
	program  string
	options  []string

	running sync.WaitGroup
	mu      sync.Mutex
	status  int // of a program that failed
}

// serveInetd serves until a signal stops it and all programs have ended. The
// signal goes to the whole process group, so the programs receive it as well.
// The status is that of a program that failed, or 0.
func serveInetd(mode, program string, args []string) (status int, err error) {
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	host, port, options := args[0], args[2], args[3:]
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return 0, err
	}
	folder, err := os.MkdirTemp(filepath.Dir(program), "conform") // goes with the programs if we are killed
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	log, err := os.Create(filepath.Join(folder, "zen.log"))
	if err != nil {
		return 0, err
	}
	i := &inetd{
		listener: listener.(*net.TCPListener),
		program:  program,
		options:  append([]string{"-l", log.Name()}, options...),
	}
	fmt.Println("Listening at " + pyfmt.HostPort(host, listener.Addr().(*net.TCPAddr).Port))
	go func() {
		<-stop
		listener.Close()
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if mode == "wait" {
			i.wait()
		} else {
			i.nowait()
		}
		i.running.Wait()
	}()
	err = follow(log, ended)
	return i.status, err
}

// follow prints a log until ended is closed, and then the rest of the log.
func follow(log *os.File, ended <-chan struct{}) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-tick.C:
		case <-ended:
			over = true
		}
		if _, err := io.Copy(os.Stdout, log); err != nil {
			return err
		}
	}
	return nil
}

// nowait starts a program for every client, until the listener is closed.
func (i *inetd) nowait() {
	for {
		conn, err := i.listener.AcceptTCP()
		if err != nil {
			return
		}
		socket, err := conn.File()
		conn.Close()
		if err == nil {
			i.start(socket)
			socket.Close()
		}
	}
}

// wait starts the program when a client comes and the program is not running,
// until the listener is closed.
func (i *inetd) wait() {
	for {
		socket, err := i.listener.File()
		if err != nil {
			return // it is closed
		}
		clients := []unix.PollFd{{Fd: int32(socket.Fd()), Events: unix.POLLIN}}
		const briefly = 20 // ms, then check whether the listener is closed
		if n, _ := unix.Poll(clients, briefly); n > 0 {
			i.start(socket)
			i.running.Wait()
		}
		socket.Close()
	}
}

// start starts the program with a socket.
func (i *inetd) start(socket *os.File) {
	socket.Fd() // makes it blocking, as inetd's are
	cmd := exec.Command(i.program, i.options...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, socket
	err := cmd.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "super-server:", err)
		return
	}
	i.running.Go(func() {
		cmd.Wait()
		if status := exitStatus(cmd.ProcessState); status != 0 {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.status = status
		}
	})
}

// exitStatus returns the status of a process that has ended, as a shell reports
// it.
func exitStatus(state *os.ProcessState) int {
	if ended := state.Sys().(syscall.WaitStatus); ended.Signaled() {
		return 128 + int(ended.Signal())
	}
	return state.ExitCode()
}
