package conform

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
)

var kernelChecks = slices.Concat([]Check{
	Alone("out of descriptors", outOfDescriptors),
	{Name: "descriptors are closed", Run: descriptorsAreClosed},
	{Name: "port not permitted", Run: portNotPermitted},
	{Name: "quiet", Run: quiet},
}, Unread)

// narrow gives a socket small buffers and small segments. With loopback's large
// segments, a small window would open only now and then.
func narrow(_, _ string, c syscall.RawConn) (err error) {
	c.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, 16<<10),
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536))
	})
	return err
}

// serverSide returns the server's side of c, whichever process has it.
func (c *Client) serverSide() kernel.Side {
	ours := c.conn.LocalAddr().(*net.TCPAddr).AddrPort()
	theirs := c.conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	side, err := kernel.SideOf(theirs, ours)
	if err == kernel.ErrNoSide {
		return kernel.Side{Closed: true}
	} else if err != nil {
		c.Skip(err.Error())
	}
	return side
}

// WaitUntilRead waits until the server has read all that c has sent.
func (c *Client) WaitUntilRead() {
	c.Until("the server has read all", func() bool {
		side := c.serverSide()
		return side.Unread == 0 && side.Received >= uint64(c.sent.Load())
	})
}

// AwaitArrival waits until the server's kernel has all that c has sent, whether
// the server has read it or not.
func (c *Client) AwaitArrival() {
	c.Until("everything that the client sent has arrived", func() bool { return c.serverSide().Received == uint64(c.sent.Load()) })
}

// progress is how much a server had read from its client when it last seemed
// able to go on, and when that was.
type progress struct {
	read  uint64 // bytes
	since time.Time
}

// see looks at the server's side of c, and reports whether the server is stuck and
// whether it has read all that has come.
//
// A stuck server can neither send to c nor go on reading. Its send buffer is full,
// there is something to read, and it has read nothing for a while. The kernel has
// also probed the client's window and found it closed. After the first such
// answer, the kernel may enlarge the send buffer, and then the server goes on.
func (p *progress) see(c *Client) (isStuck, hasReadAll bool) {
	side := c.serverSide()
	read := side.Received - uint64(side.Unread)
	if read != p.read || !side.Full || !side.Denied || side.Unread == 0 {
		*p = progress{read, time.Now()}
	}
	return time.Since(p.since) >= 20*time.Millisecond, side.Unread == 0
}

// getsStuck waits until the server has read all that has come, or is stuck, and
// reports whether it is stuck.
func (c *Client) getsStuck(_ bool) (isStuck bool) {
	var p progress
	c.Until("the server has read all, or is stuck", func() bool {
		var hasReadAll bool
		isStuck, hasReadAll = p.see(c)
		return isStuck || hasReadAll
	})
	return isStuck
}

// Segments returns how many segments with data c has received.
func (c *Client) Segments() (n int) {
	if c.Failed() {
		return 0
	}
	raw, err := c.conn.SyscallConn()
	if err != nil {
		c.Fail(err)
		return 0
	}
	raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			c.Fail(err)
			return
		}
		n = int(info.Data_segs_in)
	})
	return n
}

// servers returns the processes that serve clients.
func (t *Trial) servers() (pids []int) {
	if !t.Children {
		return []int{t.process.Pid}
	}
	return kernel.Children(t.process.Pid)
}

// server returns the only process that serves clients.
func (t *Trial) server() int {
	pids := t.servers()
	if len(pids) != 1 && !t.Failed() {
		t.Failf("%d processes serve clients, want 1", len(pids))
	}
	if t.Failed() {
		return 0
	}
	return pids[0]
}

// MemoryBounded fails the trial if a process that serves clients has ever had
// 64 MiB of memory or more.
func (t *Trial) MemoryBounded() {
	for _, pid := range t.servers() {
		if kib := t.status(pid, "VmHWM"); kib >= 64<<10 {
			t.Failf("it had %d KiB of memory", kib)
		}
	}
}

// Resident returns the memory, in KiB, that the processes that serve clients have
// written to.
func (t *Trial) Resident() (kib int) {
	for _, pid := range t.servers() {
		kib += t.status(pid, "RssAnon")
	}
	return kib
}

// status is kernel.Status.
func (t *Trial) status(pid int, key string) int {
	n, err := kernel.Status(pid, key)
	switch {
	case errors.Is(err, os.ErrNotExist) && t.Children: // it has served its client
	case err != nil && t.ServesOne: // so has this one, perhaps
	case errors.Is(err, os.ErrNotExist):
		t.Fail(err)
	case err != nil:
		t.Skip(err.Error()) // this kernel does not report it
	}
	return n
}

// When accept fails because no descriptor is left, the server reports it once
// per episode, does not spin, and goes on when it can.
func outOfDescriptors(t *Trial) {
	c := t.begin() // now there is a process that serves
	for episode := 1; episode <= 2 && !t.Failed(); episode++ {
		if episode > 1 {
			c = t.begin() // now all descriptors that the server needs are open
		}
		if t.AtOnce == 1 {
			open := len(t.descriptors())
			c.end()
			t.untilOpen(open - 1)
		}
		idle := len(t.descriptors())
		feed := t.Starve()
		next := t.Connect()
		next.Send(next.Ask)
		t.AwaitComplaint(episode)
		if t.AtOnce != 1 && !t.Once {
			c.Exchange()
		}
		t.DoesNotSpin()
		feed()
		next.Hear(next)
		t.AwaitComplaint(episode)
		if t.AtOnce == 1 || t.Once { // otherwise next keeps its descriptor
			next.Leave()
			t.untilOpen(idle)
		}
	}
}

