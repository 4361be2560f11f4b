package child

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The test program also plays the programs that it starts. Its first argument
// says which one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		play(os.Args[1])
	}
	os.Exit(m.Run())
}

func play(role string) {
	switch role {
	case "server": // runs until it is killed
		signal.Ignore(os.Interrupt)
		fmt.Println("Listening at ('127.0.0.1', 1060)")
		<-time.After(time.Hour)
	case "brief": // ends on its own
		fmt.Println("one")
		fmt.Fprintln(os.Stderr, "two")
	case "parent": // starts a server, reports it, and ends with its stdin or by a signal
		server, err := Start(exec.Command(os.Args[0], "server"))
		if err == nil {
			_, err = server.Ready()
		}
		report(server, err)
	case "watching parent": // the same, as on systems whose kernel does not help
		cmd := exec.Command(os.Args[0], "server")
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		_, err := watch(cmd.Process.Pid)
		report(&Process{Pid: cmd.Process.Pid}, err)
	}
	os.Exit(0)
}

func report(server *Process, err error) {
	fmt.Println(server.Pid, err)
	bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(0)
}

func self(args ...string) *exec.Cmd { return exec.Command(os.Args[0], args...) }

// A program does not end with the thread on which its starter happened to run.
func TestOutlivesThread(t *testing.T) {
	t.Parallel()
	var p *Process
	var err error
	ended := make(chan bool)
	go func() {
		runtime.LockOSThread() // so the thread ends with the goroutine
		defer close(ended)
		p, err = Start(self("server"))
	}()
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	if port, err := p.Ready(); err != nil || port != "1060" {
		t.Errorf("port %q, %v", port, err)
	}
	if !p.Kill() {
		t.Errorf("the program has ended: %v", p.Wait())
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	for _, inFile := range []bool{false, true} {
		t.Run(fmt.Sprintf("in file %v", inFile), func(t *testing.T) {
			t.Parallel()
			var s Starter
			if inFile {
				file, err := os.Create(filepath.Join(t.TempDir(), "output"))
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				s.Output = file
			}
			p, err := s.Start(self("brief"))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.WaitUntil("both lines", func(output string) bool { return output == "one\ntwo\n" }); err != nil {
				t.Error(err)
			}
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
			if _, err := p.WaitFor(regexp.MustCompile("three")); err == nil || !strings.Contains(err.Error(), "exited (exit status 0) and never printed three") {
				t.Errorf("it waited for a third line: %v", err)
			}
			if p.Kill() {
				t.Error("it was still there to be killed")
			}

			p, err = s.Start(self("server"))
			if err != nil {
				t.Fatal(err)
			}
			if port, err := p.Ready(); err != nil || port != "1060" {
				t.Errorf("port %q, %v", port, err)
			}
			p.Patience = 1 // ns, so Wait gives up
			if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "did not exit") {
				t.Errorf("it waited for a server: %v", err)
			}
		})
	}
}

// Start starts no program if it cannot prepare the thread.
func TestThreadFails(t *testing.T) {
	t.Parallel()
	p, err := Starter{Thread: func() error { return os.ErrPermission }}.Start(self("server"))
	if p != nil || err != os.ErrPermission {
		t.Errorf("started: %v", err)
	}
}
