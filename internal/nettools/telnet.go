package nettools

import (
	"bufio"
	"io"
	"sync"
)

// Telnet's commands and options, which follow the byte iac.
//
// Source: RFC 854, RFC 857 (echo), RFC 858 (suppress go ahead), RFC 1073
// (window size), RFC 1091 (terminal type)
const (
	se, breaks, interrupt, areYouThere = 240, 243, 244, 246
	sb, will, wont, do, dont, iac      = 250, 251, 252, 253, 254, 255

	optEcho, optSuppressGoAhead, optTerminalType, optWindowSize = 1, 3, 24, 31
)

// maxSub is the number of bytes that a conversation keeps of a subnegotiation.
const maxSub = 256

// A conversation is one end of a telnet connection. Read returns the peer's data
// without the telnet commands, which it obeys as they arrive. One goroutine may
// read while others write.
type conversation struct {
	in  *bufio.Reader
	out io.Writer

	ours, theirs map[byte]bool                  // the options that each end may use, set before the first Read
	agreed       func(verb, option byte)        // the peer has sent do or will for an option that is allowed, if not nil
	sub          func(option byte, text []byte) // a subnegotiation of the peer, if not nil
	command      func(byte) (data []byte)       // a command such as interrupt; data is what Read returns for it
	enter        bool                           // Read returns one CR for a line's end

	mu      sync.Mutex       // guards what follows, and out
	using   map[[2]byte]bool // [2]byte{will or do, option}: agreed, or asked for
	afterCR bool             // the last byte that was written is CR

	readCR bool // the last byte that was read is CR
}

func newConversation(conn io.ReadWriter) *conversation {
	return &conversation{in: bufio.NewReader(conn), out: conn, using: map[[2]byte]bool{},
		ours: map[byte]bool{}, theirs: map[byte]bool{}}
}

// sendSub sends a subnegotiation.
func (c *conversation) sendSub(option byte, text ...byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	bytes := []byte{iac, sb, option}
	for _, b := range text {
		if bytes = append(bytes, b); b == iac {
			bytes = append(bytes, iac)
		}
	}
	return c.send(append(bytes, iac, se)...)
}

func (c *conversation) send(bytes ...byte) error {
	_, err := c.out.Write(bytes)
	return err
}

// Write sends data. A CR without LF becomes CR NUL, as telnet requires, once the
// next byte is known.
func (c *conversation) Write(data []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bytes := make([]byte, 0, len(data)+8)
	for _, b := range data {
		if c.afterCR && b != '\n' {
			bytes = append(bytes, 0)
		}
		c.afterCR = b == '\r'
		if bytes = append(bytes, b); b == iac {
			bytes = append(bytes, iac)
		}
	}
	if err := c.send(bytes...); err != nil {
		return 0, err
	}
	return len(data), nil
}

// ReadByte returns the next byte of the peer's data.
func (c *conversation) ReadByte() (byte, error) {
	for {
		b, err := c.in.ReadByte()
		if err != nil {
			return 0, err
		}
		wasCR := c.readCR
		c.readCR = b == '\r'
		switch {
		case b == iac:
			c.readCR = wasCR
			data, err := c.obey()
			if err != nil {
				return 0, err
			}
			if data != nil {
				c.readCR = false
				return data[0], nil
			}
		case wasCR && (b == 0 || b == '\n' && c.enter): // the rest of a line's end
		default:
			return b, nil
		}
	}
}

// Read waits for at least one byte of data and returns as many as have arrived.
func (c *conversation) Read(buffer []byte) (n int, err error) {
	for n < len(buffer) && (n == 0 || c.in.Buffered() > 0 && c.plain()) {
		b, err := c.ReadByte()
		if err != nil {
			return n, err
		}
		buffer[n] = b
		n++
	}
	return n, nil
}

// plain reports whether ReadByte can return the next byte, which has arrived,
// without waiting for another.
func (c *conversation) plain() bool {
	next, err := c.in.Peek(1)
	return err == nil && next[0] != iac && next[0] != 0 && next[0] != '\n'
}

// obey reads and obeys the command after an iac. It returns the data that the
// command stands for, if any.
func (c *conversation) obey() (data []byte, err error) {
	verb, err := c.in.ReadByte()
	if err != nil {
		return nil, err
	}
	switch verb {
	case iac:
		return []byte{iac}, nil
	case will, wont, do, dont:
		option, err := c.in.ReadByte()
		if err != nil {
			return nil, err
		}
		c.negotiate(verb, option)
		return nil, nil
	case sb:
		text, err := c.readSub()
		if err == nil && len(text) > 0 && c.sub != nil {
			c.sub(text[0], text[1:])
		}
		return nil, err
	}
	if c.command != nil {
		data = c.command(verb)
	}
	return data, nil
}

// negotiate answers what the peer says about an option. It answers only changes,
// so the two ends cannot answer each other for ever. It does not matter if an
// answer cannot be sent: we may have closed our side, and can still read.
func (c *conversation) negotiate(verb, option byte) {
	// do and dont are about us, will and wont about the peer.
	side, yes, no, allowed := byte(will), byte(will), byte(wont), c.ours[option]
	if verb == will || verb == wont {
		side, yes, no, allowed = do, do, dont, c.theirs[option]
	}
	wants := verb == do || verb == will
	key := [2]byte{side, option}

	c.mu.Lock()
	was := c.using[key]
	c.using[key] = wants && allowed
	switch {
	case wants && !was && allowed:
		c.send(iac, yes, option)
	case wants && !allowed, !wants && was:
		c.send(iac, no, option)
	}
	c.mu.Unlock()
	if wants && allowed && c.agreed != nil {
		c.agreed(verb, option)
	}
}

// readSub reads a subnegotiation up to its end.
func (c *conversation) readSub() (text []byte, err error) {
	for {
		b, err := c.in.ReadByte()
		if err != nil {
			return nil, err
		}
		if b == iac {
			if b, err = c.in.ReadByte(); err != nil || b == se {
				return text, err
			}
		}
		if len(text) < maxSub {
			text = append(text, b)
		}
	}
}
