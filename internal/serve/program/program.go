// Package program holds what every listing does as a program. A program knows
// its name, prints whole lines, reports in one line why it gives up, and, if it
// is a server, shuts down gracefully.
package program

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Name returns the name of the program: the last part of os.Args[0], without
// the .exe of Windows. Every line that the program writes to stderr begins with
// it.
func Name() string {
	return strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
}

// Fail writes "NAME: what: why" to stderr, where Python would show a traceback,
// and ends the program with status 1. Here what is the operation that failed
// and its object, such as "read inetd.conf", and why is Why(err).
func Fail(what string, err error) {
	Complain(what, err)
	os.Exit(1)
}

// Complain writes the same line as Fail, but lets the program go on.
func Complain(what string, err error) {
	stderr.write(fmt.Appendf(nil, "%s: %s: %s\n", Name(), what, Why(err)))
}

// Why returns the reason at the bottom of err, in the system's words. Package
// net wraps "connection refused" in the names of the call and of both ends, but
// the line that reports the error names them already. For io.EOF, Why returns
// "socket closed". For a timeout, it returns "timed out".
func Why(err error) string {
	var late net.Error
	var errno syscall.Errno
	var dns *net.DNSError
	var address *net.AddrError
	var path *os.PathError
	switch {
	case err == io.EOF:
		return "socket closed"
	case errors.As(err, &errno) && errno != syscall.ETIMEDOUT:
		return errno.Error() // even for EAGAIN, whose Timeout returns true
	case errors.As(err, &late) && late.Timeout():
		return "timed out"
	case errors.As(err, &dns) && !dns.IsNotFound:
		return "the name cannot be looked up" // because dns.Err names DNS servers
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &address):
		return address.Err
	case errors.As(err, &path):
		return path.Err.Error()
	}
	return err.Error()
}
