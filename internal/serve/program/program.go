// Package program holds what every listing does because it is a program: it
// knows its name, it says in one line why it gives up, and, when it is a
// server, it stops in order.
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

// Name is the listing's name, as it was called: the last part of os.Args[0],
// less the .exe of Windows. It opens every line the program writes to stderr.
func Name() string {
	return strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
}

// Fail writes "NAME: what: why" to stderr and ends the program with status 1,
// where Python would have shown a traceback. What names the thing that failed
// ("read inetd.conf"); why is Why(err).
func Fail(what string, err error) {
	Complain(what, err)
	os.Exit(1)
}

// Complain writes the line of Fail and lets the program go on.
func Complain(what string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %s: %s\n", Name(), what, Why(err))
}

// Why is the reason at the bottom of err, in the words of the system: package
// net wraps "connection refused" in the names of the call and of both ends,
// which the line that reports it has said already. Of io.EOF it is that of a
// client who waited for an answer.
func Why(err error) string {
	var late net.Error
	var errno syscall.Errno
	var dns *net.DNSError
	var address *net.AddrError
	var path *os.PathError
	switch {
	case err == io.EOF:
		return "socket closed"
	case errors.As(err, &late) && late.Timeout():
		return "timed out"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &dns) && !dns.IsNotFound:
		return "the name cannot be looked up" // dns.Err names servers and calls
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &address):
		return address.Err
	case errors.As(err, &path):
		return path.Err.Error()
	}
	return err.Error()
}
