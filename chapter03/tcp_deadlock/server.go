package main

import (
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

func server(address socket.Address, timeout time.Duration) {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	fmt.Printf("Listening at %v\n", listener.Address)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // told to stop
		}
		sc := socket.Converse(conn, timeout)
		sockname := pyfmt.Addr(conn.RemoteAddr())
		fmt.Printf("Processing up to 1024 bytes at a time from %s\n", sockname)
		processed := count(func(n *counter) error { return capitalize(sc, n) })
		if err := processed.show("bytes processed so far"); err != nil {
			program.Complain("client "+sockname, err)
		}
		sc.Close()
		fmt.Println("  Socket closed")
	}
}

// capitalize sends back in capitals whatever comes, until no more does. The
// client has its time for each piece, to send it and to take it back.
func capitalize(sc *socket.Conversation, processed *counter) error {
	data := make([]byte, 1024)
	for {
		sc.StartClock()
		n, err := sc.Read(data)
		if err == io.EOF || err == socket.ErrStopped {
			return nil
		} else if err != nil {
			return err
		}
		output := pyfmt.Upper(data[:n])
		if n, err := sc.Write(output); err != nil {
			return fmt.Errorf("%s before we sent %d bytes",
				program.Why(err), len(output)-n)
		}
		processed.Add(int64(n))
	}
}
