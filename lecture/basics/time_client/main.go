// Time_client asks a time server for the time by connecting, reads until the
// server hangs up, and prints the answer without its line ending.
//
// Source: Network Programming - Server & Client A: Basics, Simple Socket
//
// What to notice: it is timecli of the slides, but removes the line ending. The
// socket receives bytes. The original decodes them, because a string is text.
// Here Bare does that.
//
// What to try: ask timeserv of the slides (-p 8888), which sends no line
// ending.
//
// What Go changes: the original calls recv once. That returns what has arrived,
// which may be half of the answer. It prints the server's line ending and then
// its own, so an empty line follows. A byte that is not ASCII ends it with a
// traceback. Here such bytes are escaped, unless they are UTF-8.
package main

import (
	"fmt"
	"io"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

func main() {
	address, timeout := lecture.ParseClientCommandLine("time client program",
		socket.Address{Host: "localhost", Port: 9999})
	s := lecture.Connect(address, timeout)
	tm, err := io.ReadAll(io.LimitReader(s, 1024))
	s.Close()
	if err == nil && len(tm) == 0 {
		err = io.EOF
	}
	if err != nil {
		program.Fail(fmt.Sprintf("no time from %v", address),
			framing.Ended(tm, err))
	}
	fmt.Println("The time got from the server is",
		pyfmt.Bare(lecture.Chomp(tm)))
}
