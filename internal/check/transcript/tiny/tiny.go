// Package tiny is a network program for tests of transcripts. The test program
// itself becomes tiny when it is started under that name, so nothing has to be
// built.
package tiny

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// Main must be called by TestMain, after netns.Main. Under the name tiny it does
// what the first argument says and does not return:
//
//	shout ADDRESS [quietly]  serve: answer each client's line in capitals
//	say ADDRESS LINE         ask such a server
//	datagrams ADDRESS        open a UDP socket, and announce nothing
//	idle                     neither serve nor end
//	grumble                  announce a service, and fail on SIGTERM
//	panic                    crash
//
// More holds what else tiny can do in this test, by name.
func Main(more map[string]func(args []string) error) {
	if filepath.Base(os.Args[0]) != "tiny" {
		return
	}
	verb, args := os.Args[1], os.Args[2:]
	do := more[verb]
	if do == nil {
		do = func(args []string) error { return run(verb, args) }
	}
	if err := do(args); err != nil {
		fmt.Fprintln(os.Stderr, "tiny:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Link puts tiny in a folder of programs.
func Link(folder string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return os.Symlink(self, filepath.Join(folder, "tiny"))
}

func run(verb string, args []string) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	switch verb {
	case "shout":
		return shout(args, stop)
	case "say":
		conn, err := net.Dial("tcp", args[0])
		if err != nil {
			return err
		}
		fmt.Fprintln(conn, args[1])
		line, err := bufio.NewReader(conn).ReadString('\n')
		fmt.Print(line)
		return err
	case "datagrams":
		conn, err := net.ListenPacket("udp", args[0])
		if err != nil {
			return err
		}
		<-stop
		return conn.Close()
	case "idle":
		<-stop
		return nil
	case "grumble":
		fmt.Println("Listening at nothing, port 1")
		<-stop
		return errors.New("not like this")
	case "panic":
		panic("out of tea")
	}
	return fmt.Errorf("cannot %s", verb)
}

func shout(args []string, stop <-chan os.Signal) error {
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
}
