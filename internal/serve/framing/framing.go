// Package framing cuts a stream of bytes into messages. TCP carries bytes, not
// messages: one segment can hold several messages, and one message can arrive in
// many segments. A Framer finds the messages however the stream was split.
package framing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/program"
)

// MaxMessage is the longest message in bytes, without its end mark.
const MaxMessage = 4096

// Blanks are the bytes that a person's terminal may put between messages. Pass
// them to Next where a message never begins with one.
const Blanks = "\r\n \t"

// A Framer holds what was received of messages that are not whole yet. The zero
// Framer is ready. It keeps no buffer between messages, so a client that is
// silent costs no memory here, and it allocates only for a split message.
type Framer struct {
	fed  []byte // bytes still to cut: the caller's, or rest
	rest []byte // a copy of the beginning of a message
	err  error
}

// Feed gives the Framer the bytes that were received next. It does not copy
// them: data must not change until Next has returned nil.
func (f *Framer) Feed(data []byte) {
	if len(f.rest) == 0 {
		f.fed = data
		return
	}
	f.rest = append(f.rest, data...)
	f.fed = f.rest
}

// Next returns the next whole message with its end mark, a single byte, and
// without the blanks before it. The message is valid until the next call of
// Next or Feed. Next returns nil when it needs more bytes. Once a message is
// longer than MaxMessage, Next returns an error, and so does every later call.
func (f *Framer) Next(end byte, blanks string) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	message := bytes.TrimLeft(f.fed, blanks)
	length := bytes.IndexByte(message, end)
	if length > MaxMessage || length < 0 && len(message) > MaxMessage {
		f.err = TooLong(message, end, MaxMessage)
		f.fed, f.rest = nil, nil
		return nil, f.err
	}
	if length >= 0 {
		f.fed = message[length+1:]
		return message[:length+1], nil
	}
	f.keep(message)
	return nil, nil
}

// Messages feeds data and then yields each message that is whole now. After the
// loop, Err tells whether the stream can go on.
func (f *Framer) Messages(data []byte, end byte, blanks string) iter.Seq[[]byte] {
	f.Feed(data)
	return func(yield func([]byte) bool) {
		for {
			message, _ := f.Next(end, blanks)
			if message == nil || !yield(message) {
				return
			}
		}
	}
}

// keep copies the beginning of a message out of the caller's bytes, or drops
// the copy if message is empty.
func (f *Framer) keep(message []byte) {
	if len(message) == 0 {
		f.rest = nil
	} else {
		f.rest = append(f.rest[:0], message...)
	}
	f.fed = f.rest
}

// Behind returns the bytes after the message that Next returned last. They are
// valid as long as that message.
func (f *Framer) Behind() []byte { return f.fed }

// Rest returns the beginning of a message that is not whole yet. It is empty
// between messages, and after an error.
func (f *Framer) Rest() []byte { return f.rest }

// Err returns the error that Next returns for ever, or nil.
func (f *Framer) Err() error { return f.err }

// TooLong returns the error for a message that has no end mark within limit
// bytes. It quotes the first 40 bytes of the message.
func TooLong(message []byte, end byte, limit int) error {
	return fmt.Errorf("received %s... without %s in %d bytes",
		pyfmt.Bytes(message[:40]), pyfmt.Bytes([]byte{end}), limit)
}

// Ended returns the error of a connection that ended because of why, when half
// a message (or none) had been received. It is io.EOF if nothing was lost: the
// peer closed the connection between messages, or the program stops. Ended
// treats io.ErrUnexpectedEOF, which functions of package io return for half a
// message, like io.EOF.
func Ended(half []byte, why error) error {
	if why == io.ErrUnexpectedEOF {
		why = io.EOF
	}
	switch {
	case len(half) == 0 && (why == io.EOF || why == program.ErrStopped):
		return io.EOF
	case len(half) == 0:
		return errors.New(program.Why(why))
	case why == io.EOF:
		return fmt.Errorf("received %s then socket closed", pyfmt.Bytes(half))
	}
	return fmt.Errorf("received %s then %s", pyfmt.Bytes(half), program.Why(why))
}

// Unsent returns the error of a connection that ended because of why, before
// data was sent. It is an *UnsentError.
func Unsent(data []byte, why error) error {
	return &UnsentError{len(data), why,
		fmt.Sprintf("%s before we sent %s", program.Why(why), pyfmt.Bytes(data))}
}

// An UnsentError is the error of Unsent, for callers that do not want to quote
// what was not sent.
type UnsentError struct {
	Unsent int   // how many bytes were not sent
	Why    error // why the connection ended

	text string
}

func (e *UnsentError) Error() string { return e.text }
