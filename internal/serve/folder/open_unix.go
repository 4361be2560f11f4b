//go:build unix

package folder

import "syscall"

// neverWait makes open return at once if the file is a named pipe without a
// writer, or a terminal without a carrier. A terminal that is opened does not
// become the program's controlling terminal.
const neverWait = syscall.O_NONBLOCK | syscall.O_NOCTTY
