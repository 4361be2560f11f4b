package tincanchat

import (
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// ParseClientCommandLine parses the command line of a client. The server may
// take timeout for each message; 0 is no limit.
func ParseClientCommandLine(
	description string,
) (address socket.Address, timeout time.Duration) {
	return lecture.ParseClientCommandLine(description,
		socket.Address{Host: "127.0.0.1", Port: Port})
}

// InputMsg returns the next line that the user types and that is a message. It
// reports any other line, and waits for the next. At the end of the input, the
// error is io.EOF.
//
// If the input is a terminal, the system may cut a long line, and InputMsg does
// not notice. Linux keeps the first 4095 bytes.
func InputMsg() (string, error) {
	for {
		msg, err := lecture.Input()
		if err != nil {
			return "", err
		}
		if err = CheckMsg(msg); err == nil {
			return msg, nil
		}
		program.Complain("send", err)
	}
}

// A Chat is a client's side of a chat. One goroutine may receive while another
// one sends.
type Chat struct{ *lecture.ChatClient }

// Join takes part in the chat at the other end of sock. The server may be
// silent for as long as it likes, but must take each message within timeout. 0
// is no limit.
func Join(sock *socket.Conversation, timeout time.Duration) Chat {
	return Chat{lecture.JoinChat(sock, timeout, end)}
}

// Receive returns the next message as the client prints it: as a line, and
// escaped. For errors, see lecture.ChatClient.
func (c Chat) Receive() (string, error) {
	msg, err := c.ChatClient.Receive()
	if err != nil {
		return "", err
	}
	if last := len(msg) - 1; msg[last] == end {
		msg = msg[:last]
	}
	return pyfmt.Bare(msg) + "\n", nil
}

// Send sends a message. If msg is not a message, Send returns an error and
// sends nothing. If the server does not take the message, Send closes the
// connection.
func (c Chat) Send(msg string) error {
	if err := CheckMsg(msg); err != nil {
		return err
	}
	c.ChatClient.Send(msg)
	return nil
}
