package zentest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
)

var linuxChecks = []Check{
	sharing("one write", func(t *trial) { t.oneWrite(16) }),
	alone("out of descriptors", outOfDescriptors),
	alone("stop/during an answer", stopDuringAnswer, "-d", "300ms"),
	alone("stop/during answers", stopDuringAnswers, "-d", "100ms"),
	alone("stop/long answer", stopLongAnswer, "-d", "1m"),
	alone("stop/second signal", secondSignal, "-d", "1m"),
	{Name: "port not permitted", Run: portNotPermitted},
	{Name: "quiet", Run: quiet},
	{Name: "descriptors are closed", Run: descriptorsAreClosed},
}

// Questions that came in one segment are answered in one write: the client's
// kernel counts the segments with data that came.
func (t *trial) oneWrite(n int) {
	c := t.connect()
	questions, answers := many(n)
	c.say(questions)
	c.hear(answers)
	if t.failed() {
		return
	}
	raw, err := c.conn.SyscallConn()
	if err != nil {
		t.fail(err)
		return
	}
	raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.fail(err)
		} else if info.Data_segs_in != 1 {
			t.failf("%d answers came in %d segments", n, info.Data_segs_in)
		}
	})
	c.leaves()
}

// memoryBounded wants the server never to have had more than 64 MiB.
func (t *trial) memoryBounded() {
	if t.failed() {
		return
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.server.Pid))
	if err != nil {
		t.fail(err)
		return
	}
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if match == nil {
		t.skip("this kernel does not tell the most memory that a process had")
		return
	}
	if kB, _ := strconv.Atoi(string(match[1])); kB >= 64<<10 {
		t.failf("it had %d kB of memory", kB)
	}
}

// Accept failing for want of descriptors: the server says so once per episode,
// does not spin, and goes on when it can.
func outOfDescriptors(t *trial) {
	var old unix.Rlimit
	if err := unix.Prlimit(t.server.Pid, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.fail(err)
		return
	}
	for episode := 1; episode <= 2 && !t.failed(); episode++ {
		c := t.connect()
		c.asks() // now all descriptors that the server needs are open
		if t.AtOnce == 1 {
			n := len(t.descriptors())
			c.leaves()
			t.until("a descriptor is closed", func() bool { return len(t.descriptors()) < n })
		}
		t.limitDescriptors(old, t.lowestFree())
		next := t.connect()
		next.say("Beautiful is better than?")
		t.waitFor(fmt.Sprintf(`(?:(?s:.*)%s\n){%d}`, t.complaint(), episode))
		if t.AtOnce != 1 {
			c.asks()
		}
		t.doesNotSpin()
		t.limitDescriptors(old, old.Cur)
		next.hear("Ugly.")
		if said := strings.Count(t.server.Output(), "too many open files"); said != episode && !t.failed() {
			t.failf("it said %d times in %d episodes that it was out of descriptors", said, episode)
		}
		if t.AtOnce == 1 {
			n := len(t.descriptors())
			next.leaves()
			t.until("a descriptor is closed", func() bool { return len(t.descriptors()) < n })
		}
	}
}

// doesNotSpin gives the server some time and wants it to use next to none of
// the processor's.
func (t *trial) doesNotSpin() {
	before := t.cpuTime()
	<-time.After(300 * time.Millisecond)
	if used := t.cpuTime() - before; used > 30*time.Millisecond {
		t.failf("it used %v of the processor's time while it could do nothing", used)
	}
}

// cpuTime is the time that the server has used of the processor's, by the clock
// that clock_getcpuclockid names.
func (t *trial) cpuTime() time.Duration {
	if t.failed() {
		return 0
	}
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^t.server.Pid)<<3|2, &used); err != nil {
		t.fail(err)
	}
	return time.Duration(used.Nano())
}

// limitDescriptors lets the server open only descriptors with lower numbers.
func (t *trial) limitDescriptors(old unix.Rlimit, below uint64) {
	if t.failed() {
		return
	}
	old.Cur = below
	if err := unix.Prlimit(t.server.Pid, unix.RLIMIT_NOFILE, &old, nil); err != nil {
		t.fail(err)
	}
}

