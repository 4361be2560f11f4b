package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

func client(address socket.Address, bytecount int64, fix bool) {
	bytecount = (bytecount + 15) / 16 * 16 // round up to a multiple of 16
	fmt.Printf("Sending %d bytes of data, in chunks of 16 bytes\n", bytecount)
	conn, err := socket.Connect(address)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", address), err)
	}
	program.StopOnSignal()
	context.AfterFunc(program.Stopping(), func() { conn.Close() })

	sock := &sender{conn.(*net.TCPConn), bytecount, make(chan []byte, 1)}
	sock.SetNoDelay(false) // let small pieces travel together, as Python does
	receiving := sync.OnceValue(func() *counter { return count(sock.receive) })
	if fix {
		receiving() // begins, and does not wait until all is sent
	}
	if err := count(sock.send).show("bytes sent"); err != nil {
		giveUp("send", err)
	}
	fmt.Println("Receiving all the data the server sends back")
	received := receiving()
	for data := range sock.first {
		fmt.Printf("  The first data received says %s\n", pyfmt.Bytes(data))
	}
	if err := received.show("bytes received"); err != nil {
		giveUp("receive", err)
	}
	sock.Close()
}

// A sender is the client's end of the conversation.
type sender struct {
	*net.TCPConn
	bytecount int64
	first     chan []byte // gets what is received first
}

func (s *sender) send(sent *counter) error {
	message := []byte("capitalize this!") // 16 bytes to repeat over and over
	for sent.Load() < s.bytecount {
		if _, err := s.Write(message); err != nil {
			return err
		}
		sent.Add(int64(len(message)))
	}
	return s.CloseWrite()
}

func (s *sender) receive(received *counter) error {
	data := make([]byte, 42)
	n, err := s.Read(data)
	if err == nil || err == io.EOF {
		s.first <- bytes.Clone(data[:n])
	}
	close(s.first)
	for err == nil {
		received.Add(int64(n))
		n, err = s.Read(data)
	}
	if err != io.EOF {
		return err
	}
	if n := received.Load(); n < s.bytecount {
		return fmt.Errorf("was expecting %d bytes but only received %d bytes"+
			" before the socket closed", s.bytecount, n)
	}
	return nil
}

// giveUp ends the program: with a line that says what failed, and why, or with
// none if it was told to stop.
func giveUp(what string, why error) {
	if program.Stopping().Err() != nil {
		os.Exit(0)
	}
	program.Fail(what, why)
}
