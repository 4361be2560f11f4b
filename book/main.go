// Book opens the book in a browser: the pages of this repository, with a page for
// each listing and its source.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"fopnp/internal/book"
	"fopnp/internal/serve/program"
)

func main() {
	port := pflag.IntP("port", "p", 8107, "the TCP `PORT` of the book; 0 for any")
	export := pflag.String("export", "", "write the book to the folder `DIR`, for any web server, and exit")
	epub := pflag.String("epub", "", "write the book to `FILE` in the EPUB format, and exit")
	pflag.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: %s [-p PORT] [--export DIR] [--epub FILE]\n\n%s", program.Name(), pflag.CommandLine.FlagUsages())
	}
	pflag.Parse()

	root, err := repository()
	if err != nil {
		program.Fail("find the repository", err)
	}
	b, err := book.Load(root)
	if err != nil {
		program.Fail("read the book", err)
	}
	if *epub != "" {
		if err := b.WriteEPUB(*epub); err != nil {
			program.Fail("write the EPUB", err)
		}
	}
	if *export != "" {
		if err := b.Export(*export); err != nil {
			program.Fail("export the book", err)
		}
	}
	if *epub != "" || *export != "" {
		return
	}
	serve(b, *port)
}

// repository returns the folder of go.mod: the current folder, or one above it.
func repository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "internal", "book", "book.go")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not in a clone of it; change into its folder", folder)
		}
	}
}

func serve(b *book.Book, port int) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		program.Fail(fmt.Sprintf("listen at 127.0.0.1:%d", port), err)
	}
	at := l.Addr().(*net.TCPAddr)
	fmt.Printf("The book is open at http://%s/\n", at)
	server := &http.Server{
		Handler:           &book.Server{Book: b, Port: at.Port},
		ReadHeaderTimeout: 10 * time.Second,
	}
	program.StopOnSignal()
	go func() {
		<-program.Stopping().Done()
		server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		program.Fail("serve the book", err)
	}
}
