package superserver

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A builtin is a service that the super-server provides itself.
type builtin struct {
	port     int
	stream   func(net.Conn)
	datagram func(fd int)
}

// The services of RFC 862, 863, 864, 867 and 868.
var builtins = map[string]builtin{
	"echo":    {7, func(c net.Conn) { io.Copy(c, c) }, reply(func(asked []byte) []byte { return asked })},
	"discard": {9, func(c net.Conn) { io.Copy(io.Discard, c) }, reply(func([]byte) []byte { return nil })},
	"daytime": {13, func(c net.Conn) { c.Write(daytime()) }, reply(func([]byte) []byte { return daytime() })},
	"chargen": {19, generate, reply(func([]byte) []byte { return characters(0) })},
	"time":    {37, func(c net.Conn) { c.Write(seconds()) }, reply(func([]byte) []byte { return seconds() })},
}

// idle is how long a conversation may be idle.
const idle = 10 * time.Minute

// converse serves a client in the background, and then closes the connection.
func converse(fd int, talk func(net.Conn)) {
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close() // package net has duplicated the descriptor
	conn, err := net.FileConn(file)
	if err != nil {
		return // the client has left
	}
	go func() {
		defer conn.Close()
		talk(patient{conn})
	}()
}

// A patient connection times out when the peer neither sends nor receives for
// a while.
type patient struct{ net.Conn }

func (p patient) Read(b []byte) (int, error) {
	p.SetDeadline(time.Now().Add(idle))
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	p.SetDeadline(time.Now().Add(idle))
	return p.Conn.Write(b)
}

// reply returns a function that receives one datagram and sends answer's reply,
// if there is one. It does not reply to privileged ports, because a service
// there might reply to the reply, and so on for ever.
func reply(answer func(asked []byte) []byte) func(fd int) {
	return func(fd int) {
		asked := make([]byte, 65535)
		n, from, err := unix.Recvfrom(fd, asked, 0)
		if err != nil || from == nil {
			return
		}
		port := 0
		switch from := from.(type) {
		case *unix.SockaddrInet4:
			port = from.Port
		case *unix.SockaddrInet6:
			port = from.Port
		}
		if text := answer(asked[:n]); text != nil && port >= 1024 {
			unix.Sendto(fd, text, 0, from) // an error does not matter: a datagram may get lost anyway
		}
	}
}

func daytime() []byte { return []byte(time.Now().Format("Mon Jan _2 15:04:05 2006\r\n")) }

// seconds returns the seconds since 1900.
func seconds() []byte {
	const from1900To1970 = 2208988800
	return binary.BigEndian.AppendUint32(nil, uint32(time.Now().Unix()+from1900To1970))
}

// generate sends lines until the client leaves.
func generate(c net.Conn) {
	for n := 0; ; n++ {
		if _, err := c.Write(characters(n)); err != nil {
			return
		}
	}
}

// characters returns line n of the character generator: 72 of the 95 printable
// characters, where each line begins one character later.
func characters(n int) []byte {
	line := make([]byte, 0, 74)
	for i := range 72 {
		line = append(line, ' '+byte((n+i)%95))
	}
	return append(line, "\r\n"...)
}
