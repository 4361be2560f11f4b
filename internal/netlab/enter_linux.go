package netlab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"fopnp/internal/netns"
)

// Environment variables that apply to a whole network.
const (
	// networkName names the network. It lets a user run more than one at a time.
	networkName = "PLAYGROUND"
	// ownPrograms makes the hosts prefer our programs to the machine's, unless it
	// is "".
	ownPrograms = "PLAYGROUND_OWN"
	// coverage is the folder where programs that were built with -cover leave which of
	// their lines ran. Without it, they complain to stderr.
	coverage = "GOCOVERDIR"
)

var programs map[string]Program // set by Main

// Main must be the first call in the main function of a program that calls
// [Lab.Enter]. In the processes that make up the network, and in those that run the
// hosts' own programs, it does not return. Everywhere else it returns at once. The
// table and the programs must be the same in all processes.
func Main(l *Lab, own map[string]Program) {
	programs = own
	name := filepath.Base(os.Args[0])
	switch {
	case name == worldName:
		runWorld(l)
	case name == hostName && os.Getpid() == 1:
		runHost(l, os.Args[1])
	case own[name] != nil:
		os.Exit(own[name](os.Args[1:]))
	}
}

// Enter runs a command on a host, or a shell if there is no command, and returns
// its exit status. A command of one word is a line for the shell; more words are a
// program and its arguments. The host is on the network that the user has brought
// up, or on a new one, which ends before Enter returns.
//
// The command reads and writes this process's standard files. If standard input and
// output are a terminal, and this process is in its foreground, the command gets its
// own terminal of the same size, and Ctrl-C goes there. In the background of a
// terminal, the command gets no input.
//
// Enter returns an error if the table contradicts itself. If the system forbids what a
// network needs, the error is a [*netns.Refusal].
func (l *Lab) Enter(h *Host, command []string) (status int, err error) {
	r := request{Host: h.Short(), Dir: workingFolder(), Env: terminalEnv()}
	for _, word := range command {
		r.Command = append(r.Command, []byte(word))
	}
	files := [3]*os.File{os.Stdin, os.Stdout, os.Stderr}
	switch {
	case !term.IsTerminal(0):
	case inBackground():
		// The host's programs are not under this terminal's job control, so they would
		// take what the user types for the shell.
		if files[0], err = os.Open(os.DevNull); err != nil {
			return 1, err
		}
		defer files[0].Close()
	case term.IsTerminal(1):
		r.Terminal = windowSize()
	}
	const attempts = 10
	var a answer
	var started bool
	for range attempts {
		// Our network may end just when we join it. Then we join the next one.
		if a, started, err = l.enter(r, files); started || !hasEnded(err) {
			break
		}
	}
	switch {
	case hasEnded(err):
		return 1, fmt.Errorf("%s: the network has ended", h.Short())
	case err != nil:
		return 1, err
	case a.Error != "":
		return 1, fmt.Errorf("%s: %s", h.Short(), a.Error)
	}
	return a.Status, nil
}

// enter sends a request for a login to the network, and returns the last answer when
// the command has ended. Started reports whether the host has, perhaps, started the
// command.
func (l *Lab) enter(r request, files [3]*os.File) (a answer, started bool, err error) {
	client, end, err := l.join(aLittle())
	if err != nil {
		return a, false, err
	}
	defer end()
	defer client.Close()
	var received []*os.File // the command's terminal, if it has one of its own
	if err = client.send(r, files[:]...); err == nil {
		received, err = client.receive(&a)
	}
	if started = err == nil && a.Started; started {
		a, err = converse(client, received)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", r.Host, err)
	}
	return a, started, err
}

// hasEnded reports whether an error means that the process at the other end of a
// control socket has ended.
func hasEnded(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
}

// Wire returns the state of all wires, one line each, or only that of the wire that
// words[0] names. If there are more words, they are the new quality of that wire: see
// [ParseQuality]. The error is [ErrNotUp] if no network is up. It matches [ErrUsage]
// if the words are wrong.
func (l *Lab) Wire(words []string) (string, error) {
	client, err := dial()
	if errors.Is(err, unix.ECONNREFUSED) {
		return "", ErrNotUp
	}
	if err != nil {
		return "", err
	}
	defer client.Close()
	var a answer
	if err = client.send(request{Wires: true, Wire: words}); err == nil {
		_, err = client.receive(&a)
	}
	switch {
	case hasEnded(err):
		return "", ErrNotUp
	case err != nil:
		return "", err
	case a.Usage:
		return "", usageError(a.Error)
	case a.Error != "":
		return "", errors.New(a.Error)
	}
	return a.Text, nil
}

// A usageError is an ErrUsage that says what was wrong.
type usageError string

func (e usageError) Error() string      { return string(e) }
func (usageError) Is(target error) bool { return target == ErrUsage }

// patience is how long a process waits for another one that has taken the name of the
// network, but cannot be reached yet.
const patience = 10 * time.Second

// errTaken means that another process has taken the name of the network, but cannot be
// reached. It has just begun, or it is no network.
var errTaken = fmt.Errorf("another program has taken the name of your network; set %s to another name", networkName)

// join connects to the network that the user has brought up. If there is none, join
// brings one up, and end ends it. After errTaken, join calls wait and tries again if
// that returns true.
func (l *Lab) join(wait func() bool) (client control, end func(), err error) {
	for {
		client, end, err = l.tryToJoin()
		if !errors.Is(err, errTaken) || !wait() {
			return client, end, err
		}
	}
}

// aLittle returns a function that waits a little. It returns false once it has been
// called for longer than patience.
func aLittle() func() bool {
	begun := time.Now()
	return func() bool {
		time.Sleep(time.Millisecond)
		return time.Since(begun) < patience
	}
}

