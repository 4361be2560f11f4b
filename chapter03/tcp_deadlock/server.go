package main

import (
	"fmt"
	"io"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/internal/serve/progress"
)

func server(address socket.Address) {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	program.Printf("Listening at %v\n", listener.Address)
	for {
		sc, err := listener.Accept()
		if err != nil {
			return // the server was told to stop
		}
		sockname := pyfmt.Addr(sc.RemoteAddr())
		program.Printf("Processing up to 1024 bytes at a time from %s\n",
			sockname)
		if err := capitalize(sc); err != nil {
			program.Complain("client "+sockname, err)
		}
		sc.Close()
		program.Println("  Socket closed")
	}
}

// capitalize sends back in capitals what the client sends, until the client
// hangs up. The client's time starts anew with each piece: in this time it has
// to read the piece and send the next.
func capitalize(sc *socket.Conversation) error {
	var processed progress.Counter
	processed.Show("bytes processed so far")
	defer processed.End()
	data := make([]byte, 1024)
	for {
		n, err := sc.Read(data)
		if err == io.EOF || err == program.ErrStopped {
			return nil
		} else if err != nil {
			return err
		}
		output := pyfmt.Upper(data[:n])
		if n, err := sc.Write(output); err != nil {
			return fmt.Errorf("%s before we sent %d bytes",
				program.Why(err), len(output)-n)
		}
		processed.Add(n)
	}
}
