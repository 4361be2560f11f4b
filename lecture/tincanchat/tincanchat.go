// Package tincanchat holds the code that the echo and chat programs share: it
// sends and receives UTF-8 messages that end in a NUL byte. Its functions are
// named after those of the book's module.
//
// Source: Learning Python Network Programming - Client and Server Applications
//
// What to notice: one segment can hold several messages, and one message can
// arrive in many segments. ParseRecvdData returns the same messages, however
// the stream was split.
//
// What Go changes: a message has 4096 bytes at most, and its bytes must be
// UTF-8. In the original, an empty message hangs the server, a second message
// in a segment becomes part of the first, and a byte that is not UTF-8 ends the
// program.
package tincanchat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// Host and Port are where servers listen, unless the command line says
// otherwise.
const Host, Port = "", 4040

// ParseCommandLine parses the command line of a server.
func ParseCommandLine(description string) socket.Address {
	return lecture.ParseServerOptions(argparse.New(description),
		socket.Address{Host: Host, Port: Port})
}

// CreateListenSocket opens the socket where a server receives connections, and
// announces its own address as Python prints it. If the host is empty, the
// server listens on IPv4 and IPv6, and announces the address of IPv4 as the
// book does. If CreateListenSocket cannot open the socket, the program ends
// with status 1 and a line that says why.
func CreateListenSocket(address socket.Address) *socket.Listener {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	listening := pyfmt.Addr(listener.Addr())
	if address.Host == "" {
		listening = pyfmt.HostPort("0.0.0.0", listener.Address.Port)
	}
	program.Printf("Listening on %s\n", listening)
	return listener
}

// end is the end mark of every message.
const end = '\x00'

// ParseRecvdData breaks up received data into messages, without their end
// marks. The beginning of a message that is not whole yet stays in received.
//
// An error means that a message is too long or not UTF-8. The messages before
// it are good. The error names what came after it, because that is not parsed.
func ParseRecvdData(
	received *framing.Framer, data []byte,
) (msgs []string, err error) {
	for msg := range received.Messages(data, end, "") {
		text, err := decode(msg)
		if err != nil {
			return msgs, nameAfter(err, received.Behind())
		}
		msgs = append(msgs, text)
	}
	return msgs, received.Err()
}

// decode returns a message that was received, without its end mark.
func decode(msg []byte) (string, error) {
	msg = msg[:len(msg)-1]
	if !utf8.Valid(msg) {
		return "", fmt.Errorf("received %s, which is not UTF-8", quote(msg))
	}
	return string(msg), nil
}

// nameAfter returns the error of a message that is refused because of err. It
// also names what came after the message, if anything did.
func nameAfter(err error, after []byte) error {
	if len(after) == 0 {
		return err
	}
	return fmt.Errorf("%w, and %s after it", err, quote(after))
}

// quote returns data as Python prints it, but no more than the first 40 bytes.
func quote(data []byte) string {
	if len(data) > 40 {
		return pyfmt.Bytes(data[:40]) + "..."
	}
	return pyfmt.Bytes(data)
}

// CheckMsg returns an error if msg is no message: if it is too long, is not
// UTF-8 or contains the end mark. A client does not send such a message,
// because the server would hang up, or take it for two messages.
func CheckMsg(msg string) error {
	switch {
	case len(msg) > framing.MaxMessage:
		return fmt.Errorf("a message of %d bytes is too long (at most %d)",
			len(msg), framing.MaxMessage)
	case strings.Contains(msg, string(end)):
		return errors.New("a message cannot contain a NUL byte")
	case !utf8.ValidString(msg):
		return errors.New("a message must be UTF-8")
	}
	return nil
}

// RecvMsg waits for a message and returns it, for a peer that sends only one.
// Rest is what had come after the message, if anything had. The error is io.EOF
// if no byte came, and otherwise one of those of RecvMsgs.
func RecvMsg(
	sock *socket.Conversation,
) (msg string, rest []byte, err error) {
	// There is room after even the longest message. Otherwise, what came with
	// a message that just fits would be neither echoed nor named.
	room := make([]byte, framing.MaxMessage+512)
	for {
		n, ended := sock.Read(room)
		sock.Received.Feed(room[:n])
		whole, err := sock.Received.Next(end, "")
		switch {
		case whole != nil:
			_, rest, _ = bytes.Cut(room[:n], []byte{end})
			msg, err = decode(whole)
			return msg, rest, err
		case err == nil && ended != nil:
			err = framing.Ended(sock.Received.Rest(), ended)
		}
		if err != nil {
			return "", nil, err
		}
	}
}

// RecvMsgs waits until data arrives that completes one message at least, and
// returns all messages that are complete then. There can be messages and an
// error: the messages came before it.
//
// The error is io.EOF if the peer closed its side between messages, or the
// program stops. Otherwise it says why the conversation cannot go on, and what
// had been received of a message.
func RecvMsgs(sock *socket.Conversation) (msgs []string, err error) {
	for len(msgs) == 0 && err == nil {
		data, ended := sock.Recv()
		msgs, err = ParseRecvdData(&sock.Received, data)
		if err == nil && ended != nil {
			err = framing.Ended(sock.Received.Rest(), ended)
		}
	}
	return msgs, err
}

// PrepMsg returns msg as it goes over the wire.
func PrepMsg(msg string) []byte {
	return append(append(make([]byte, 0, len(msg)+1), msg...), end)
}

// SendMsg sends msg in one write. The peer's time begins anew, to take the
// message.
func SendMsg(sock io.Writer, msg string) error {
	_, err := sock.Write(PrepMsg(msg))
	return err
}

// PrintMsg prints a message in one line. Characters that would end the line or
// control the terminal are escaped, so no message passes for another line.
func PrintMsg(msg string) {
	if strings.ContainsFunc(msg, notASCII) {
		msg = pyfmt.Bare([]byte(msg))
	}
	program.Printf("%s\n", msg)
}

func notASCII(r rune) bool { return r < ' ' || r > '~' }
