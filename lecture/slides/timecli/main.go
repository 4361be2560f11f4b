// Timecli asks a time server for the time by connecting, and reads until the
// server hangs up.
//
// Source: Network Programming Using Python, CONNECTION-ORIENTED CLIENT
//
// What to notice: how does the client know that it has the whole answer? The
// server hangs up.
//
// What Go changes: the original calls recv once. That returns what has arrived,
// which may be half of the answer.
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
		socket.Address{Host: "127.0.0.1", Port: 8888})
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
	fmt.Println("The time is", pyfmt.Bare(tm))
}
