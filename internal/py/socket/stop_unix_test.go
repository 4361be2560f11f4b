//go:build unix

package socket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"syscall"
	"testing"
	"time"
	"weak"

	"fopnp/internal/check/progtest"
	"fopnp/internal/serve/program"
)

// isProgram is the environment variable that makes the test binary act as the
// program that the test starts.
const isProgram = "SOCKET_TEST_PROGRAM"

// Accept turns away a client that is accepted just as the program gets the
// signal to stop.
func TestAcceptWhileStopping(t *testing.T) {
	if os.Getenv(isProgram) != "" {
		acceptLate()
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAcceptWhileStopping$")
	cmd.Env = append(os.Environ(), isProgram+"=1")
	server, err := progtest.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Kill()
	client := progtest.Dial(t, server)
	if _, err := server.WaitFor(regexp.MustCompile("accepted\n")); err != nil {
		t.Fatal(err)
	}
	if err := server.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Read(make([]byte, 1)); n > 0 || os.IsTimeout(err) {
		t.Errorf("the client received %d bytes, %v", n, err)
	}
	if _, err := server.WaitFor(regexp.MustCompile("client false, closed true\n")); err != nil {
		t.Error(err)
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
}

// acceptLate accepts one client. Package net accepts the client before the
// signal to stop, and the lateListener hands it to us after that.
func acceptLate() {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		program.Fail("listen", err)
	}
	listener := NewListener(lateListener{tcp})
	fmt.Printf("Listening at ('127.0.0.1', %d)\n", tcp.Addr().(*net.TCPAddr).Port)
	client, err := listener.Accept()
	fmt.Printf("client %t, closed %t\n", client != nil, errors.Is(err, net.ErrClosed))
	os.Exit(0)
}

// A lateListener returns from Accept only after the signal to stop.
type lateListener struct{ net.Listener }

func (l lateListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	fmt.Println("accepted")
	<-program.Stopping().Done()
	return conn, err
}

// The code that stops the program does not keep a closed socket in memory.
func TestClosedSocketIsForgotten(t *testing.T) {
	listener, err := Listen(Address{Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	datagrams, err := BindUDP(Address{Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	tcp, udp := weak.Make(listener.Listener.(*net.TCPListener)), weak.Make(datagrams.conn)
	if err := errors.Join(listener.Close(), datagrams.Close()); err != nil {
		t.Fatal(err)
	}
	listener, datagrams = nil, nil
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for giveUp := time.Now().Add(progtest.Patience); tcp.Value() != nil || udp.Value() != nil; <-tick.C {
		if time.Now().After(giveUp) {
			t.Fatalf("kept: the listener %t, the UDP socket %t", tcp.Value() != nil, udp.Value() != nil)
		}
		runtime.GC()
	}
}
