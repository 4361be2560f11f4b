package nettools

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// NcMain connects stdin and stdout to a host over TCP, or over UDP with -u. It
// ends when the host closes the connection. With -l, it waits for a client
// instead. With -z, it only checks whether the port is open.
//
// Source: nc(1) of OpenBSD, as Debian has it
func NcMain(args []string) int {
	t := newTool("nc", "[-Nnuvz] [-p PORT] [-w SECONDS] HOST PORT[-PORT]\n"+
		"       nc -l [-kNuv] [-w SECONDS] [HOST] PORT\n"+
		"       nc -l -p PORT [-kNuv] [-w SECONDS] [HOST]")
	n := &netcat{tool: t}
	t.BoolVarP(&n.keep, "keep", "k", false, "with -l, serve one client after another")
	listens := t.BoolP("listen", "l", false, "wait for a client")
	t.BoolVarP(&n.halfClose, "half-close", "N", false, "close the sending side at the end of stdin")
	t.BoolVarP(&n.numeric, "numeric", "n", false, "HOST is an address; do not look up names")
	from := t.IntP("port", "p", 0, "send from `PORT`, or listen at it")
	udp := t.BoolP("udp", "u", false, "use UDP")
	t.BoolVarP(&n.verbose, "verbose", "v", false, "report on connections on stderr")
	patience := t.seconds("w", 0, "give up if connecting takes longer, or the connection is idle longer (0: never)")
	scan := t.BoolP("scan", "z", false, "only check whether the port is open")
	if status, ok := t.parse(args, 0, 2); !ok {
		return status
	}
	words := t.Args()
	if *listens && *from != 0 {
		words = append(words, strconv.Itoa(*from))
	}
	if len(words) < 1 || len(words) < 2 && !*listens || len(words) > 2 {
		t.Usage()
		return 2
	}
	n.patience = time.Duration(*patience)
	n.network = map[bool]string{false: "tcp", true: "udp"}[*udp]
	host, port := "", words[len(words)-1]
	if len(words) == 2 {
		host = words[0]
	}
	if n.numeric && net.ParseIP(host) == nil && host != "" {
		return t.fails(host, errors.New("not an address"))
	}
	if *listens {
		return n.serve(net.JoinHostPort(host, port))
	}
	first, last, err := ports(qualifiers{protocol: n.network, kind: "portrange"}, port)
	if err != nil {
		first, last, err = ports(qualifiers{protocol: n.network, kind: "port"}, port)
	}
	if err != nil {
		return t.fails(port, err)
	}
	status := 1
	for port := int(first); port <= int(last); port++ {
		if n.connect(host, port, *from, *scan) == 0 {
			status = 0
		}
	}
	return status
}

// A netcat copies between stdin, stdout and a connection.
type netcat struct {
	tool
	network          string
	keep, halfClose  bool
	verbose, numeric bool
	patience         time.Duration
	stdin            chan []byte // closed at its end
}

// dialed reports on stderr whether an attempt to connect succeeded.
func (n *netcat) dialed(host string, port int, scan bool, err error) {
	switch {
	case err == nil && n.verbose:
		name := "*"
		if service := services()[fmt.Sprintf("%d/%s", port, n.network)]; service != "" && !n.numeric {
			name = service
		}
		fmt.Fprintf(os.Stderr, "Connection to %s %d port [%s/%s] succeeded!\n", host, port, n.network, name)
	case err != nil && (n.verbose || !scan):
		n.complains(fmt.Sprintf("connect to %s port %d", host, port), err)
	}
}

func (n *netcat) connect(host string, port, from int, scan bool) int {
	dialer := net.Dialer{Timeout: n.patience}
	if from != 0 {
		if n.network == "tcp" {
			dialer.LocalAddr = &net.TCPAddr{Port: from}
		} else {
			dialer.LocalAddr = &net.UDPAddr{Port: from}
		}
	}
	conn, err := dialer.Dial(n.network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err == nil && scan && n.network == "udp" {
		err = probeUDP(conn)
	}
	n.dialed(host, port, scan, err)
	if err != nil {
		return 1
	}
	defer conn.Close()
	if scan {
		return 0
	}
	return n.copy(conn)
}

// probeUDP sends a few datagrams to a port. The port counts as open unless the
// host reports otherwise.
func probeUDP(conn net.Conn) error {
	const pause = 100 * time.Millisecond
	for range 3 {
		if _, err := conn.Write([]byte("X")); err != nil {
			conn.Close()
			return err
		}
		conn.SetReadDeadline(time.Now().Add(pause))
		_, err := conn.Read(make([]byte, 1))
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			conn.Close()
			return err
		}
	}
	return nil
}

