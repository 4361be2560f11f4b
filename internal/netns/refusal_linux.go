package netns

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// container is the remedy for what a container forbids.
const container = `in Docker, start the container with --privileged`

// Explain returns a [*Refusal] if err says that the kernel did not create a
// namespace, or did not let the process be root in it. It looks at the settings of
// the kernel for the cause. Otherwise it returns err.
func Explain(err error) error { return explain(err, "/proc", os.Geteuid() != 0) }

// explain is Explain with its inputs: the folder where /proc is, and whether the user
// is an ordinary one.
func explain(err error, proc string, ordinary bool) error {
	if !refused(err) {
		return err
	}
	setting := func(name string) string { // "" if the kernel does not have it
		value, _ := os.ReadFile(filepath.Join(proc, "sys", name))
		return strings.TrimSpace(string(value))
	}
	switch {
	case setting("user/max_user_namespaces") == "0":
		return &Refusal{err, "the system allows no user namespaces",
			"sudo sysctl user.max_user_namespaces=10000"}
	case strings.HasSuffix(err.Error(), unix.ENOSPC.Error()):
		return &Refusal{err, "there are as many namespaces as the system allows",
			"close what uses them, or raise the limits in /proc/sys/user"}
	case ordinary && setting("kernel/unprivileged_userns_clone") == "0":
		return &Refusal{err, "the system allows only root to create namespaces",
			"sudo sysctl kernel.unprivileged_userns_clone=1"}
	case ordinary && setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
		return &Refusal{err, "AppArmor allows only root to create namespaces, as on Ubuntu",
			"sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"}
	case strings.Contains(err.Error(), "mount /proc"):
		return &Refusal{err, "parts of /proc are hidden, as in a container", container}
	case filtered(proc):
		return &Refusal{err, "a filter for system calls forbids namespaces, as in a container", container}
	}
	return &Refusal{err, "the system does not let this process create namespaces", container}
}

// refused reports whether err may mean that the kernel refused namespaces. For an
// error from another process, only the text is known.
func refused(err error) bool {
	for _, errno := range []error{unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EUSERS, unix.EINVAL, unix.ENOSYS} {
		if errors.Is(err, errno) || err != nil && strings.HasSuffix(err.Error(), errno.Error()) {
			return true
		}
	}
	return false
}

// filtered reports whether a seccomp filter checks this process's system calls.
func filtered(proc string) bool {
	status, _ := os.ReadFile(filepath.Join(proc, "thread-self/status"))
	return strings.Contains(string(status), "\nSeccomp:\t2\n")
}
