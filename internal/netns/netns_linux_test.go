package netns

import (
	"bufio"
	"errors"
	"fmt"
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

// Start refuses a command that has its own SysProcAttr, because Start would
// replace that.
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

// output runs a command on a network of its own, and returns what it prints.
func output(t *testing.T, cmd *exec.Cmd) ([]byte, error) {
	t.Helper()
	r, w := pipe(t)
	cmd.Stdout = w
	n, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	w.Close()
	return io.ReadAll(r)
}

// The processes of a network see each other in /proc, and no others.
func TestProc(t *testing.T) {
	needsNetworks(t)
	if err := exec.Command("unshare", "-Urpf", "--mount-proc", "true").Run(); err != nil {
		t.Skip("unshare --mount-proc: ", err)
	}
	seen, err := output(t, exec.Command("sh", "-c", "echo /proc/[0-9]*"))
	if err != nil || string(seen) != "/proc/1\n" {
		t.Errorf("it sees the processes %q (%v)", seen, err)
	}
}

// A network has its own connection tables, and not a share of the machine's.
func TestSmallTables(t *testing.T) {
	needsNetworks(t)
	const set = "cd /proc/sys/net/ipv4 && echo 1 >tcp_child_ehash_entries && echo 1 >udp_child_hash_entries"
	if err := exec.Command("unshare", "-Urn", "sh", "-c", set).Run(); err != nil {
		t.Skip("the kernel has no such settings or denies them: ", err)
	}
	// The machine's tables would be negative.
	sizes, err := output(t, exec.Command("cat", "/proc/sys/net/ipv4/tcp_ehash_entries", "/proc/sys/net/ipv4/udp_hash_entries"))
	if err != nil || string(sizes) != "1024\n128\n" {
		t.Errorf("its tables have the sizes %q (%v)", sizes, err)
	}
}

// Drain copies what is there, even after a deadline, but no more than a terminal
// holds: it returns even if a program goes on to write.
func TestDrain(t *testing.T) {
	ours, theirs, err := OpenTerminal()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close()
	io.WriteString(theirs, "last words\n")
	if err := ours.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	var screen strings.Builder
	Drain(&screen, ours)
	if screen.String() != "last words\r\n" {
		t.Errorf("it copied %q", screen.String())
	}
	const most = 64<<10 + 4096
	writes := &writesMore{to: theirs, most: most}
	io.WriteString(theirs, "more")
	Drain(writes, ours)
	if writes.total < 4096 || writes.total > most {
		t.Errorf("from a program that goes on to write, it copied %d bytes", writes.total)
	}
}

// A writesMore receives a program's output. After each write, the program writes
// more. After too many bytes, writesMore fails.
type writesMore struct {
	to          io.Writer
	total, most int
}

func (w *writesMore) Write(b []byte) (int, error) {
	if w.total += len(b); w.total > w.most {
		return 0, io.ErrShortWrite
	}
	io.WriteString(w.to, strings.Repeat("more", 256))
	return len(b), nil
}

// Where the system grants no networks, Supported says what forbids them.
func TestSupportedExplains(t *testing.T) {
	needsNetworks(t)
	attr, err := namespaces()
	if err != nil {
		t.Fatal(err)
	}
	if attr.Cloneflags&syscall.CLONE_NEWUSER == 0 {
		t.Skip("the kernel grants no user namespace, in which nothing would be allowed")
	}
	r, w := pipe(t)
	cmd := command("supported", os.Stdin, w)
	inside := *attr
	inside.Cloneflags = syscall.CLONE_NEWUSER
	cmd.SysProcAttr = &inside
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	said, err := io.ReadAll(r)
	cmd.Process.Kill() // even if it says nothing
	cmd.Wait()
	const want = "unsupported: there are as many namespaces as the system allows\n"
	if strings.HasPrefix(string(said), "open /proc/sys/user/") {
		t.Skip(string(said)) // a container may show them read-only
	}
	if err != nil || string(said) != want {
		t.Errorf("it says %q (%v), want %q", said, err, want)
	}
}

func init() { moreVerbs["supported"] = supportedWithout }

// supportedWithout prints what Supported says where no network may be created.
func supportedWithout() error {
	if err := os.WriteFile("/proc/sys/user/max_net_namespaces", []byte("0"), 0); err != nil {
		fmt.Println(err)
		return nil
	}
	err := Supported()
	var refusal *Refusal
	if !errors.As(err, &refusal) || !errors.Is(err, errors.ErrUnsupported) {
		fmt.Println("no refusal:", err)
		return nil
	}
	fmt.Println("unsupported:", refusal.Cause)
	return nil
}