// serve waits for a client. With -k, it then waits for more.
func (n *netcat) serve(address string) int {
	if n.network == "udp" {
		return n.serveUDP(address)
	}
	listener, err := net.Listen(n.network, address)
	if err != nil {
		return n.fails("listen at "+address, err)
	}
	defer listener.Close()
	n.listening(listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return n.fails("accept", err)
		}
		if !n.keep {
			listener.Close()
		}
		n.received(conn.RemoteAddr())
		status := n.copy(conn)
		conn.Close()
		if !n.keep {
			return status
		}
	}
}

func (n *netcat) listening(address net.Addr) {
	if n.verbose {
		host, port, _ := net.SplitHostPort(address.String())
		fmt.Fprintf(os.Stderr, "Listening on %s %s\n", host, port)
	}
}

func (n *netcat) received(from net.Addr) {
	if n.verbose {
		host, port, _ := net.SplitHostPort(from.String())
		fmt.Fprintf(os.Stderr, "Connection received on %s %s\n", host, port)
	}
}

// serveUDP talks to the first client that sends something.
func (n *netcat) serveUDP(address string) int {
	socket, err := net.ListenPacket(n.network, address)
	if err != nil {
		return n.fails("listen at "+address, err)
	}
	defer socket.Close()
	n.listening(socket.LocalAddr())
	first := make([]byte, 65536)
	size, from, err := socket.ReadFrom(first)
	if err != nil {
		return n.fails("receive", err)
	}
	n.received(from)
	if _, err := os.Stdout.Write(first[:size]); err != nil {
		return n.fails("write", err)
	}
	return n.copy(peer{socket.(*net.UDPConn), from})
}

// A peer is the one client of a UDP socket.
type peer struct {
	*net.UDPConn
	address net.Addr
}

func (p peer) Read(b []byte) (int, error) {
	for {
		n, from, err := p.ReadFrom(b)
		if err != nil || from.String() == p.address.String() {
			return n, err
		}
	}
}

func (p peer) Write(b []byte) (int, error) { return p.WriteTo(b, p.address) }

// copy copies in both directions until the host closes the connection, and
// returns the exit status.
func (n *netcat) copy(conn net.Conn) int {
	if n.stdin == nil {
		n.stdin = make(chan []byte)
		go n.readStdin()
	}
	n.touch(conn)
	done, failed := make(chan struct{}), make(chan error, 1)
	defer close(done)
	go func() {
		if err := n.send(conn, done); err != nil {
			failed <- err
			conn.Close()
		}
	}()
	buffer := make([]byte, 65536)
	for {
		size, err := conn.Read(buffer)
		if size > 0 {
			n.touch(conn)
			if _, err := os.Stdout.Write(buffer[:size]); err != nil {
				return n.fails("write", err)
			}
		}
		switch {
		case err == nil:
		case err == io.EOF, errors.Is(err, os.ErrDeadlineExceeded): // idle for as long as -w allows
			return 0
		case errors.Is(err, net.ErrClosed):
			return n.fails("send", <-failed)
		default:
			return n.fails("receive", err)
		}
	}
}

// touch restarts the idle time of -w.
func (n *netcat) touch(conn net.Conn) {
	if n.patience > 0 {
		conn.SetReadDeadline(time.Now().Add(n.patience))
	}
}

// readStdin passes on what it reads from stdin, in pieces, and nil at its end.
func (n *netcat) readStdin() {
	for {
		buffer := make([]byte, 16384) // a datagram holds what one read returns
		size, err := os.Stdin.Read(buffer)
		if size > 0 {
			n.stdin <- buffer[:size]
		}
		if err != nil { // a read error counts as the end of stdin
			close(n.stdin)
			return
		}
	}
}

// send sends stdin until its end, or until the conversation is over.
func (n *netcat) send(conn net.Conn, done <-chan struct{}) error {
	for {
		select {
		case data, more := <-n.stdin:
			if !more {
				if half, ok := conn.(interface{ CloseWrite() error }); ok && n.halfClose {
					half.CloseWrite() // an error means that the connection has ended
				}
				return nil
			}
			n.touch(conn)
			if _, err := conn.Write(data); err != nil {
				return err
			}
		case <-done:
			return nil
		}
	}
}
