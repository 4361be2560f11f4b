package literate

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A test that runs itself once more with this variable set becomes the program
// that the variable names, on a network of its own.
const becomes = "FOPNP_LITERATE_BECOMES"

// Main must be the first thing that TestMain calls. A session runs the test
// program once more, to bring its network up from inside before bash starts;
// there Main does not return. Everywhere else it returns at once.
func Main() {
	calledMain = true
	program := os.Getenv(becomes)
	if program == "" {
		return
	}
	os.Unsetenv(becomes)
	runtime.LockOSThread() // Prctl speaks of the thread, and it must be the one that goes on
	err := loopbackUp()
	if err == nil {
		err = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) // see launch
	}
	if err == nil {
		err = syscall.Exec(program, os.Args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "literate:", err)
	os.Exit(1)
}

// loopbackUp does what "ip link set lo up" does. The addresses 127.0.0.1 and ::1
// come with it.
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

// isolate has cmd run on a network of its own, if the kernel grants one, and
// reports whether it does.
func isolate(cmd *exec.Cmd, shared bool) bool {
	if attr := granted(); attr != nil && !shared {
		enter(cmd, attr)
		return true
	}
	ownGroup(cmd)
	return false
}

// granted returns how to get a network namespace, or nil if there is none to be
// had. A namespace of processes goes with it: its first process is bash, and
// when bash is killed the kernel kills all that it has left behind.
var granted = sync.OnceValue(func() *syscall.SysProcAttr {
	const alone = syscall.CLONE_NEWNET | syscall.CLONE_NEWPID
	for _, attr := range []*syscall.SysProcAttr{
		{ // as anybody
			Cloneflags:  alone | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		},
		{Cloneflags: alone}, // as root, where users may not have namespaces
	} {
		attr.Setpgid = true
		trial := exec.Command("bash", "--norc", "--noprofile", "-c", "exit")
		enter(trial, attr)
		if trial.Run() == nil {
			return attr
		}
	}
	return nil
})

// enter has cmd started by way of Main, in the namespaces of attr.
func enter(cmd *exec.Cmd, attr *syscall.SysProcAttr) {
	cmd.Env = append(cmd.Environ(), becomes+"="+cmd.Path)
	cmd.Path = "/proc/self/exe"
	cmd.SysProcAttr = attr
}

// waitingSockets returns the TCP sockets that listen and the UDP sockets that
// take datagrams from anybody, by inode, on the network of a process.
func waitingSockets(pid int) map[string]bool {
	const listening, unconnected = "0A", "07" // states, as tcp(7) has them
	sockets := map[string]bool{}
	for table, state := range map[string]string{
		"tcp": listening, "tcp6": listening, "udp": unconnected, "udp6": unconnected,
	} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(text)) {
			// sl local_address rem_address st queues timer retrnsmt uid timeout inode
			if f := strings.Fields(line); len(f) > 9 && f[3] == state {
				sockets[f[9]] = true
			}
		}
	}
	return sockets
}
