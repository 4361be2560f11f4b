// File_client fetches a file, and resumes an earlier transfer that broke: what
// has arrived stays in FILE.part until the length and the SHA-256 are right.
//
// Source: Network Programming - Server & Client B: File Transfer, a text that
// Server & Client A: Basics names
//
// What to notice: how does the client know that it has all of the file? The
// server hangs up, but so does a server that dies. The length tells the client
// that all bytes have arrived. The hash tells it that they are the right ones.
//
// What to try: stop the client with Ctrl-C in the middle of a large file. Look
// at received_file.part, and start the client again.
//
// What Go changes: the original sends "Hello server!", saves whatever comes and
// says "Successfully get the file", even if the connection broke. Here the
// client names the file. A transfer that fails leaves the old FILE as it was.
package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/lecture"
	"fopnp/lecture/basics"
)

// receiving is printed once, even if the client has to ask twice.
var receiving = sync.OnceFunc(func() {
	fmt.Println("file opened")
	fmt.Println("receiving data...")
})

// fetch asks for a file from an offset on, and adds the bytes that arrive to f.
func fetch(
	address socket.Address, timeout time.Duration,
	request basics.Request, f *basics.Part,
) error {
	line, err := request.Line()
	if err != nil {
		return err
	}
	s := lecture.Connect(address, timeout)
	defer s.Close()
	if err := s.SendAll(line); err != nil {
		return err
	}
	answer, data, err := basics.ReceiveAnswer(s)
	if err != nil {
		return err
	}
	if err := f.Begin(request, answer); err != nil {
		return err
	}
	receiving()
	rest := answer.Length - f.Len()
	bar := lecture.Bar(rest)
	defer bar.Close()
	if _, err := io.CopyN(io.MultiWriter(f, bar), data, rest); err != nil {
		return f.Broken(answer, err)
	}
	return f.Finish(answer, data)
}

func main() {
	address, timeout, name, file := basics.ParseFileCommandLine("file client",
		socket.Address{Host: "localhost", Port: 60000},
		"mytext.txt", "received_file")
	request := basics.Request{Name: name}
	f, err := basics.OpenPart(file)
	if err == nil {
		request.Offset = f.Len()
		err = fetch(address, timeout, request, f)
		if f.IsOther(err) { // the part may be of another file
			request.Offset = 0
			err = fetch(address, timeout, request, f)
		}
		f.Close()
	}
	if err != nil {
		what := fmt.Sprintf("get %s from %v", pyfmt.Str(name), address)
		basics.Fail(what, err)
	}
	fmt.Println("Successfully get the file")
	fmt.Println("connection closed")
}
