package netns

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// If the parent dies before the first process can ask the kernel to be killed
// with it, the first process finds the pipe broken, and does not become the
// program.
func TestParentGone(t *testing.T) {
	needsNetworks(t)
	attr, err := namespaces()
	if err != nil {
		t.Fatal(err)
	}
	r, w := pipe(t)
	r.Close()
	var stdout strings.Builder
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(cmd.Environ(), firstEnv+"=3 /bin/echo")
	cmd.ExtraFiles = append(cmd.ExtraFiles, w)
	cmd.Stdout = &stdout
	cmd.SysProcAttr = attr
	if err := cmd.Run(); err == nil || stdout.String() != "" {
		t.Errorf("it printed %q (%v), want a failure", stdout.String(), err)
	}
}

// Start refuses a command that has a SysProcAttr of its own, because it would
// replace it.
func TestAttributes(t *testing.T) {
	needsNetworks(t)
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if n, err := Start(cmd); err == nil {
		n.Close()
		t.Error("Start replaced the command's SysProcAttr")
	}
}

// A program at a terminal finds it at /dev/tty, and Ctrl-C there interrupts what
// the program has started, even where the caller ignores Ctrl-C.
func TestTerminal(t *testing.T) {
	needsNetworks(t)
	signal.Ignore(os.Interrupt)
	defer signal.Reset(os.Interrupt)
	n, terminal, err := StartAtTerminal(exec.Command("sh", "-c",
		"trap : INT; stty size </dev/tty; sh -c 'echo $$ up; exec sleep 1000'; echo status $?"))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	defer terminal.Close()
	if err := terminal.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	screen := bufio.NewScanner(terminal)
	expect := func(want string) {
		t.Helper()
		if !screen.Scan() || screen.Text() != want {
			t.Fatalf("the screen shows %q (%v), want %q", screen.Text(), screen.Err(), want)
		}
	}
	expect("24 80")
	screen.Scan()
	child, err := strconv.Atoi(strings.TrimSuffix(screen.Text(), " up"))
	if err != nil {
		t.Fatal(err)
	}
	if !n.Runs(child) || n.Runs(child+1) || n.Runs(n.Pid()) {
		t.Errorf("Runs does not report that the child %d runs, and no other", child)
	}
	io.WriteString(terminal, "\x03")
	expect("^Cstatus 130")
	n.Wait()
	if n.Runs(child) {
		t.Errorf("the child %d runs when the network has ended", child)
	}
}

// The processes of a network see each other in /proc, and no others.
func TestProc(t *testing.T) {
	needsNetworks(t)
	if err := exec.Command("unshare", "-Urpf", "--mount-proc", "true").Run(); err != nil {
		t.Skip("unshare --mount-proc: ", err)
	}
	r, w := pipe(t)
	cmd := exec.Command("sh", "-c", "echo /proc/[0-9]*")
	cmd.Stdout = w
	n, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	w.Close()
	seen, err := io.ReadAll(r)
	if err != nil || string(seen) != "/proc/1\n" {
		t.Errorf("it sees the processes %q (%v)", seen, err)
	}
}
