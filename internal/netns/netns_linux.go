package netns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// firstEnv is an environment variable. Start runs the calling program once more
// with it set to "DESCRIPTOR PROGRAM". In that process, Main brings the
// loopback interface up, which works only from inside, and becomes PROGRAM. It
// reports to DESCRIPTOR, a pipe: a line feed before it becomes PROGRAM, and
// otherwise why it cannot.
const firstEnv = "FOPNP_NETNS"

// Main must be the first call of main, or of TestMain, in a program that calls
// [Start]. In the process that is to become the first one of a network it does
// not return. Everywhere else it returns at once.
func Main() {
	calledMain = true
	value, isFirst := os.LookupEnv(firstEnv)
	if !isFirst {
		return
	}
	os.Unsetenv(firstEnv)
	number, program, _ := strings.Cut(value, " ")
	fd, err := strconv.Atoi(number)
	if err != nil {
		fmt.Fprintf(os.Stderr, "netns: unexpected %s=%q\n", firstEnv, value)
		os.Exit(1)
	}
	unix.CloseOnExec(fd)
	report := os.NewFile(uintptr(fd), "report")
	if err := becomeFirst(report, program); err != nil {
		fmt.Fprintln(report, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// becomeFirst brings up the network and replaces the calling program with
// program. If program is "", it returns when the network is up.
func becomeFirst(report io.Writer, program string) error {
	runtime.LockOSThread() // the calls below apply to one thread, which then becomes program
	if SmallTables() == nil {
		// The kernel sizes the tables when it creates a network, so create another
		// one.
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("unshare", err)
		}
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bring up loopback: %w", err)
	}
	mountProc()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("prctl: %w", err)
	}
	// If the parent died before Prctl, no signal comes, but the pipe is broken.
	if _, err := io.WriteString(report, "\n"); err != nil {
		return err
	}
	if program == "" {
		return nil
	}
	// If our parent ignores Ctrl-C, as a script's background jobs do, we inherit
	// that, and program would, too. But a signal that we catch is not ignored after
	// exec.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, unix.SIGQUIT)
	return &os.PathError{Op: "exec", Path: program, Err: syscall.Exec(program, os.Args, os.Environ())}
}

// SmallTables gives each network that is created from the calling thread's network
// its own connection tables. Other networks share the machine's tables, which have
// room for hundreds of thousands of connections. To list the sockets of one
// network, the kernel walks through all of them, which takes a millisecond instead
// of microseconds. The error says that the kernel has no such setting or denies
// it.
//
// Source: tcp_child_ehash_entries and udp_child_hash_entries in ip-sysctl.rst of
// the kernel
func SmallTables() error {
	const ipv4 = "/proc/sys/net/ipv4/"
	if err := os.WriteFile(ipv4+"tcp_child_ehash_entries", []byte("1024"), 0); err != nil {
		return err
	}
	return os.WriteFile(ipv4+"udp_child_hash_entries", []byte("128"), 0)
}

// mountProc gives the calling thread mounts of its own, and a /proc that shows the
// processes of the network and no others. If the kernel does not allow it, as in
// some containers, the host's /proc stays.
func mountProc() {
	const private = unix.MS_REC | unix.MS_PRIVATE // the host does not see what we mount
	if unix.Unshare(unix.CLONE_NEWNS) != nil || unix.Mount("", "/", "", private, "") != nil {
		return
	}
	unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
}

// loopbackUp does what "ip link set lo up" does. The kernel then adds the
// addresses 127.0.0.1 and ::1.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, lo); err != nil {
		return err
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

func supported() error {
	_, err := namespaces()
	return err
}

// namespaces returns the attributes that create the namespaces of a network. It
// tries them out by creating some.
var namespaces = sync.OnceValues(func() (attr *syscall.SysProcAttr, err error) {
	const private = syscall.CLONE_NEWNET | syscall.CLONE_NEWPID
	for _, attr := range []*syscall.SysProcAttr{
		{ // as any user
			Cloneflags:  private | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		},
		{Cloneflags: private}, // as root, where the kernel denies them to users
	} {
		attr.Setpgid = true // so Ctrl-C at our terminal does not interrupt it
		trial := &exec.Cmd{}
		if err = enterWith(trial, attr); err == nil {
			trial.Process.Kill()
			trial.Wait() // its error says that it was killed
			return attr, nil
		}
	}
	return nil, fmt.Errorf("no private networks: %w (%w)", Explain(err), errors.ErrUnsupported)
})

// enter starts cmd in namespaces of its own and waits until its program runs. If
// leads is true, cmd leads a session whose terminal is cmd.Stdin.
func enter(cmd *exec.Cmd, leads bool) error {
	attr, err := namespaces()
	if err != nil {
		return err
	}
	if leads {
		leader := *attr
		leader.Setsid, leader.Setctty = true, true
		leader.Setpgid = false // a session begins with a process group of its own
		attr = &leader
	}
	return enterWith(cmd, attr)
}

func enterWith(cmd *exec.Cmd, attr *syscall.SysProcAttr) error {
	report, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer report.Close()
	fd := 3 + len(cmd.ExtraFiles)
	cmd.ExtraFiles = append(cmd.ExtraFiles[:len(cmd.ExtraFiles):len(cmd.ExtraFiles)], theirs)
	cmd.Env = append(cmd.Environ(), fmt.Sprintf("%s=%d %s", firstEnv, fd, cmd.Path))
	cmd.Path = "/proc/self/exe"
	cmd.SysProcAttr = attr
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	said, err := io.ReadAll(report) // until exec closes the other end
	if string(said) == "\n" {
		return nil
	}
	cmd.Process.Kill()
	cmd.Wait() // its error says that it was killed
	if why := strings.TrimSpace(string(said)); why != "" {
		return errors.New(why)
	}
	return fmt.Errorf("the first process ended before it reported (%v)", err)
}

// OpenTerminal returns both ends of a new terminal of 24 lines and 80 columns:
// ours, where keys are written and the screen is read, and that of a program.
// Reads from ours can have a deadline.
func OpenTerminal() (ours, theirs *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	ours = os.NewFile(uintptr(fd), "/dev/ptmx")
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		ours.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// Drain copies to w what can be read at once from ours, an end of a terminal from
// [OpenTerminal], even after its deadline. It stops after as many bytes as a terminal
// holds, because a program may still write.
func Drain(w io.Writer, ours *os.File) {
	raw, err := ours.SyscallConn()
	if err != nil {
		return // it is closed
	}
	const holds = 64 << 10 // the kernel's buffer, TTYB_DEFAULT_MEM_LIMIT
	buffer := make([]byte, 4096)
	for total := 0; total < holds; {
		n := 0
		err := raw.Control(func(fd uintptr) { n, _ = unix.Read(int(fd), buffer) })
		if err != nil || n <= 0 {
			return
		}
		if _, err := w.Write(buffer[:n]); err != nil {
			return
		}
		total += n
	}
}

// Listeners returns the sockets of the network that clients can reach: TCP
// sockets that listen, and UDP sockets that are not connected to one peer. It
// returns none when the first process has exited.
func (n *Network) Listeners() []Socket { return Listeners(n.Pid()) }

// Listeners returns the sockets that clients can reach on the network of a process,
// as [Network.Listeners] does. It returns none if the process has exited.
func Listeners(pid int) []Socket {
	const listening, unconnected = "0A", "07" // states, as in the kernel's tcp_states.h
	var sockets []Socket
	for table, state := range map[string]string{
		"tcp": listening, "tcp6": listening, "udp": unconnected, "udp6": unconnected,
	} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // a kernel without IPv6, or the process has exited
		}
		for line := range strings.Lines(string(text)) {
			// sl local_address rem_address st queues timer retrnsmt uid timeout inode
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != state {
				continue
			}
			_, port, _ := strings.Cut(f[1], ":")
			if number, err := strconv.ParseUint(port, 16, 16); err == nil {
				sockets = append(sockets, Socket{table, uint16(number), f[9]})
			}
		}
	}
	return sockets
}

// Runs reports whether the first process has a child that runs and has the process
// id pid on the network. If the kernel does not list children, Runs reports true
// as long as the first process runs.
func (n *Network) Runs(pid int) bool {
	folder := fmt.Sprintf("/proc/%d", n.Pid())
	children, err := os.ReadFile(fmt.Sprintf("%s/task/%d/children", folder, n.Pid()))
	if err != nil {
		_, err := os.Stat(folder)
		return err == nil
	}
	// The last process id is that on the innermost network. Z stands for zombie.
	runs := regexp.MustCompile(fmt.Sprintf(`(?s)\nState:\t[^Z].*\nNSpid:\t[^\n]*\b%d\n`, pid))
	for _, child := range strings.Fields(string(children)) {
		status, err := os.ReadFile("/proc/" + child + "/status")
		if err == nil && runs.Match(status) { // otherwise it has exited meanwhile
			return true
		}
	}
	return false
}
