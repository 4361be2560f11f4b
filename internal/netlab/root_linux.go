package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

const (
	// programFolder contains our programs, which are all the same file.
	programFolder = "/playground/bin"
	programFile   = programFolder + "/playground"

	// machine is where the machine's file system is until the host has its own.
	machine = "/machine"
)

// own are the folders that each host has for itself. It shares all others with the
// machine, and cannot write to those.
var own = []string{"boot", "dev", "etc", "fopnp", "home", "lost+found", "machine", "media", "mnt",
	"playground", "proc", "root", "run", "srv", "sys", "tmp", "var"}

// makeRoot gives the host its own file system, which is in memory and ends with the
// host.
func (s *server) makeRoot() error {
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"make a file system", pivot},
		{"show the machine's folders", showMachine},
		{"make folders", makeFolders},
		{"show the repository", s.showRepository},
		{"show the playground's programs", s.showPrograms},
		{"make devices", makeDevices},
		{"show the host's processes", s.showProcesses},
		{"configure", s.configure},
		{"leave the machine's file system", leaveMachine},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// pivot makes an empty file system the root. The world has made all mounts private.
func pivot() error {
	const at = "/mnt" // any folder would do
	if err := unix.Mount("tmpfs", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=512m"); err != nil {
		return &os.PathError{Op: "mount", Path: at, Err: err}
	}
	if err := os.Mkdir(at+machine, 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(at, at+machine); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	return os.Chdir("/")
}

// bind shows a file or a folder in a second place, which must exist.
func bind(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return &os.PathError{Op: "mount", Path: to, Err: err}
	}
	return nil
}

// bindReadOnly is like bind, but the host cannot write there.
func bindReadOnly(from, to string) error {
	if err := bind(from, to); err != nil {
		return err
	}
	return readOnly(to, unix.AT_RECURSIVE)
}

