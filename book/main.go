// Book opens the book in a browser: the chapters, a page for each listing, and any
// two listings side by side.
//
// With -export it writes the same pages for any web server, and with -epub for an
// e-book reader.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"fopnp/internal/book"
	"fopnp/internal/live"
	"fopnp/internal/serve/program"
)

// options are what the command line says.
type options struct {
	port         int
	export, epub string
}

func main() {
	live.Main()
	o := parse(os.Args[1:])
	root, err := repository()
	if err != nil {
		program.Fail("find the book", err)
	}
	b, err := book.Load(root)
	if err != nil {
		program.Fail("read the book", err)
	}
	if o.export != "" {
		if err := b.Export(o.export); err != nil {
			program.Fail("export the book", err)
		}
	}
	if o.epub != "" {
		if err := b.WriteEPUB(o.epub); err != nil {
			program.Fail("write the EPUB", err)
		}
	}
	if o.export == "" && o.epub == "" {
		serve(b, root, o.port)
	}
}

// parse reads the command line. If it is wrong, the program ends.
func parse(args []string) (o options) {
	// The packages of the tests, which read the pages, have flags of their own.
	flags := flag.NewFlagSet(program.Name(), flag.ContinueOnError)
	flags.IntVar(&o.port, "p", 8107, "listen at this TCP `PORT` of 127.0.0.1; 0 chooses a free one")
	flags.StringVar(&o.export, "export", "", "write the pages to the folder `DIR`, for any web server, and exit")
	flags.StringVar(&o.epub, "epub", "", "write the book to the e-book `FILE`, and exit")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "usage: %s [-p PORT] [-export DIR] [-epub FILE]\n\n"+
			"Serves the book to a browser on this machine, or writes it to files.\n\n", program.Name())
		flags.PrintDefaults()
	}
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument: %s", flags.Arg(0))
		fmt.Fprintln(flags.Output(), err)
		flags.Usage()
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		os.Exit(2)
	}
	return o
}

// repository returns the root of the repository: the current folder, or one above
// it.
func repository() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := here; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "internal", "book", "book.go")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not in the repository; change into its folder", here)
		}
	}
}

// serve shows the book until the reader stops it.
func serve(b *book.Book, root string, port int) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		program.Fail(fmt.Sprintf("listen at port %d (-p chooses another)", port), err)
	}
	at := l.Addr().(*net.TCPAddr)
	pages := &book.Server{Book: b, Port: at.Port}
	if err := live.Supported(); err != nil {
		fmt.Printf("The book is open at http://%s/\nYou cannot run its blocks: %v.\nCtrl-C closes it.\n", at, err)
	} else {
		blocks := live.New(live.Config{Root: root, Page: b.Document().Page})
		defer blocks.Close()
		blocks.Build()
		pages.Live = blocks
		fmt.Printf("The book is open at http://%s/#token=%s\nCtrl-C closes it.\n", at, blocks.Token())
	}
	server := newServer(pages)
	program.StopOnSignal()
	go func() {
		<-program.Stopping().Done()
		server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		program.Fail("serve the book", err)
	}
}

// newServer returns a server that closes connections on which nothing happens. A
// WebSocket stays open, because its reader may be thinking.
func newServer(pages http.Handler) *http.Server {
	return &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
}
