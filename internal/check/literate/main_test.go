package literate

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The test program is also the network program of the transcripts: under the
// name tiny it serves and asks.
func TestMain(m *testing.M) {
	Main()
	if filepath.Base(os.Args[0]) == "tiny" {
		if err := tiny(os.Args[1], os.Args[2:]...); err != nil {
			fmt.Fprintln(os.Stderr, "tiny:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func tiny(verb string, args ...string) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	switch verb {
	case "shout": // serves: what a client says, in capitals
		l, err := net.Listen("tcp", args[0])
		if err != nil {
			return err
		}
		go func() { <-stop; l.Close() }()
		if len(args) == 1 {
			fmt.Println("Listening at", l.Addr())
		}
		for {
			conn, err := l.Accept()
			if err != nil {
				return nil
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			fmt.Fprint(conn, strings.ToUpper(line))
			fmt.Println("Served", conn.RemoteAddr())
			conn.Close()
		}
	case "say": // asks it
		conn, err := net.Dial("tcp", args[0])
		if err != nil {
			return err
		}
		fmt.Fprintln(conn, args[1])
		line, err := bufio.NewReader(conn).ReadString('\n')
		fmt.Print(line)
		return err
	case "datagrams": // announces nothing
		conn, err := net.ListenPacket("udp", args[0])
		if err != nil {
			return err
		}
		<-stop
		return conn.Close()
	case "idle": // neither serves nor ends
		<-stop
		return nil
	case "grumble": // serves no more, and says so
		fmt.Println("waiting to be told to go")
		<-stop
		return fmt.Errorf("not like this")
	case "weave": // the transcripts that the test is about to kill
		b := &Book{Root: args[0], Bin: args[1], shared: args[3] == "shared"}
		b.Env = []string{"FIFO=" + args[2]}
		_, problems := b.Weave("README.md", []byte(args[4]))
		return fmt.Errorf("%v", problems)
	case "panic":
		panic("out of tea")
	}
	return fmt.Errorf("cannot %s", verb)
}

// library returns a book whose files are in a new folder, and whose only program
// is tiny.
func library(t *testing.T, files map[string]string) *Book {
	t.Helper()
	b := &Book{Root: t.TempDir(), Bin: t.TempDir()}
	b.Env = []string{"GORACE=atexit_sleep_ms=0"} // a second for every tiny is too much
	b.Measured = func(words ...string) (string, error) {
		switch strings.Join(words, " ") {
		case "value":
			return "4.6 µs", nil
		case "table":
			return "| cost |\n|---:|\n| 4.6 µs |\n", nil
		case "timeline":
			return "1 ####\n", nil
		}
		return "", fmt.Errorf("never measured %q", words)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(b.Bin, "tiny")); err != nil {
		t.Log(err) // without it there are no console blocks either
	}
	for name, text := range files {
		path := filepath.Join(b.Root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return b
}
