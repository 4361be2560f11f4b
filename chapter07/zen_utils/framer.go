package zen_utils

import (
	"bytes"

	"fopnp/internal/py/socket"
)

// A Framer cuts a stream of bytes into messages, each of which ends in a mark
// of one byte: "?" for questions, "." for answers. It works on bytes alone,
// whoever received them and however they were split on the way: several
// messages may have come in one segment, or one message in many. White space
// (CR, LF, space, tab) in front of a message belongs to none, so that lines
// typed into telnet are messages too.
//
// The zero Framer is ready, and keeps nothing between messages: 10,000 silent
// clients cost it no buffers. It allocates only for a message that is split.
type Framer struct {
	fed  []byte // what is still to be cut: the caller's bytes, or rest
	rest []byte // the beginning of a message, kept while the caller reads on
}

// Feed gives the Framer the bytes that were received next. They are not
// copied: data must stay as it is until Next has returned nil.
func (f *Framer) Feed(data []byte) {
	if len(f.rest) == 0 {
		f.fed = data
		return
	}
	f.rest = append(f.rest, data...)
	f.fed = f.rest
}

// Next returns the next whole message up to and including its end mark. It
// returns nil when more bytes must be fed first, and an error when a message
// has grown beyond socket.MaxMessage without an end. The message is valid until
// the next call of Next or Feed.
func (f *Framer) Next(end byte) ([]byte, error) {
	message := bytes.TrimLeft(f.fed, "\r\n \t")
	length := bytes.IndexByte(message, end)
	if length > socket.MaxMessage ||
		length < 0 && len(message) > socket.MaxMessage {
		f.fed, f.rest = nil, nil
		return nil, socket.TooLong(message, end, socket.MaxMessage)
	}
	if length >= 0 {
		f.fed = message[length+1:]
		return message[:length+1], nil
	}
	f.keep(message)
	return nil, nil
}

// keep copies the beginning of a message out of the caller's bytes, and lets
// go of the copy as soon as there is none.
func (f *Framer) keep(message []byte) {
	if len(message) == 0 {
		f.rest = nil
	} else {
		f.rest = append(f.rest[:0], message...)
	}
	f.fed = f.rest
}

// Rest is the message that has begun and not ended: empty between messages.
func (f *Framer) Rest() []byte { return f.rest }
