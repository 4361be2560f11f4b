package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
)

// helper is an environment variable. A test runs the test program once more with it
// set to the name of a function below, as the first process of new namespaces.
const helper = "PLAYGROUND_TEST"

var helpers = map[string]func() error{
	"nothing":         func() error { return nil },
	"mount":           ownProc,
	"KILL":            func() error { return endBy(unix.SIGKILL) },
	"TERM":            func() error { return endBy(unix.SIGTERM) },
	"HUP":             func() error { return endBy(unix.SIGHUP) },
	"deny namespaces": func() error { return denied(denyNamespaces) },
	"deny mounts":     func() error { return denied(denyMounts) },
	"allow none":      allowNone,
	"hide":            hide,
	"share mounts":    shareMounts,
	"AppArmor":        func() error { return forbidUsers("apparmor_restrict_unprivileged_userns", "1") },
	"only root":       func() error { return forbidUsers("unprivileged_userns_clone", "0") },
}

func becomeHelper() {
	name, ok := os.LookupEnv(helper)
	if !ok {
		return
	}
	os.Unsetenv(helper)
	if err := helpers[name](); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// inside returns the command of a helper in namespaces of its own, where it is root.
func inside(t *testing.T, name string, namespaces uintptr) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), helper+"="+name, "TMPDIR="+t.TempDir())
	if namespaces != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWUSER | namespaces,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		}
	}
	return cmd
}

// ordinary makes the user of a command's namespaces an ordinary one, who may still
// mount.
func ordinary(cmd *exec.Cmd) {
	cmd.SysProcAttr.UidMappings[0].ContainerID, cmd.SysProcAttr.GidMappings[0].ContainerID = 1000, 1000
	cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
}

// withAllUsers gives a command's namespaces all the users of this one. It reports
// false if it cannot, because this user is not root or is the only user.
func withAllUsers(t *testing.T, cmd *exec.Cmd) bool {
	t.Helper()
	all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
	set := func(cmd *exec.Cmd) {
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = all, all
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
	}
	probe := inside(t, "nothing", unix.CLONE_NEWNS)
	set(probe)
	set(cmd)
	return probe.Run() == nil
}

// needsNamespaces skips a test where the kernel does not grant what a playground
// needs. It asks the kernel, because a playground that does not start must fail the
// test.
func needsNamespaces(t *testing.T) {
	t.Helper()
	const all = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	if out, err := inside(t, "mount", all).CombinedOutput(); err != nil {
		t.Skipf("the kernel does not grant namespaces: %v\n%s", err, out)
	}
}

// ownProc shows the processes of this namespace in /proc.
func ownProc() error {
	return errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("proc", "/proc", "proc", 0, ""))
}

// runPlayground replaces this process with a playground.
func runPlayground() error {
	return syscall.Exec(filepath.Join(os.Getenv("PLAYGROUND_BIN"), "playground"), []string{"playground", "h1", "true"}, os.Environ())
}

// allowNone runs a playground where the system allows no user namespaces.
func allowNone() error {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	return runPlayground()
}

// hide runs a playground where a part of /proc is hidden.
func hide() error {
	err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("tmpfs", "/proc/sys", "tmpfs", 0, ""))
	if err != nil {
		return err
	}
	return runPlayground()
}

// shareMounts runs a playground where /proc shows the processes of another namespace,
// and where what a child mounts appears here as well. None of the playground's mounts
// may do so.
func shareMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return err
	}
	before, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return err
	}
	if self, err := os.Readlink("/proc/self"); err != nil || self == strconv.Itoa(os.Getpid()) {
		return fmt.Errorf("/proc shows this namespace: %s is here (%v)", self, err)
	}
	out, err := exec.Command(filepath.Join(os.Getenv("PLAYGROUND_BIN"), "playground"), "h1", "hostname").CombinedOutput()
	if err != nil || string(out) != "h1\n" {
		return fmt.Errorf("it printed %q (%v)", out, err)
	}
	after, err := os.ReadFile("/proc/thread-self/mountinfo")
	if !bytes.Equal(before, after) {
		return fmt.Errorf("mounts were\n%s\nand are\n%s (%v)", before, after, err)
	}
	return nil
}

// forbidUsers runs a playground where a setting says that ordinary users may not be
// root in namespaces of their own. Not every kernel has the setting, so we show one and
// enforce it with a filter.
func forbidUsers(setting, value string) error {
	const kernel = "/proc/sys/kernel"
	err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("tmpfs", kernel, "tmpfs", 0, ""),
		os.WriteFile(filepath.Join(kernel, setting), []byte(value+"\n"), 0o644))
	if err != nil {
		return err
	}
	return denied(denyMounts)
}

