package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Each cause that the kernel's settings show has a sentence and a remedy. Settings
// that bind only ordinary users are no cause for root.
func TestExplain(t *testing.T) {
	const (
		none     = "sys/user/max_user_namespaces"
		clone    = "sys/kernel/unprivileged_userns_clone"
		appArmor = "sys/kernel/apparmor_restrict_unprivileged_userns"
		status   = "thread-self/status"

		privileged = "in Docker, start the container with --privileged"
		filter     = "a filter for system calls forbids namespaces, as in a container"
	)
	usual := map[string]string{none: "63000", clone: "1", appArmor: "0", status: "Name:\tx\nSeccomp:\t0\nThreads:\t1\n"}
	mount := &fs.PathError{Op: "mount", Path: "/proc", Err: unix.EPERM}
	for _, test := range []struct {
		what          string
		file, content string // what differs from the usual settings
		err           error
		root          bool
		cause, remedy string
	}{
		{"no namespaces", none, "0", unix.ENOSPC, true,
			"the system allows no user namespaces", "sudo sysctl user.max_user_namespaces=10000"},
		{"no more namespaces", "", "", unix.ENOSPC, false,
			"there are as many namespaces as the system allows", "close what uses them, or raise the limits in /proc/sys/user"},
		{"Debian's setting", clone, "0", unix.EPERM, false,
			"the system allows only root to create namespaces", "sudo sysctl kernel.unprivileged_userns_clone=1"},
		{"Debian's setting, for root", clone, "0", unix.EPERM, true,
			"the system does not let this process create namespaces", privileged},
		{"AppArmor", appArmor, "1", unix.EACCES, false,
			"AppArmor allows only root to create namespaces, as on Ubuntu", "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
		{"AppArmor, after another process has told", appArmor, "1", errors.New("keep mounts private: permission denied"), false,
			"AppArmor allows only root to create namespaces, as on Ubuntu", "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
		{"AppArmor, for root", appArmor, "1", unix.EPERM, true,
			"the system does not let this process create namespaces", privileged},
		{"hidden /proc", "", "", mount, false, "parts of /proc are hidden, as in a container", privileged},
		{"seccomp", status, "Name:\tx\nSeccomp:\t2\nThreads:\t1\n", unix.EPERM, false, filter, privileged},
		{"an unknown cause", "", "", unix.EPERM, false, "the system does not let this process create namespaces", privileged},
	} {
		proc := t.TempDir()
		for name, content := range usual {
			if name == test.file {
				content = test.content
			}
			path := filepath.Join(proc, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(content+"\n"), 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		err := explain(fmt.Errorf("start: %w", test.err), proc, !test.root)
		var refusal *Refusal
		if !errors.As(err, &refusal) || !errors.Is(err, test.err) || refusal.Cause != test.cause || refusal.Remedy != test.remedy {
			t.Errorf("%s: %v (%+v)", test.what, err, refusal)
			continue
		}
		if want := "start: " + test.err.Error() + ": " + test.cause; err.Error() != want {
			t.Errorf("%s: %q, want %q", test.what, err, want)
		}
	}
	for _, err := range []error{nil, fs.ErrNotExist, errors.New("in the table")} {
		if got := explain(err, t.TempDir(), true); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}
