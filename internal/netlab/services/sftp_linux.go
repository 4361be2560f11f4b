package services

import (
	"fmt"
	"io"
	"os"

	"github.com/pkg/sftp"

	"fopnp/internal/serve/program"
)

// SFTPServerMain is the program of [SSH.SFTP]. It serves SFTP on stdin and
// stdout, with the rights of its process, and returns its exit status. Relative
// paths begin in its working directory.
func SFTPServerMain(args []string) (status int) {
	if len(args) > 0 {
		fmt.Fprintf(os.Stderr, "usage: %s\n", program.Name())
		return 2
	}
	server, err := sftp.NewServer(stdio{os.Stdin, os.Stdout})
	if err == nil {
		err = server.Serve()
	}
	if err != nil && err != io.EOF { // EOF is the client's goodbye
		program.Complain("serve SFTP", err)
		return 1
	}
	return 0
}

// stdio reads from stdin and writes to stdout.
type stdio struct {
	io.Reader
	io.WriteCloser
}