// descriptors are the numbers of the server's open descriptors.
func (t *trial) descriptors() map[string]bool {
	numbers := map[string]bool{}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", t.server.Pid))
	if err != nil {
		t.fail(err)
	}
	for _, entry := range entries {
		numbers[entry.Name()] = true
	}
	return numbers
}

// lowestFree is the number that the next descriptor would get.
func (t *trial) lowestFree() uint64 {
	open := t.descriptors()
	n := uint64(0)
	for open[fmt.Sprint(n)] {
		n++
	}
	return n
}

// until waits until something is true that cannot be waited for.
func (t *trial) until(what string, isTrue func() bool) {
	patience := time.After(t.wait())
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !t.failed() && !isTrue() {
		select {
		case <-tick.C:
		case <-patience:
			t.failf("it never came that %s", what)
		}
	}
}

// narrow makes a socket, before it is connected, one that takes few bytes and
// wants them in small segments: with the large ones of the loopback, a window
// as small as that would open but now and then.
func narrow(_, _ string, c syscall.RawConn) (err error) {
	c.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10),
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536))
	})
	return err
}

// isRead waits until the server has read all that c has said.
func (c *client) isRead() {
	c.untilServer("has read all", func(fd int) bool {
		return kernel.Unread(fd) == 0 && received(fd) >= c.said
	})
}

// isStuck waits until the server leaves questions unread because answers to c
// are not taken, and nothing changes any more.
func (c *client) isStuck() {
	before := 0
	c.untilServer("is stuck", func(fd int) bool {
		now := received(fd) - kernel.Unread(fd)
		stuck := now == before && kernel.Unread(fd) > 0 && kernel.Unsent(fd) > 0
		before = now
		return stuck
	})
}

// received is how many bytes have come on a connection.
func received(fd int) int {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0
	}
	return int(info.Bytes_received)
}

// untilServer waits until something is true of the server's end of c.
func (c *client) untilServer(what string, isTrue func(fd int) bool) {
	c.until("the server "+what, func() (is bool) {
		err := c.server.EachDescriptor(func(fd int) {
			is = is || c.isOtherEnd(fd) && isTrue(fd)
		})
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
			c.skip(err.Error())
		} else if err != nil {
			c.fail(err)
		}
		return is
	})
}

// isOtherEnd tells whether fd is connected with c.
func (c *client) isOtherEnd(fd int) bool {
	peer, err := unix.Getpeername(fd)
	if err != nil {
		return false
	}
	inet4, ok := peer.(*unix.SockaddrInet4)
	return ok && inet4.Port == c.conn.LocalAddr().(*net.TCPAddr).Port
}

// A stop lets an answer that is being made go out.
func stopDuringAnswer(t *trial) {
	c := t.connect()
	c.say("Simple is better than?")
	c.isRead()
	t.signal(os.Interrupt)
	c.hear("Complex.")
	c.over()
	c.ends(c.Closed)
	t.exits(0)
}

// What was read is answered, or named in a line: nothing is lost.
func stopDuringAnswers(t *trial) {
	c := t.connect()
	c.say("Beautiful is better than?Explicit is better than?Simple is better than?")
	c.isRead()
	t.signal(syscall.SIGTERM)
	got, _ := c.rest()
	t.exits(0)
	line := strings.Join(about(c.addr, t.server.Output()), "")
	for _, entry := range table[:3] {
		if !strings.Contains(got, entry[1]) && !strings.Contains(line, entry[0]) && !t.failed() {
			t.failf("it neither answered nor named %s: %q, %q", entry[0], got, line)
		}
	}
}

// An answer that would take too long is cut short, and goes out.
func stopLongAnswer(t *trial) {
	c := t.connect()
	c.say("Simple is better than?")
	c.isRead()
	t.signal(syscall.SIGTERM)
	c.hear("Complex.")
	c.over()
	c.ends(c.Closed)
	t.exits(0)
}

