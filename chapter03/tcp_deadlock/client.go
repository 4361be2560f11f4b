package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/internal/serve/progress"
)

func client(
	address socket.Address, bytecount int64, timeout time.Duration, fix bool,
) {
	bytecount = (bytecount + 15) / 16 * 16 // round up to a multiple of 16
	fmt.Printf("Sending %d bytes of data, in chunks of 16 bytes\n", bytecount)
	sock, err := socket.Connect(address, timeout)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", address), err)
	}
	program.StopOnSignal()
	context.AfterFunc(program.Stopping(), func() { sock.Release() })
	// Let small pieces travel together, as Python does.
	sock.Conn.(*net.TCPConn).SetNoDelay(false)

	back := &received{first: make(chan []byte, 1), ended: make(chan error, 1)}
	if fix {
		go back.receive(sock) // while we send
	}
	if err := send(sock, bytecount); err != nil {
		giveUp("send", err)
	}
	fmt.Println("Receiving all the data the server sends back")
	if !fix {
		go back.receive(sock) // only now
	}
	fmt.Printf("  The first data received says %s\n", pyfmt.Bytes(<-back.first))
	back.Show("bytes received")
	err = <-back.ended
	back.End()
	if n := back.Bytes(); err == nil && n < bytecount {
		err = fmt.Errorf("was expecting %d bytes but only received %d bytes"+
			" before the socket closed", bytecount, n)
	}
	if err != nil {
		giveUp("receive", err)
	}
	sock.Close()
}

// send sends bytecount bytes, and then shuts down our side.
func send(sock *socket.Conversation, bytecount int64) error {
	message := []byte("capitalize this!") // 16 bytes to repeat over and over
	var sent progress.Counter
	sent.Show("bytes sent")
	defer sent.End()
	for sent.Bytes() < bytecount {
		if _, err := sock.Write(message); err != nil {
			return err
		}
		sent.Add(len(message))
	}
	return sock.CloseWrite()
}

// received counts the bytes that come back.
type received struct {
	progress.Counter
	first chan []byte // the first data that arrived
	ended chan error  // why no more data comes; nil at end of file
}

// receive receives until end of file or an error.
func (r *received) receive(sock *socket.Conversation) {
	data := make([]byte, 42)
	n, err := sock.Read(data)
	r.first <- bytes.Clone(data[:n])
	for err == nil {
		r.Add(n)
		n, err = sock.Read(data)
	}
	if err == io.EOF {
		err = nil
	}
	r.ended <- err
}

// giveUp ends the program with a line that says what failed and why, or without
// one if the program was told to stop.
func giveUp(what string, why error) {
	if program.Stopping().Err() != nil {
		os.Exit(0)
	}
	program.Fail(what, why)
}
