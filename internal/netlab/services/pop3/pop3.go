// Package pop3 is the server's side of POP3, with which a client fetches its
// mail and deletes it on the server.
//
// Source: RFC 1939; RFC 2449 (CAPA); RFC 2595 (STLS)
package pop3

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// Limits of a client.
const (
	maxLine    = 255              // bytes of a command, with its end
	maxLogins  = 3                // wrong passwords
	idleTime   = 10 * time.Minute // to send the next command; RFC 1939 wants no less
	answerTime = 5 * time.Minute  // to take an answer
)

// ErrInUse is the error of [Server.Login] if another client has the maildrop.
var ErrInUse = errors.New("another client is using this mailbox")

// A Server serves maildrops.
type Server struct {
	Host string      // its name, for the greeting
	TLS  *tls.Config // nil if clients cannot upgrade to TLS

	// Login opens the maildrop of a user. It returns an error if there is none,
	// if the password is wrong, or if another client has the maildrop.
	Login func(user, password string) (Maildrop, error)
}

// A Maildrop holds the mail of a user for one client. Its messages do not
// change while it is open.
type Maildrop interface {
	Messages() []Message            // the first is number 1 for the client
	Read(index int) ([]byte, error) // lines end in CR LF
	Delete(indexes map[int]bool) error
	Close()
}

// A Message is what a client can know about a message that it does not read.
type Message struct {
	ID   string // unique for ever, of at most 70 visible ASCII characters
	Size int    // bytes
}

// ServeConn serves one client until it goes, and closes the connection. Messages
// are deleted only if the client says QUIT.
func (s *Server) ServeConn(conn net.Conn) {
	c := &client{server: s}
	c.use(conn)
	defer func() { c.conn.Close() }()
	defer c.release()
	c.say("+OK %s POP3 ready", s.Host)
	for c.flush() == nil {
		line, err := c.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			c.say("-ERR the command is too long")
			c.flush()
			return
		} else if err != nil {
			return // the client has gone without QUIT, or says nothing
		}
		name, argument, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
		if !c.obey(strings.ToUpper(name), argument) {
			c.flush()
			return
		}
	}
}

// A client is a connection and what the server knows about it.
type client struct {
	server  *Server
	conn    net.Conn
	secure  bool
	r       *bufio.Reader
	w       *bufio.Writer
	user    string
	wrong   int      // passwords
	drop    Maildrop // nil until the client has logged in
	deleted map[int]bool
}

func (c *client) use(conn net.Conn) {
	_, c.secure = conn.(*tls.Conn)
	c.conn = conn
	c.r = bufio.NewReaderSize(conn, maxLine)
	c.w = bufio.NewWriter(conn)
	c.conn.SetWriteDeadline(time.Now().Add(answerTime))
}

// say prepares one line of an answer. An error shows when flush sends it.
func (c *client) say(format string, a ...any) {
	fmt.Fprintf(c.w, format+"\r\n", a...)
}

// flush sends the answer, and gives the client time for its next command.
func (c *client) flush() error {
	err := c.w.Flush()
	now := time.Now()
	c.conn.SetReadDeadline(now.Add(idleTime))
	c.conn.SetWriteDeadline(now.Add(idleTime + answerTime))
	return err
}

// lines sends the rest of an answer that ends in a dot.
func (c *client) lines(text []byte) {
	w := textproto.NewWriter(c.w).DotWriter()
	w.Write(text)
	w.Close()
}

// release unlocks the maildrop for other clients.
func (c *client) release() {
	if c.drop != nil {
		c.drop.Close()
		c.drop = nil
	}
}