// A second signal ends the server at once, with the status of a program that
// died of it. The server is held until both signals are there.
func secondSignal(t *trial) {
	c := t.connect()
	c.say("Simple is better than?")
	c.isRead()
	t.killed = true
	for _, signal := range []os.Signal{unix.SIGSTOP, os.Interrupt, syscall.SIGTERM, unix.SIGCONT} {
		t.signal(signal)
	}
	t.exits(128+int(unix.SIGINT), 128+int(unix.SIGTERM))
}

// A port below 1024 is refused to those who may not have it: to nobody, whom
// root can be.
func portNotPermitted(s Server) error {
	const port = 1
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil {
		if first, _ := strconv.Atoi(strings.TrimSpace(string(text))); first <= port {
			return fmt.Errorf("%w: here everybody may listen at every port", errSkipped)
		}
	}
	cmd := s.command("127.0.0.1", "-p", strconv.Itoa(port))
	if os.Getuid() == 0 {
		restore, err := asNobody(cmd)
		if err != nil {
			return err
		}
		defer restore()
	} else if listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
		listener.Close()
		return fmt.Errorf("%w: we may listen at every port", errSkipped)
	}
	err := s.givesUp(s.runCommand(cmd))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: this root cannot become nobody: %v", errSkipped, err)
	}
	return err
}

// asNobody has a command run as nobody, who cannot look into the folder of the
// programs, but runs what we have opened; and gives a program that is built for
// coverage a folder that nobody can write to.
func asNobody(cmd *exec.Cmd) (restore func(), err error) {
	program, err := os.Open(cmd.Path)
	if err != nil {
		return nil, err
	}
	coverage, err := os.MkdirTemp("", "nobody")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(coverage, 0o777); err != nil {
		return nil, err
	}
	cmd.Path = "/proc/self/fd/3"
	cmd.ExtraFiles = []*os.File{program}
	cmd.Env = append(cmd.Environ(), "GOCOVERDIR="+coverage)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return func() {
		program.Close()
		os.RemoveAll(coverage)
	}, nil
}

// A server announces where it listens, as it was asked for; one whose text
// announces nothing does so only if its port was given as 0.
func quiet(s Server) error {
	port, release, err := progtest.ReservePort()
	if err != nil {
		return err
	}
	defer release()
	cmd := s.command("127.0.0.1", "-p", port)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(s.wait(), func() { cmd.Process.Kill() })
	defer timer.Stop()
	err = s.visit(port)
	cmd.Process.Signal(syscall.SIGTERM)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return err
	}
	announced := strings.HasPrefix(stdout.String(), "Listening at ('127.0.0.1', "+port+")\n")
	if announced == s.Quiet {
		return fmt.Errorf("at a port that it was given, it printed:\n%s", &stdout)
	}
	return nil
}

// However a conversation ends, its descriptor is closed by the server, and not
// by the garbage collector when that finds it: here there is none.
func descriptorsAreClosed(s Server) error {
	command := s.command
	s.Command = func(args ...string) *exec.Cmd {
		cmd := command(args...)
		cmd.Env = append(cmd.Environ(), "GOGC=off")
		return cmd
	}
	return serving(func(t *trial) {
		c := t.connect()
		c.asks()
		open := len(t.descriptors())
		c.leaves()
		half(t)
		reset(t)
		tooLong(t)
		t.until("all descriptors are closed", func() bool { return len(t.descriptors()) == open-1 })
	})(s)
}

// visit has a question answered at a port where a server may not listen yet.
func (s Server) visit(port string) error {
	var conn net.Conn
	var err error
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for giveUp := time.Now().Add(s.wait()); time.Now().Before(giveUp); <-tick.C {
		if conn, err = net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(s.wait()))
	io.WriteString(conn, "Simple is better than?")
	answer := make([]byte, len("Complex."))
	_, err = io.ReadFull(conn, answer)
	return err
}
