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
	packet io.WriteCloser // where it reads the packet of a datagram, or nil
	data   []byte         // the packet
}

// How a child inherits a request: the variable tells what is in the descriptors.
const (
	variable         = "SOCKETSERVER_REQUEST"
	socketDescriptor = 3 // the connection, or the server's socket
	packetDescriptor = 4 // of a datagram: a pipe
)

// fork starts a child of the server name that handles request.
func fork(name string, request *Request) (*child, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{Cmd: &exec.Cmd{Path: path, Args: os.Args}}
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), variable+"="+describe(name, request))
	// Ctrl-C in a terminal reaches the whole group: it is for the server to
	// tell its children, and once.
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

// isShortage reports whether err is a shortage that will pass.
func isShortage(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) ||
		errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOMEM)
}

// copyOf returns another descriptor of a socket of package net. It stays
// non-blocking, which is a state that all copies share: the File method of
// package net would have made it blocking for the server too.
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

// wait gives the child what it is to read, tells it when the program stops, and
// waits until it ends. The error is how it ended, if neither by itself nor
// because it was told to.
func (c *child) wait() error {
	defer context.AfterFunc(program.Stopping(), func() {
		c.Process.Signal(syscall.SIGTERM)
	})()
	if c.packet != nil {
		c.packet.Write(c.data) // fails if the child has ended, as Wait will tell
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

// inherited is the request that this process was started to handle. Its server
// is empty in all others.
var inherited struct {
	server  string // the name of the server that is to handle it
	port    int    // where the server listens
	network string // of both ends: "tcp", "udp", "unix" or "unixgram"
	client  string // the other end, or "" if it has no address
}

// describe returns the value of the variable.
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

// init takes note of what is inherited before others can start programs, which
// shall not inherit it.
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

// handleInherited handles the inherited request and ends the process: with
// status 0 if the handler has returned, else 1.
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
	defer file.Close() // net has made its own
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

// clientAddress is the client's address as package net would have it.
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