func (l *Lab) tryToJoin() (client control, end func(), err error) {
	if client, err = dial(); err == nil {
		return client, func() {}, nil
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return control{}, nil, err
	}
	// The process that gets the name brings the network up. Others wait for it.
	at, err := address()
	if err != nil {
		return control{}, nil, err
	}
	door, err := net.ListenUnix("unixpacket", at)
	if errors.Is(err, unix.EADDRINUSE) {
		return control{}, nil, errTaken
	}
	if err != nil {
		return control{}, nil, err
	}
	end, err = l.up(door)
	door.Close() // the world has its own copy
	if err != nil {
		return control{}, nil, err
	}
	if client, err = dial(); err != nil {
		end()
		return control{}, nil, err
	}
	return client, end, nil
}

// address returns where the user's other processes find the network: an abstract
// socket, which leaves nothing behind. It returns an error if the network's name,
// which is part of the address, is too long.
func address() (*net.UnixAddr, error) {
	const longest = len(unix.RawSockaddrUnix{}.Path) - 1
	prefix := fmt.Sprintf("@fopnp-playground-%d-", os.Geteuid())
	name := os.Getenv(networkName)
	if most := longest - len(prefix); len(name) > most {
		return nil, fmt.Errorf("the name in %s has %d bytes, but may have only %d", networkName, len(name), most)
	}
	return &net.UnixAddr{Net: "unixpacket", Name: prefix + name}, nil
}

// dial connects to the network that this process is on, or else to the one that the
// user has brought up. If there is none, the error is [unix.ECONNREFUSED].
func dial() (control, error) {
	if c, err := net.Dial("unixpacket", "/playground/run/control"); err == nil {
		return control{c.(*net.UnixConn)}, nil
	}
	at, err := address()
	if err != nil {
		return control{}, err
	}
	c, err := net.DialUnix("unixpacket", nil, at)
	if err != nil {
		return control{}, err
	}
	if client := (control{c}); client.sameUser() {
		return client, nil
	}
	c.Close()
	return control{}, errors.New("another user has taken the name of your network")
}

// up brings a network up. The network's first process, the world, accepts the clients
// of the door. So they can join even while this process is stopped, and no client
// joins a network whose world has ended.
func (l *Lab) up(door *net.UnixListener) (end func(), err error) {
	if err := l.Check(); err != nil {
		return nil, fmt.Errorf("the table of hosts: %w", err)
	}
	config, err := newConfig()
	if err != nil {
		return nil, err
	}
	// The kernel kills the world when this thread ends, so the thread must last as
	// long as the process.
	runtime.LockOSThread()
	if err := ownProc(); err != nil {
		return nil, netns.Explain(err)
	}
	world, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	doorFile, err := door.File()
	if err != nil {
		world.Close()
		theirs.Close()
		return nil, err
	}
	defer doorFile.Close()
	first := worldCommand(theirs)
	err = first.Start()
	theirs.Close()
	if err != nil {
		world.Close()
		return nil, netns.Explain(err)
	}
	end = func() {
		world.Close()
		first.Process.Kill()
		first.Wait() // the error only says that it was killed
	}
	var a answer
	if err = world.send(config, doorFile); err == nil {
		_, err = world.receive(&a)
	}
	if err == nil && !a.Ready {
		err = errors.New(a.Error)
	}
	if err != nil {
		end()
		return nil, netns.Explain(err)
	}
	return end, nil
}

// worldCommand returns the command of the network's first process, which gets its
// orders from a control socket.
func worldCommand(orders *os.File) *exec.Cmd {
	uids, gids, setgroups := mappings()
	return &exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       []string{worldName},
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{orders},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:                 namespaces,
			UidMappings:                uids,
			GidMappings:                gids,
			GidMappingsEnableSetgroups: setgroups,
			Pdeathsig:                  unix.SIGKILL,
			Setpgid:                    true, // so Ctrl-C does not end it
		},
	}
}

// namespaces are the namespaces of the world.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID |
	unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// ownProc makes sure that /proc shows the calling thread's children under the numbers
// by which the thread knows them. If a process namespace still shows the /proc of
// another one, as after unshare --pid, the same numbers stand for other
// processes there.
func ownProc() error {
	self, err := os.Readlink("/proc/self")
	if err != nil || self == fmt.Sprint(os.Getpid()) {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	return mountProc()
}

// mappings returns the users and groups of the network. A network that root brings up
// has all the users of the machine, with the same numbers. Any other network has a
// single user, who is root there.
func mappings() (uids, gids []syscall.SysProcIDMap, all bool) {
	setgroups, _ := os.ReadFile("/proc/self/setgroups")
	if os.Geteuid() == 0 && mayChangeUsers() && strings.TrimSpace(string(setgroups)) == "allow" {
		uids, gids = sameNumbers("/proc/self/uid_map"), sameNumbers("/proc/self/gid_map")
		if covers(uids) && covers(gids) {
			return uids, gids, true
		}
	}
	return []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		[]syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}, false
}

// sameNumbers maps each number in a file such as uid_map to itself.
func sameNumbers(file string) (m []syscall.SysProcIDMap) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var here, above, size int
		if _, err := fmt.Sscan(lines.Text(), &here, &above, &size); err == nil {
			m = append(m, syscall.SysProcIDMap{ContainerID: here, HostID: here, Size: size})
		}
	}
	return m
}

// covers reports whether m contains 0 to 65534, the numbers that systems give to
// users.
func covers(m []syscall.SysProcIDMap) bool {
	known := 0
	for _, r := range m {
		if r.ContainerID <= known {
			known = max(known, r.ContainerID+r.Size)
		}
	}
	return known >= 65535
}

// mayChangeUsers reports whether this process may become any user.
func mayChangeUsers() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	const both = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	return data[0].Effective&both == both
}
