package nettools

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/term"
)

const escape = ']' - '@' // Ctrl-]

// TelnetMain connects the terminal to a telnet server, or to any other server
// that speaks in lines of text. Until the server offers to echo, the terminal
// sends whole lines. After that, it sends each key. Ctrl-] asks for a command:
// quit or close ends the connection, and an empty line resumes it. At the end of
// stdin, telnet closes its side of the connection and prints what the server
// still sends. The exit status is 1 if the server closed the connection.
//
// Source: telnet(1)
func TelnetMain(args []string) int {
	t := newTool("telnet", "HOST [PORT]")
	if status, ok := t.parse(args, 1, 2); !ok {
		return status
	}
	host, service := t.Arg(0), "telnet"
	if t.NArg() == 2 {
		service = t.Arg(1)
	}
	port, err := net.LookupPort("tcp", service)
	if err != nil {
		return t.fails(service, errors.New("not a port"))
	}
	conn, err := t.dial(host, port)
	if err != nil {
		return t.fails(host, err)
	}
	defer conn.Close()
	t.printf("Connected to %s.\nEscape character is '^]'.\n", host)
	c := &telnet{tool: t, conn: conn, conversation: newConversation(conn), terminal: term.IsTerminal(int(os.Stdin.Fd()))}
	defer c.cook()
	return c.run()
}

// dial tries all addresses of a host.
func (t tool) dial(host string, port int) (conn *net.TCPConn, err error) {
	addresses, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
	if err != nil {
		return nil, err
	}
	for _, address := range addresses {
		address = address.Unmap()
		t.printf("Trying %s...\n", address)
		to := net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, uint16(port)))
		if conn, err = net.DialTCP("tcp", nil, to); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// A telnet is one connection of the client.
type telnet struct {
	tool
	*conversation
	conn     *net.TCPConn
	terminal bool // stdin is a terminal

	state  sync.Mutex
	cooked *term.State // the terminal's old state, while it sends each key
	sizes  bool        // the server wants to know the size of the window
}

func (c *telnet) run() int {
	c.theirs[optEcho], c.theirs[optSuppressGoAhead], c.ours[optSuppressGoAhead] = true, true, true
	c.ours[optWindowSize], c.ours[optTerminalType] = c.terminal, c.terminal
	c.agreed = c.agree
	c.sub = func(option byte, text []byte) {
		if option == optTerminalType && bytes.Equal(text, []byte{1}) { // 1: send yours, 0: this is mine
			c.sendSub(optTerminalType, append([]byte{0}, os.Getenv("TERM")...)...)
		}
	}
	go c.followSize()
	received := make(chan error, 1)
	go func() {
		_, err := io.Copy(os.Stdout, c.conversation)
		received <- err
	}()
	left := make(chan bool, 1)
	go func() { left <- c.typed() }()
	for {
		select {
		case err := <-received:
			c.cook()
			if err != nil {
				return c.fails("receive", err)
			}
			fmt.Fprint(os.Stderr, "Connection closed by foreign host.\n")
			return 1
		case quit := <-left:
			if quit {
				c.cook()
				c.printf("Connection closed.\n")
				return 0
			}
			c.conn.CloseWrite()
		}
	}
}

// agree notes which options the server uses or wants.
func (c *telnet) agree(verb, option byte) {
	switch {
	case verb == will && option == optEcho && c.terminal:
		c.state.Lock()
		defer c.state.Unlock()
		if c.cooked == nil {
			c.cooked, _ = term.MakeRaw(int(os.Stdin.Fd())) // after an error, go on with lines
		}
	case verb == do && option == optWindowSize:
		c.state.Lock()
		c.sizes = true
		c.state.Unlock()
		c.sendSize()
	}
}

// cook makes the terminal send whole lines again.
func (c *telnet) cook() (wasRaw bool) {
	c.state.Lock()
	defer c.state.Unlock()
	if c.cooked == nil {
		return false
	}
	term.Restore(int(os.Stdin.Fd()), c.cooked)
	c.cooked = nil
	return true
}

// raw reports whether the terminal sends each key.
func (c *telnet) raw() bool {
	c.state.Lock()
	defer c.state.Unlock()
	return c.cooked != nil
}

// sendSize sends the size of the window, if the server wants it.
func (c *telnet) sendSize() {
	c.state.Lock()
	wanted := c.sizes
	c.state.Unlock()
	width, height, err := term.GetSize(int(os.Stdin.Fd()))
	if wanted && err == nil {
		c.sendSub(optWindowSize, byte(width>>8), byte(width), byte(height>>8), byte(height))
	}
}

// followSize sends the size of the window whenever it changes.
func (c *telnet) followSize() {
	resized := make(chan os.Signal, 1)
	notifyResize(resized)
	for range resized {
		c.sendSize()
	}
}

// typed sends what the user types. It returns true if the user wants to leave,
// and false at the end of stdin or when the connection is broken.
func (c *telnet) typed() (quit bool) {
	stdin := bufio.NewReader(os.Stdin)
	for {
		b, err := stdin.ReadByte()
		if err != nil {
			return false
		}
		data := []byte{b}
		for stdin.Buffered() > 0 && b != escape {
			next, _ := stdin.Peek(1)
			if next[0] == escape {
				break
			}
			stdin.ReadByte()
			data = append(data, next[0])
		}
		if b == escape && c.terminal {
			if c.command(stdin) {
				return true
			}
			continue
		}
		if !c.raw() {
			data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		}
		if _, err := c.Write(data); err != nil {
			return false
		}
	}
}

// command asks for a command and obeys it. It returns true if the user wants to
// leave.
func (c *telnet) command(stdin *bufio.Reader) (quit bool) {
	if c.cook() {
		defer c.agree(will, optEcho)
		c.printf("\n")
	} else {
		stdin.ReadString('\n') // the rest of the line with Ctrl-]
	}
	for {
		c.printf("telnet> ")
		line, err := stdin.ReadString('\n')
		if err != nil {
			return true
		}
		switch line = strings.TrimSpace(line); {
		case line == "":
			return false
		case strings.HasPrefix("quit", line), strings.HasPrefix("close", line):
			return true
		case line == "?" || strings.HasPrefix("help", line):
			c.printf("quit  leave\nclose leave\n      an empty line goes on\n")
		default:
			c.printf("%s: not a command; try help\n", strconv.Quote(line))
		}
	}
}