func readOnly(path string, flags uint) error {
	err := unix.MountSetattr(unix.AT_FDCWD, path, flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if err != nil {
		return &os.PathError{Op: "mount read-only", Path: path, Err: err}
	}
	return nil
}

func showMachine() error {
	entries, err := os.ReadDir(machine)
	if err != nil {
		return err
	}
	for _, e := range entries {
		from, to := filepath.Join(machine, e.Name()), "/"+e.Name()
		switch {
		case slices.Contains(own, e.Name()):
		case e.Type() == fs.ModeSymlink: // as /bin, which is /usr/bin
			target, err := os.Readlink(from)
			if err != nil {
				return err
			}
			if err := os.Symlink(target, to); err != nil {
				return err
			}
		case e.IsDir():
			if err := os.Mkdir(to, 0o755); err != nil {
				return err
			}
			if err := bindReadOnly(from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// folders are the folders that makeFolders makes, with their modes.
var folders = map[string]fs.FileMode{
	"/dev/pts": 0o755, "/dev/shm": fs.ModeSticky | 0o777, "/etc/init.d": 0o755, "/etc/ssh": 0o755,
	"/etc/ssl/certs": 0o755, "/home/brandon/.ssh": 0o700, "/media": 0o755, "/mnt": 0o755,
	"/playground/bin": 0o755, "/playground/etc": 0o755, "/playground/run": 0o755, "/proc": 0o755,
	"/root/.ssh": 0o700, "/root": 0o700, "/run/lock": 0o755, "/srv/ftp": 0o755, "/sys": 0o755, "/tmp": fs.ModeSticky | 0o777,
	"/var/cache": 0o755, "/var/lib": 0o755, "/var/log": 0o755, "/var/mail": 0o755,
	"/var/spool": 0o755, "/var/tmp": fs.ModeSticky | 0o777,
}

// hidden returns a folder that each host has for itself and that one of the machine's,
// shown at path, would replace. If there is none, it returns "".
func hidden(path string) string {
	for _, name := range own {
		if within("/"+name, path) {
			return "/" + name
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if within(folder, path) {
			return folder
		}
	}
	return ""
}

func makeFolders() error {
	for folder, mode := range folders {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(folder, mode); err != nil { // whatever the umask is
			return err
		}
	}
	return errors.Join(os.Symlink("/run", "/var/run"), os.Symlink("/run/lock", "/var/lock"))
}

// showRepository shows the repository, Go and its caches in the same places as on
// the machine. It also shows the repository as /fopnp.
func (s *server) showRepository() error {
	for _, folder := range s.config.ReadOnly {
		if _, err := os.Stat(folder); err == nil {
			continue // in a folder that the host shares with the machine
		}
		if err := showFolder(folder, bindReadOnly); err != nil {
			return err
		}
	}
	for _, folder := range append(s.config.Writable, s.config.Repository) {
		if err := showFolder(folder, bind); err != nil {
			return err
		}
	}
	if s.config.Repository == "" {
		return nil
	}
	return os.Symlink(s.config.Repository, "/fopnp")
}

// showFolder shows one of the machine's folders, if it exists.
func showFolder(folder string, bind func(from, to string) error) error {
	if _, err := os.Stat(machine + folder); err != nil || folder == "" {
		return nil
	}
	if _, err := os.Stat(folder); err != nil {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	return bind(machine+folder, folder)
}

func (s *server) showPrograms() error {
	if err := os.WriteFile(programFile, nil, 0o755); err != nil {
		return err
	}
	if err := bindReadOnly(machine+s.config.Program, programFile); err != nil {
		return err
	}
	for name := range programs {
		if err := os.Symlink(filepath.Base(programFile), filepath.Join(programFolder, name)); err != nil {
			return err
		}
	}
	return nil
}

func makeDevices() error {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := os.WriteFile("/dev/"+name, nil, 0o666); err != nil {
			return err
		}
		// The host can still write to the device, but not change its owner or mode.
		if err := bindReadOnly(machine+"/dev/"+name, "/dev/"+name); err != nil {
			return err
		}
	}
	const options = "newinstance,ptmxmode=0666,mode=0620"
	if err := unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, options); err != nil {
		return &os.PathError{Op: "mount", Path: "/dev/pts", Err: err}
	}
	return errors.Join(
		os.Symlink("pts/ptmx", "/dev/ptmx"),
		os.Symlink("/proc/self/fd", "/dev/fd"),
		os.Symlink("/proc/self/fd/0", "/dev/stdin"),
		os.Symlink("/proc/self/fd/1", "/dev/stdout"),
		os.Symlink("/proc/self/fd/2", "/dev/stderr"))
}

func (s *server) showProcesses() error {
	if err := mountProc(); err != nil {
		return err
	}
	if s.config.AllUsers {
		if err := guardSettings(); err != nil {
			return err
		}
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_RDONLY, ""); err != nil {
		// A container shows only parts of /proc. Those parts are enough.
		return bindReadOnly(machine+"/sys", "/sys")
	}
	return nil
}

// guardSettings protects the machine's settings from root. On a host with all users,
// root is the machine's root. The network settings belong to the host.
func guardSettings() error {
	if err := errors.Join(
		bind("/proc/sys/net", "/proc/sys/net"),
		bind("/proc/sys", "/proc/sys"),
		readOnly("/proc/sys", 0),
	); err != nil {
		return err
	}
	for _, path := range guarded {
		if _, err := os.Stat(path); err != nil {
			continue // this kernel or machine has none
		}
		if err := bindReadOnly(path, path); err != nil {
			return err
		}
	}
	return nil
}

// guarded are the parts of /proc besides /proc/sys through which root can change the
// machine.
var guarded = []string{"/proc/acpi", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/mtrr", "/proc/scsi", "/proc/sysrq-trigger"}

func leaveMachine() error {
	if err := unix.Unmount(machine, unix.MNT_DETACH); err != nil {
		return &os.PathError{Op: "unmount", Path: machine, Err: err}
	}
	return os.Remove(machine)
}