// obey carries out a command. It returns false after the last one.
func (c *client) obey(name, argument string) (more bool) {
	switch name {
	case "QUIT":
		defer c.release() // before the answer is sent, so the client may come back at once
		if len(c.deleted) > 0 {
			if err := c.drop.Delete(c.deleted); err != nil {
				c.say("-ERR some messages are not deleted: %v", err)
				return false
			}
		}
		c.say("+OK bye")
		return false
	case "CAPA":
		c.say("+OK")
		capabilities := "TOP\nUIDL\nUSER\n"
		if c.mayTurnToTLS() {
			capabilities += "STLS\n"
		}
		c.lines([]byte(capabilities))
		return true
	}
	if c.drop == nil {
		return c.authorize(name, argument)
	}
	switch name {
	case "NOOP":
		c.say("+OK")
	case "RSET":
		c.deleted = nil
		c.say("+OK")
	case "STAT":
		number, size := c.sum()
		c.say("+OK %d %d", number, size)
	case "LIST":
		c.list(argument, func(m Message) string { return strconv.Itoa(m.Size) })
	case "UIDL":
		c.list(argument, func(m Message) string { return m.ID })
	case "DELE":
		if i, ok := c.message(argument); ok {
			if c.deleted == nil {
				c.deleted = map[int]bool{}
			}
			c.deleted[i] = true
			c.say("+OK")
		}
	case "RETR":
		c.read(argument, -1)
	case "TOP":
		number, lines, _ := strings.Cut(argument, " ")
		n, err := strconv.Atoi(lines)
		if err != nil || n < 0 {
			c.say("-ERR TOP needs a message number and a number of lines")
			break
		}
		c.read(number, n)
	default:
		c.say("-ERR unknown command")
	}
	return true
}

func (c *client) mayTurnToTLS() bool {
	return c.server.TLS != nil && !c.secure && c.drop == nil
}

// authorize carries out a command of a client that has not logged in.
func (c *client) authorize(name, argument string) (more bool) {
	switch name {
	case "STLS":
		if !c.mayTurnToTLS() {
			c.say("-ERR no TLS here")
			break
		}
		c.say("+OK begin")
		if c.flush() != nil {
			return false
		}
		// What the client has sent already was not encrypted. A man in the
		// middle may have inserted it, so discard it, and the user's name as
		// well.
		c.user = ""
		c.use(tls.Server(c.conn, c.server.TLS))
	case "USER":
		c.user = argument
		c.say("+OK")
	case "PASS":
		drop, err := c.server.Login(c.user, argument)
		switch {
		case err == ErrInUse:
			c.say("-ERR [IN-USE] %v", err)
		case err != nil:
			c.say("-ERR [AUTH] wrong user or password")
			c.wrong++
			return c.wrong < maxLogins
		default:
			c.drop = drop
			c.say("+OK %d messages", len(drop.Messages()))
		}
	default:
		c.say("-ERR log in with USER and PASS first")
	}
	return true
}

// message returns the index of the message with a number. If there is none, it
// tells the client and returns false.
func (c *client) message(number string) (index int, ok bool) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(c.drop.Messages()) || c.deleted[n-1] {
		c.say("-ERR no such message")
		return 0, false
	}
	return n - 1, true
}

// sum returns the number and the size of all messages that are not deleted.
func (c *client) sum() (number, size int) {
	for i, m := range c.drop.Messages() {
		if !c.deleted[i] {
			number++
			size += m.Size
		}
	}
	return number, size
}

// list tells something about one message, or about each.
func (c *client) list(number string, about func(Message) string) {
	messages := c.drop.Messages()
	if number != "" {
		if i, ok := c.message(number); ok {
			c.say("+OK %d %s", i+1, about(messages[i]))
		}
		return
	}
	n, _ := c.sum()
	c.say("+OK %d messages", n)
	var text bytes.Buffer
	for i, m := range messages {
		if !c.deleted[i] {
			fmt.Fprintf(&text, "%d %s\n", i+1, about(m))
		}
	}
	c.lines(text.Bytes())
}

// read sends a message: its header and a number of lines, or all of it if the
// number is negative.
func (c *client) read(number string, lines int) {
	i, ok := c.message(number)
	if !ok {
		return
	}
	text, err := c.drop.Read(i)
	if err != nil {
		c.say("-ERR %v", err)
		return
	}
	c.say("+OK %d bytes", len(text))
	if lines >= 0 {
		text = top(text, lines)
	}
	c.lines(text)
}

// top returns the header of a message and the first lines of its body.
func top(text []byte, lines int) []byte {
	end := bytes.Index(text, []byte("\r\n\r\n"))
	if end < 0 {
		return text // there is only a header
	}
	end += len("\r\n\r\n")
	for range lines {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return text
		}
		end += i + 1
	}
	return text[:end]
}
