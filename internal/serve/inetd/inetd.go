// Package inetd is for programs that a super-server starts: inetd, xinetd,
// tcpserver, socat or systemd. They neither listen nor know who they serve:
// what they need is a descriptor that they were started with.
//
// With inetd that is descriptor 0, and 1 and 2 are the same socket. So that
// nothing but answers ever reaches the client, not even what Go's runtime has to
// say of a panic, the package points all three elsewhere before the program's
// main function begins: 0 at nothing, 1 and 2 at the log as soon as one is
// opened, and until then at nothing too. A program that was started from a
// terminal keeps them.
//
// Systemd's way is taken too: if the variables LISTEN_PID and LISTEN_FDS are
// meant for this process, the socket is descriptor 3, and 0 to 2 remain, unless
// they are that socket as well.
//
// The socket is shared with the super-server. Go has to make it non-blocking;
// whoever closes it here makes it blocking again, if it was.
package inetd

import (
	"errors"
	"net"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// Why a socket is refused.
var (
	ErrListener     = errors.New("is a listener, which is for a program that waits (wait)")
	ErrConversation = errors.New("is a conversation, which is for a program that does not wait (nowait)")
)

// Conversation returns the conversation that the super-server has accepted for
// us, as it does for a service that its configuration has as "nowait".
//
// Anything else ends the program with status 1 and one line about it. If it is a
// listener, the client who waits there is sent away first: to leave it waiting
// would make the super-server start us again at once, and again.
func Conversation() net.Conn {
	program.StopOnSignal()
	conn, err := conversation()
	if err != nil {
		program.Fail(name, err)
	}
	return conn
}

// Listener returns the listener at which a client waits, for a service that the
// super-server's configuration has as "wait". Clients who come while the program
// runs are its own.
//
// Anything else ends the program with status 1 and one line about it.
func Listener() *socket.Listener {
	listener, err := listener()
	if err != nil {
		program.Fail(name, err)
	}
	return socket.NewListener(listener)
}

// Log has the program print to the end of a file, to which others may append at
// the same time. A symbolic link, such as somebody may have planted in a folder
// where all may write, is not followed. If the file cannot be opened, a program
// with a client to serve serves all the same, and prints to nowhere; systemd's
// and the terminal's are told why.
func Log(path string) {
	if err := openLog(path); err != nil {
		program.Complain("log to "+path, err)
	}
}
