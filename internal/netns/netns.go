// Package netns runs programs on private networks.
//
// A private network has a loopback interface of its own and all ports of its
// own, and nothing else: no other interface, and no way in or out. Two programs
// on two networks may listen on the same port. The network takes its processes
// with it: when its first process dies, the kernel kills all that this process
// has started.
//
// A private network is a network namespace and a process namespace of Linux. It
// does not need root where the kernel lets every user create namespaces. Where
// there are none, [Supported] says so. If the kernel also grants a mount namespace,
// /proc shows the processes of the network and no others.
package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// A Network is a private network with the processes that run on it.
type Network struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when all processes are dead
	err  error         // what cmd.Wait returned, once done is closed
}

// A Socket is one that a client can reach. Sockets can be compared with ==.
type Socket struct {
	Network string // "tcp", "tcp6", "udp" or "udp6"
	Port    uint16
	Inode   string // the kernel's number for it, unique as long as it is open
}

var calledMain bool // set by Main

// Supported returns nil if the system grants private networks. Otherwise it
// returns an error that wraps [errors.ErrUnsupported] and says why. On Linux, the
// error also wraps a [*Refusal] if the kernel refuses them. Supported panics if
// the program has not called [Main].
func Supported() error {
	if !calledMain {
		panic("netns: main or TestMain must call netns.Main before it does anything else")
	}
	return supported()
}

// Start starts cmd as the first process of a new network, whose loopback
// interface is up. It returns when the program of cmd runs.
//
// All processes of the network die when the first one exits, when Close is
// called, and when the calling process dies, even of SIGKILL. The network waits
// for cmd itself: do not call cmd.Wait, and connect cmd to files, such as those
// of [os.Pipe]. Do not use cmd.StdoutPipe, whose pipe Wait may close while
// there is something left to read. The network's processes see the files of the
// host.
//
// The program runs in a process group of its own, so Ctrl-C at the caller's
// terminal does not reach it. Start sets cmd.SysProcAttr, which must be nil, and
// changes other fields of cmd.
//
// Start returns an error if the program cannot be run, and the error of
// [Supported] if there are no private networks. It panics if the program has not
// called [Main].
func Start(cmd *exec.Cmd) (*Network, error) { return launch(cmd, false) }

// StartAtTerminal is Start with a terminal of 24 lines and 80 columns. It connects
// cmd to the terminal, whose session cmd leads, and returns the other end, where
// keys are written and the screen is read. Reads can have a deadline, and fail when
// the network has ended. The caller must close the terminal.
func StartAtTerminal(cmd *exec.Cmd) (n *Network, terminal *os.File, err error) {
	terminal, theirs, err := OpenTerminal()
	if err != nil {
		return nil, nil, fmt.Errorf("netns: open a terminal: %w", err)
	}
	defer theirs.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	if n, err = launch(cmd, true); err != nil {
		terminal.Close()
		return nil, nil, err
	}
	return n, terminal, nil
}

// launch starts cmd; leads says whether cmd leads the session of its terminal.
func launch(cmd *exec.Cmd, leads bool) (*Network, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	if cmd.SysProcAttr != nil {
		return nil, errors.New("netns: the command has a SysProcAttr of its own")
	}
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	n := &Network{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel kills the first process when its parent dies, and counts
		// the thread that started it as the parent. So this thread must not end.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := enter(cmd, leads)
		started <- err
		if err == nil {
			n.err = cmd.Wait()
			close(n.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("netns: %w", err)
	}
	return n, nil
}

// Pid returns the process id of the first process, as its parent sees it. On the
// network it is 1.
func (n *Network) Pid() int { return n.cmd.Process.Pid }

// Wait waits until the first process has exited and all others are dead. Its
// error is that of [exec.Cmd.Wait]. It may be called more than once.
func (n *Network) Wait() error {
	<-n.done
	return n.err
}

// Close kills all processes of the network and waits until they are dead.
func (n *Network) Close() {
	n.cmd.Process.Kill() // an error means that it is dead already
	<-n.done
}