// The filters are those that a container's runtime would set: they forbid system
// calls with EPERM.
var (
	denyNamespaces = []unix.SockFilter{
		load(0), jump(unix.SYS_CLONE3, 0, 1), result(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)),
		jump(unix.SYS_UNSHARE, 3, 0), jump(unix.SYS_CLONE, 0, 3),
		load(16), {Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.CLONE_NEWUSER, Jf: 1},
		result(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)), result(unix.SECCOMP_RET_ALLOW),
	}
	denyMounts = []unix.SockFilter{
		load(0), jump(unix.SYS_MOUNT, 0, 1),
		result(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)), result(unix.SECCOMP_RET_ALLOW),
	}
)

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jump(number uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jt: yes, Jf: no}
}

func result(what uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
}

// denied runs a playground under a filter.
func denied(filter []unix.SockFilter) error {
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return runPlayground()
}

// endBy ends one playground after another. The first ends when its shell exits, each of
// the others when another of its processes gets a signal. PLAYGROUND_FROM is the index
// of the first of these processes, and PLAYGROUND_EVERY the step to the next. Each
// time, no process, socket or file may be left, and at the end no namespace or mount.
func endBy(signal syscall.Signal) error {
	if err := ownProc(); err != nil {
		return err
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	names, err := oneEnd("", 0)
	if err != nil {
		return fmt.Errorf("its shell exited: %w", err)
	}
	if len(names) < len(playground.Hosts)+4 {
		return fmt.Errorf("it has only the processes %q", names)
	}
	every, err := strconv.Atoi(os.Getenv("PLAYGROUND_EVERY"))
	if err != nil {
		return err
	}
	from, err := strconv.Atoi(os.Getenv("PLAYGROUND_FROM"))
	if err != nil {
		return err
	}
	for i := from; i < len(names); i += every {
		if _, err := oneEnd(names[i], signal); err != nil {
			return fmt.Errorf("%s got %v: %w", names[i], signal, err)
		}
	}
	if err := freed(); err != nil {
		return err
	}
	now, err := os.ReadFile("/proc/self/mounts")
	if !bytes.Equal(now, mounts) {
		return fmt.Errorf("mounts were\n%s\nand are\n%s (%v)", mounts, now, err)
	}
	return nil
}

// freed waits until the kernel has freed all user namespaces that this process's one
// owns. The kernel frees namespaces a little after their last process has died, and
// a user namespace after all that it owns. So freed allows only one user namespace
// and tries to create it.
func freed() error {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("1"), 0); err != nil {
		return err
	}
	for deadline := time.Now().Add(progtest.Patience); ; {
		probe := exec.Command("true")
		probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
		err := probe.Run()
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.ENOSPC) || time.Now().After(deadline) {
			return fmt.Errorf("namespaces are left: %w", err)
		}
		<-time.After(time.Millisecond)
	}
}

// oneEnd brings up a playground and ends it: it sends a signal to the process that
// has the name, if there is one, and ends the shell. It returns the names of the
// playground's processes.
func oneEnd(name string, signal syscall.Signal) (names []string, err error) {
	deadline := time.Now().Add(progtest.Patience)
	var stderr bytes.Buffer
	cmd := exec.Command(filepath.Join(os.Getenv("PLAYGROUND_BIN"), "playground"),
		"h1", fmt.Sprintf("[ $(id -u brandon) = %s ] || { id brandon >&2; exit; }; echo up; sleep 1000 & cat", os.Getenv("PLAYGROUND_BRANDON")))
	cmd.Stderr = &stderr
	cmd.WaitDelay = progtest.Patience // if a surviving process keeps stderr open
	stdin, stdout, err := startWithPipes(cmd)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("up\n"))); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, fmt.Errorf("the next one does not start: %s", stderr.Bytes())
	}
	for _, p := range processes() {
		names = append(names, p.name)
		if p.name == name {
			syscall.Kill(p.pid, signal)
		}
	}
	stdin.Close()
	cmd.Wait() // its error says how it ended
	for {
		for { // as the first process of this namespace, we inherit orphans
			if pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 {
				break
			}
		}
		left := processes()
		if left == nil {
			break
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("these processes are left: %v", left)
		}
		<-time.After(time.Millisecond)
	}
	sockets, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(sockets), "playground") {
		return nil, fmt.Errorf("a socket is left:\n%s", sockets)
	}
	if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) > 0 {
		return nil, fmt.Errorf("files are left: %v (%v)", files, err)
	}
	return names, nil
}

type process struct {
	pid  int
	name string // its command line
}

// processes returns all processes but this one.
func processes() (all []process) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err != nil {
			continue // it has ended
		}
		all = append(all, process{pid, strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))})
	}
	slices.SortFunc(all, func(a, b process) int { return cmp.Compare(a.name, b.name) })
	return all
}
