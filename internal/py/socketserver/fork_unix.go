//go:build unix

package socketserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

const canFork = true

// A child is a process that handles a request.
type child struct {
	*exec.Cmd
	packet io.WriteCloser // the pipe to the child for a datagram's packet, or nil
	data   []byte         // the packet
}

// A child inherits a request in these descriptors. The environment variable
// says what they are.
const (
	variable         = "SOCKETSERVER_REQUEST"
	socketDescriptor = 3 // the connection, or the server's socket
	packetDescriptor = 4 // the pipe with the packet of a datagram
)

// fork starts a child that handles request for the server called name.
func fork(name string, request *Request) (*child, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{Cmd: &exec.Cmd{Path: path, Args: os.Args}}
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), variable+"="+describe(name, request))
	// Ctrl-C in a terminal reaches the whole process group. The child gets a
	// group of its own, because the server tells it to stop, and it must hear
	// that only once.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	var conn any = request.Conn
	datagram, isDatagram := conn.(*Datagram)
	if isDatagram {
		conn = datagram.Socket
	} else if conversation, ok := conn.(*socket.Conversation); ok {
		conn = conversation.Conn
	}
	file, err := copyOf(conn)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	c.ExtraFiles = []*os.File{file}
	if isDatagram {
		reader, writer, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		defer reader.Close()
		c.ExtraFiles = append(c.ExtraFiles, reader)
		c.packet, c.data = writer, datagram.Packet
	}
	if err := c.Start(); err != nil {
		if isDatagram {
			c.packet.Close()
		}
		return nil, err
	}
	return c, nil
}

// isShortage reports whether err is a shortage of resources that may pass.
func isShortage(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) ||
		errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOMEM)
}

// copyOf returns another descriptor of a socket of package net. The socket
// stays non-blocking. The File method of package net would make it blocking,
// for the server too, because all descriptors of a socket share that mode.
func copyOf(conn any) (file *os.File, err error) {
	err = control(conn, func(fd uintptr) error {
		copied, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		file = os.NewFile(uintptr(copied), "request")
		return nil
	})
	return file, err
}

// wait sends the child its packet, tells it when the program has to stop, and
// waits until it ends. The error says how the child ended. It is nil if the
// child exited with status 0, has said why it failed, or was told to stop.
func (c *child) wait() error {
	defer context.AfterFunc(program.Stopping(), func() {
		c.Process.Signal(syscall.SIGTERM)
	})()
	if c.packet != nil {
		c.packet.Write(c.data) // fails if the child has ended; then Wait says why
		c.packet.Close()
	}
	err := c.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil // it has said why
	}
	if program.Stopping().Err() != nil {
		return nil
	}
	return err
}

// inherited describes the request that this process was started to handle. In a
// process that is no such child, server is "".
var inherited struct {
	server  string // the name of the server that handles it
	port    int    // where the server listens
	network string // of both ends: "tcp", "udp", "unix" or "unixgram"
	client  string // the peer's address, or "" if it has none
}

// describe returns the value of the environment variable.
func describe(server string, request *Request) string {
	local, client, port := request.LocalAddr(), "", 0
	if request.ClientAddress != nil { // a sender may have none
		client = request.ClientAddress.String()
	}
	if address, err := netip.ParseAddrPort(local.String()); err == nil {
		port = int(address.Port())
	}
	return fmt.Sprintf("%q %d %s %q", server, port, local.Network(), client)
}

// init notes what this process has inherited. It does so before other code can
// start programs, because those must not inherit it.
func init() {
	i, value := &inherited, os.Getenv(variable)
	if value == "" {
		return
	}
	os.Unsetenv(variable)
	_, err := fmt.Sscanf(value, "%q %d %s %q", &i.server, &i.port, &i.network, &i.client)
	if err != nil {
		program.Fail("environment variable "+variable, err)
	}
	unix.CloseOnExec(socketDescriptor)
	unix.CloseOnExec(packetDescriptor)
}

// handleInherited handles the inherited request and ends the process. The
// status is 0 if the handler returned without an error, and 1 otherwise.
func handleInherited(server Server) {
	program.StopOnSignal()
	status := 1
	defer func() { os.Exit(status) }()
	request, err := inherit()
	if err != nil {
		program.Complain("inherit request", err)
		return
	}
	defer endRequest(server, request)
	server.FinishRequest(request)
	if !request.reported {
		status = 0
	}
}

func inherit() (*Request, error) {
	file := os.NewFile(socketDescriptor, "request")
	defer file.Close() // because package net makes its own descriptor
	address, err := clientAddress()
	if err != nil {
		return nil, err
	}
	if inherited.network != "udp" && inherited.network != "unixgram" {
		conn, err := net.FileConn(file)
		if err != nil {
			return nil, err
		}
		return &Request{Conn: socket.Converse(conn), ClientAddress: address}, nil
	}
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	packet, err := io.ReadAll(os.NewFile(packetDescriptor, "packet"))
	return newDatagram(packet, conn, address), err
}

// clientAddress returns the client's address in the type that package net uses.
func clientAddress() (net.Addr, error) {
	network, client := inherited.network, inherited.client
	switch network {
	case "tcp":
		address, err := netip.ParseAddrPort(client)
		return net.TCPAddrFromAddrPort(address), err
	case "udp":
		address, err := netip.ParseAddrPort(client)
		return net.UDPAddrFromAddrPort(address), err
	}
	if client == "" {
		return nil, nil
	}
	return &net.UnixAddr{Name: client, Net: network}, nil
}
