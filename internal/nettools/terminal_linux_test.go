package nettools

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

func init() {
	obeyHangup = func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) }
}

// A typist sits at a terminal at which a program runs.
type typist struct {
	t        *testing.T
	terminal *os.File
	cmd      *exec.Cmd
	screen   []byte // what has been printed since the last match
}

// sit runs a program at a terminal until the test ends. A shell leads the session
// there, as at a real terminal: when the leader exits, the kernel throws away what
// was printed last and not yet read.
func sit(t *testing.T, program *exec.Cmd) *typist {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	const leader = `trap : INT; (exec -a "$1" "$2" "${@:3}"); echo "status $?."; read`
	cmd := exec.Command("bash", append([]string{"-c", leader, "bash", program.Args[0], program.Path}, program.Args[1:]...)...)
	cmd.Env = program.Env
	ours, theirs, err := netns.OpenTerminal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	ours.SetReadDeadline(time.Now().Add(progtest.Patience))
	return &typist{t: t, terminal: ours, cmd: cmd}
}

// sees waits until something that matches pattern is printed, and returns it.
func (p *typist) sees(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for {
		if at := re.FindIndex(p.screen); at != nil {
			match := string(p.screen[at[0]:at[1]])
			p.screen = p.screen[at[1]:]
			return match
		}
		buffer := make([]byte, 4096)
		n, err := p.terminal.Read(buffer)
		p.screen = append(p.screen, buffer[:n]...)
		if err != nil {
			p.t.Fatalf("the screen shows %q (%v), want %q", p.screen, err, pattern)
		}
	}
}

// types presses keys.
func (p *typist) types(keys string) {
	p.t.Helper()
	if _, err := p.terminal.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// exits waits until the program has exited, which must be with this status.
func (p *typist) exits(status int) {
	p.t.Helper()
	if got := p.sees(`status \d+\.`); got != fmt.Sprintf("status %d.", status) {
		p.t.Errorf("the program exited with %s want %d", got, status)
	}
}
