package netlab

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"fopnp/internal/netns"
)

// inBackground reports whether the shell has put this process in the background of
// its terminal, standard input. There, the kernel stops a process that reads from the
// terminal or changes its mode.
func inBackground() bool {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	return err == nil && group != unix.Getpgrp() // after an error, it is not our session's terminal
}

// windowSize returns the size of the user's terminal.
func windowSize() *unix.Winsize {
	size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
	if err != nil {
		return &unix.Winsize{Row: 24, Col: 80}
	}
	return size
}

// converse waits until the command has ended and returns the host's last answer.
// Meanwhile it connects the command's terminal, if the host has sent one, to the
// user's.
func converse(client control, received []*os.File) (a answer, err error) {
	defer closeAll(received)
	if len(received) != 1 {
		_, err = client.receive(&a)
		return a, err
	}
	theirs := received[0]
	defer makeRaw()()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	resized <- unix.SIGWINCH // the size may have changed before we listened for the signal
	var resizing sync.WaitGroup
	resizing.Go(func() {
		for range resized {
			if fd, err := descriptor(theirs); err == nil {
				unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, windowSize())
			}
		}
	})
	defer func() {
		signal.Stop(resized)
		close(resized)
		resizing.Wait() // theirs must not be closed before
	}()
	ended := make(chan error, 1)
	go func() {
		_, err := client.receive(&a)
		// Programs in the background may keep the terminal open. So print only what is
		// there now.
		theirs.SetReadDeadline(time.Now())
		ended <- err
	}()
	go io.Copy(theirs, os.Stdin)
	io.Copy(os.Stdout, theirs) // until the deadline, or until no program has the terminal open
	err = <-ended
	netns.Drain(os.Stdout, theirs)
	return a, err
}

// makeRaw puts the user's terminal into raw mode, in which it passes on all keys,
// until restore is called. If a signal ends this process before that, the terminal
// is restored as well.
func makeRaw() (restore func()) {
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM} {
		if !signal.Ignored(s) { // as SIGHUP is under nohup
			signal.Notify(signals, s)
		}
	}
	before, err := term.MakeRaw(0)
	if err != nil { // the terminal has gone
		signal.Stop(signals)
		return func() {}
	}
	go func() {
		if s, ok := <-signals; ok {
			term.Restore(0, before)
			signal.Reset(s)
			unix.Kill(unix.Getpid(), s.(unix.Signal))
		}
	}()
	return func() {
		term.Restore(0, before)
		signal.Stop(signals)
		close(signals)
	}
}
