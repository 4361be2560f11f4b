package socketserver

import (
	"io"
	"os"
	"regexp"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/serve/program"
)

// A server that waits until it can start a child still stops at SIGTERM.
func TestStopWithoutDescriptors(t *testing.T) {
	server := startListing(t, "ForkingTCPServer", "echo")
	progtest.Starve(t, server, progtest.OpenFiles(t, server))
	client := visit(t, server, "tcp")
	shortage := regexp.MustCompile(`fork \(will try again\): too many open files\n`)
	if _, err := server.WaitFor(shortage); err != nil {
		t.Fatal(err)
	}
	server.Signal(syscall.SIGTERM)
	ended(t, client, "")
	wantOutput(t, server, program.Name()+": fork (will try again): too many open files")
}

// Shutdown also ends a server's wait until it can start a child.
func TestShutdownWithoutDescriptors(t *testing.T) {
	s := create(t, "ForkingTCPServer", "echo").(*ForkingTCPServer)
	client := connect(t, s)
	said := captured(t, func() {
		defer limitDescriptors(t)()
		served := make(chan struct{})
		go func() {
			defer close(served)
			s.ServeForever()
		}()
		until(t, "unable to fork", func() bool {
			size, err := os.Stderr.Seek(0, io.SeekEnd)
			return size > 0 || err != nil
		})
		go s.Shutdown()
		select {
		case <-served:
		case <-time.After(progtest.Patience):
			t.Error("it still serves")
		}
	})
	if want := program.Name() + ": fork (will try again): too many open files\n"; said != want {
		t.Errorf("printed %q, want %q", said, want)
	}
	ended(t, client, "")
	s.ServerClose()
}

// limitDescriptors lets this process open only one more descriptor, until
// restore is called.
func limitDescriptors(t *testing.T) (restore func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	free, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(free)
	limit := unix.Rlimit{Cur: uint64(free) + 1, Max: old.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) }
}
