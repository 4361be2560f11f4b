package netlab

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allowSetgroups makes setgroups(2) succeed and do nothing, in this process and all
// processes that it starts. In a namespace with a single user, the kernel refuses the
// call. Without this filter, daemons that become another user, such as inetd and
// tcpdump, could not start, although there is no other user to become.
func allowSetgroups() error {
	architecture, known := map[string]uint32{
		"amd64":   unix.AUDIT_ARCH_X86_64,
		"arm64":   unix.AUDIT_ARCH_AARCH64,
		"riscv64": unix.AUDIT_ARCH_RISCV64,
	}[runtime.GOARCH]
	if !known {
		return nil // those daemons report the error themselves
	}
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		result = unix.BPF_RET | unix.BPF_K

		callNumber, callArchitecture = 0, 4 // offsets in struct seccomp_data
	)
	filter := []unix.SockFilter{
		{Code: load, K: callArchitecture},
		{Code: equal, K: architecture, Jf: 3},
		{Code: load, K: callNumber},
		{Code: equal, K: unix.SYS_SETGROUPS, Jf: 1},
		{Code: result, K: unix.SECCOMP_RET_ERRNO}, // with 0, which is success
		{Code: result, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("filter the system call setgroups: %w", errno)
	}
	return nil
}
