// WebclientFile gets the file myData.txt from several hosts at once, with a
// goroutine for each, and prints the files in the order of its arguments.
//
// Source: Lecture 23, 16.3 Basic Network Services (webclientFile.py)
//
// What to notice: the hosts answer in any order. The main goroutine waits for
// the first host's answer, then for the second's, and so on, while the others
// arrive. Altogether it waits only as long as the slowest host takes.
//
// What to try: the assignment. Serve a myData.txt with webserver on several
// hosts, or at several ports, name them all, and stop one.
//
// What Go changes: the original asks a single host, and reads what one recv
// returns. The lecture's web server sends its answer without a header, so we
// treat an answer that does not begin with HTTP/ as the file.
package main

import (
	"bytes"
	"cmp"
	"os"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/lecture23"
)

const page = "/myData.txt"

type answer struct {
	content []byte
	err     error
}

// getFile returns the file of a host. All of it must come within timeout.
func getFile(host string, port int, timeout time.Duration) answer {
	server, address, err := lecture23.ParseHost(host, port)
	if err != nil {
		return answer{err: err}
	}
	connection, err := socket.Connect(address, timeout)
	if err != nil {
		return answer{err: err}
	}
	defer connection.Close()
	request := "GET " + page + " HTTP/1.0\r\nHost: " + server + "\r\n\r\n"
	if err := connection.SendAll([]byte(request)); err != nil {
		return answer{err: err}
	}
	content, err := lecture23.ReadAnswer(connection, 1<<20)
	return answer{content, err}
}

func main() {
	parser := argparse.New("get " + page + " from all hosts at once")
	t := parser.Seconds("t", time.Minute,
		"how long a host may take (default %(default)s, 0: for ever)")
	p := parser.Port("p", 8080,
		"port of the hosts without one (default %(default)s)")
	hosts := parser.NeededWords("host", "HOST or HOST:PORT, one or more")
	parser.Parse()

	answers := make([]chan answer, len(*hosts))
	for i, host := range *hosts {
		answers[i] = make(chan answer, 1)
		go func() { answers[i] <- getFile(host, *p, *t) }()
	}
	status := 0
	for i, host := range *hosts {
		host = cmp.Or(pyfmt.Bare([]byte(host)), "''")
		answer := <-answers[i]
		if answer.err != nil {
			program.Complain(host, lecture23.Reason(answer.err))
			status = 1
			continue
		}
		printed := []byte(host + ":\n")
		for line := range bytes.Lines(answer.content) {
			line = lecture.Chomp(line)
			printed = append(printed, pyfmt.Bare(line)+"\n"...)
		}
		if _, err := os.Stdout.Write(printed); err != nil {
			program.Fail("print the file of "+host, err)
		}
	}
	os.Exit(status)
}
