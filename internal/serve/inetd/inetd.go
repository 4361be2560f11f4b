// Package inetd is for programs that a super-server starts: inetd, xinetd,
// tcpserver, socat or systemd. Such a program opens no socket of its own. It is
// started with one as descriptor 0, and descriptors 1 and 2 are the same socket.
//
// A program that imports this package no longer has the socket there when its
// main function begins: descriptor 0 is /dev/null, and 1 and 2 are /dev/null
// until Log opens the log. Otherwise the client would receive a usage message,
// or what Go's runtime prints about a panic. Descriptors that are not a socket
// stay as they are, so a program that is started from a terminal prints there.
//
// Systemd's way works too. If the variables LISTEN_PID and LISTEN_FDS are meant
// for this process, the socket is descriptor 3. Descriptors 0 to 2 stay as they
// are, unless they are that socket as well.
//
// The super-server may still use the socket. Go has to make the socket
// non-blocking, so Close makes it blocking again if it was blocking before.
package inetd

import (
	"net"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// Connection returns the connection that the super-server has accepted for this
// program, as it does for a service that its configuration calls "nowait". Its
// concrete type also has the methods SyscallConn, CloseRead and CloseWrite.
//
// If descriptor 0 is anything but a connected stream socket, Connection ends
// the program with status 1 and one line that says why. Before that, it takes
// the client or the datagram that waits there from the queue. Otherwise the
// super-server would start the program again at once, over and over.
func Connection() net.Conn {
	program.StopOnSignal()
	conn, err := connection()
	if err != nil {
		program.Fail(name, err)
	}
	return conn
}

// Listener returns the listener at which a client waits, for a service that the
// super-server's configuration calls "wait". The program accepts that client,
// and those that come while it runs.
//
// If descriptor 0 is anything but a listening stream socket, Listener ends the
// program as Connection does.
func Listener() *socket.Listener {
	listener, err := listener()
	if err != nil {
		program.Fail(name, err)
	}
	return socket.NewListener(listener)
}

// Log makes the program print to the end of the file at path, which it creates
// if it has to. Several programs may append to the file at the same time. Log
// does not follow a symbolic link, because anybody can plant one in /tmp. If it
// cannot open the file, it says so on stderr, which under inetd is /dev/null,
// and the program serves its client all the same.
func Log(path string) {
	if err := openLog(path); err != nil {
		program.Complain("log to "+path, err)
	}
}
