// Gettime asks a NIST time server for the time by connecting, reads until the
// server hangs up, and prints two fields of the line that it receives.
//
// Source: Lecture 23, 16.2 Writing a Basic Client
//
// What to notice: the client must know which field is the date and which is the
// time. That is the protocol. Timeserv of the slides sends the same time in
// other words, and gettime finds no time in them.
//
// What to try: start daytime with -p 1313, and ask it: "gettime localhost -p
// 1313". Then ask timeserv (-p 8888).
//
// What Go changes: the original calls recv once. That returns what has arrived,
// which may be half of the line. It prints the second and the third word of any
// answer, such as "Nov" and "24". Here they must be a date and a time. If the
// server says that it is not healthy, gettime warns you on stderr.
package main

import (
	"fmt"
	"io"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/lecture23"
)

func main() {
	address, timeout := lecture.ParseClientCommandLine(
		"program getting the time",
		socket.Address{Host: "time.nist.gov", Port: 13})
	s := lecture.Connect(address, timeout)
	line, err := io.ReadAll(io.LimitReader(s, 1024))
	s.Close()
	if err == nil && len(line) == 0 {
		err = io.EOF
	}
	if err != nil {
		program.Fail(fmt.Sprintf("no time from %v", address),
			framing.Ended(line, err))
	}
	now, err := lecture23.ParseNISTLine(line)
	if err != nil {
		program.Fail(fmt.Sprintf("no time from %v", address), err)
	}
	fmt.Printf("Date (YY-MM-DD) is %s, time is %s (UTC)\n", now.Date, now.Time)
	if now.Health > 0 {
		program.Complain(fmt.Sprintf("time from %v may be wrong", address),
			fmt.Errorf("health %d", now.Health))
	}
}