// Starve keeps the server from opening more descriptors until feed is called.
// Meanwhile, no other check may use the server.
func (t *Trial) Starve() (feed func()) {
	var old unix.Rlimit
	pid := t.server()
	if t.Failed() {
		return func() {}
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fail(err)
		return func() {}
	}
	t.limitDescriptors(old, t.lowestFree())
	return func() { t.limitDescriptors(old, old.Cur) }
}

// AwaitComplaint waits until the server has said n times that it is out of
// descriptors. It must not have said so more often.
func (t *Trial) AwaitComplaint(n int) {
	t.WaitFor(fmt.Sprintf(`(?:(?s:.*)%s\n){%d}`, t.complaint(), n))
	if said := strings.Count(t.Output(), "too many open files"); said != n && !t.Failed() {
		t.Failf("it said %d times in %d episodes that it was out of descriptors", said, n)
	}
}

// Waiting returns how many of the bytes that the server has to send to c it
// still holds itself: those that are neither in the kernel's buffers nor
// received. Sent is how many there are in all since the connection began.
func (c *Client) Waiting(sent int) int {
	if c.Failed() {
		return 0
	}
	waiting, err := kernel.Waiting(c.conn.RemoteAddr().(*net.TCPAddr).AddrPort(), c.Addr(), sent)
	if err != nil {
		c.Fail(err)
	}
	return waiting
}

// Full reports whether the kernel has no room for more that the server has to
// send to c. Until then, the bytes that Waiting counts may only be on their
// way.
func (c *Client) Full() bool { return c.serverSide().Full }

// ServerClosed reports whether the server has closed its side of the
// connection. The kernel may still have something to send.
func (c *Client) ServerClosed() bool { return c.serverSide().Closed }

// begin begins a conversation that the server keeps open until end is called.
func (t *Trial) begin() *Client {
	c := t.Connect()
	if c.Once {
		c.Until("the server accepts", func() bool { return c.serverSide().Inode != 0 })
	} else {
		c.Exchange()
	}
	return c
}

// end ends a conversation of begin.
func (c *Client) end() {
	if c.Once {
		c.Exchange()
	}
	c.Leave()
}

// untilOpen waits until the server has n open descriptors.
func (t *Trial) untilOpen(n int) {
	t.Until("all descriptors are closed", func() bool { return len(t.descriptors()) == n })
}

// DoesNotSpin gives the server some time and fails the trial unless the server
// uses next to no CPU time meanwhile.
func (t *Trial) DoesNotSpin() {
	before := t.cpuTime()
	<-time.After(300 * time.Millisecond)
	if used := t.cpuTime() - before; used > 30*time.Millisecond {
		t.Failf("it used %v of CPU time while it could do nothing", used)
	}
}

// cpuTime returns the CPU time that the server has used.
func (t *Trial) cpuTime() time.Duration {
	pid := t.server()
	if t.Failed() {
		return 0
	}
	used, err := kernel.CPU(pid)
	if err != nil {
		t.Fail(err)
	}
	return used
}

// limitDescriptors lets the server open only descriptors with numbers lower
// than below.
func (t *Trial) limitDescriptors(old unix.Rlimit, below uint64) {
	pid := t.server()
	if t.Failed() {
		return
	}
	old.Cur = below
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &old, nil); err != nil {
		t.Fail(err)
	}
}

// NumDescriptors returns how many descriptors the server has open.
func (t *Trial) NumDescriptors() int { return len(t.descriptors()) }

// descriptors returns the numbers of the server's open descriptors.
func (t *Trial) descriptors() []int {
	numbers, err := kernel.Descriptors(t.server())
	if err != nil {
		t.Fail(err)
	}
	return numbers
}

// lowestFree returns the number that the next descriptor would get.
func (t *Trial) lowestFree() uint64 {
	open := t.descriptors()
	n := 0
	for slices.Contains(open, n) {
		n++
	}
	return uint64(n)
}

// However a conversation ends, the server closes its descriptor. It does not
// leave that to the garbage collector, which is off here.
func descriptorsAreClosed(s Server) error {
	return serving(func(t *Trial) {
		c := t.begin()
		open := len(t.descriptors())
		c.end()
		if t.Unfinished != "" {
			half(t)
		}
		reset(t)
		if t.Longest >= 0 {
			tooLong(t)
		}
		t.untilOpen(open - 1)
	})(s.With("GOGC=off"))
}

// A server gives up if its user may not listen at its port. If we are root, the
// server runs as the user nobody.
func portNotPermitted(s Server) error {
	const port = 1
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil {
		if first, _ := strconv.Atoi(strings.TrimSpace(string(text))); first <= port {
			return fmt.Errorf("%w: every user may listen at every port here", ErrSkipped)
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
		return fmt.Errorf("%w: we may listen at every port", ErrSkipped)
	}
	err := s.givesUp(s.runCommand(cmd))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: this root cannot become the user nobody: %v", ErrSkipped, err)
	}
	return err
}

// asNobody prepares a command to run as the user nobody. That user cannot look
// into the folder of the programs, but can run a program that we have opened. A
// program built for coverage gets a folder that every user can write to.
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

// A server announces where it listens, with the host as it was given. A quiet
// server, whose original announces nothing, does so only if its port was given
// as 0.
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
	err = s.exchangeAt(port)
	cmd.Process.Signal(syscall.SIGTERM)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return err
	}
	announced := strings.HasPrefix(stdout.String(), s.announcement("127.0.0.1", port)+"\n")
	if announced == s.Quiet {
		return fmt.Errorf("at a port that it was given, it printed:\n%s", &stdout)
	}
	return nil
}

// exchangeAt sends a request to a port where the server may not listen yet, and
// receives the answer.
func (s Server) exchangeAt(port string) error {
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
	c := newClient(&Trial{Server: s}, conn.(*net.TCPConn))
	c.Exchange()
	return c.err
}
