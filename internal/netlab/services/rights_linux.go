package services

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// as calls f, whose system calls have the rights of an account. F must not
// start goroutines.
//
// f runs in its own thread, which ends after f. Only that thread changes its
// user, because as makes raw system calls: Go's own functions would change all
// threads.
func as(account *Account, f func() error) error {
	uid, gid := int(account.UID), int(account.GID)
	if uid == os.Geteuid() && gid == os.Getegid() {
		return f()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // without an unlock, so the thread ends
		if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
			done <- fmt.Errorf("setgroups: %w", errno)
			return
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid)); errno != 0 {
			done <- fmt.Errorf("setresgid: %w", errno)
			return
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
			done <- fmt.Errorf("setresuid: %w", errno)
			return
		}
		done <- f()
	}()
	return <-done
}
