// File_server sends files below a folder, with a thread for each client: first
// the length and the SHA-256 of a file, and then its bytes.
//
// Source: Network Programming - Server & Client B: File Transfer, a text that
// Server & Client A: Basics names
//
// What to notice: the loop does nothing but accept clients. A slow client, or a
// large file, keeps no other client waiting.
//
// A client gets the plain files below the folder, and nothing else. It is easy
// to refuse the name "../x". It is harder to follow no symbolic link out of the
// folder: the link may appear between the check and the open. So package folder
// leaves this to os.Root.
//
// What to try: "echo 0 mytext.txt | nc -N localhost 60000" is a client, too.
//
// What Go changes: the original sends mytext.txt whatever the client asks for,
// and then "Thank you for connecting", which its client adds to the file. If
// mytext.txt is missing, it ends. A thread is a goroutine. The system copies a
// large file to the socket, so the server reads it only for its hash.
package main

import (
	"io"
	"sync"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/basics"
)

// run sends a client the file that it asks for.
func run(conn *socket.Conversation, files *basics.Files) error {
	defer conn.Close()
	data, err := basics.ReceiveRequest(conn)
	if err == io.EOF {
		return nil // the client asked for nothing
	} else if err != nil {
		return err
	}
	program.Printf("('Server received', %s)\n", pyfmt.Repr(pyfmt.Repr(data)))
	f, offset, answer, err := files.Open(data)
	if err != nil {
		conn.SendAll(basics.RefusalLine(err)) // the client may be gone
		return err
	}
	defer f.Close()
	err = conn.SendFile(answer.Line(), f, answer.Length-offset)
	if err == nil {
		program.Println("Done sending")
	}
	return err
}

func main() {
	parser := argparse.New("file server")
	root := parser.Path("root", "dir", ".",
		"the folder to serve (default '%(default)s')")
	address := lecture.ParseServerOptions(parser, socket.Address{Port: 60000})
	files := basics.NewFiles(lecture.OpenFolder(*root))
	s := lecture.Listen(address)
	program.Println("Server listening....")
	var threads sync.WaitGroup
	for {
		conn, err := s.Accept()
		if err != nil {
			break // the server was told to stop
		}
		addr := conn.RemoteAddr()
		program.Println("Got connection from", pyfmt.Addr(addr))
		threads.Go(func() {
			if err := run(conn, files); err != nil {
				lecture.Complain(addr, err)
			}
		})
	}
	threads.Wait()
}
