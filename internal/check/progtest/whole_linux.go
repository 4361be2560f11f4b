package progtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/listings"
)

// WholeLines checks that no two log lines of a shelf's servers mix. Two
// processes of each server print to one pipe, both stdout and stderr. The pipe
// holds one page of memory, so a long line has to wait for the reader several
// times.
func WholeLines(t *testing.T, shelf string) {
	for _, listing := range listings.On(shelf, listings.Server, listings.Both, listings.Inetd) {
		t.Run(listing.Name, func(t *testing.T) {
			t.Parallel()
			if listing.Kind == listings.Inetd {
				wholeLog(t, listing)
			} else {
				wholeLines(t, listing)
			}
		})
	}
}

func wholeLines(t *testing.T, listing listings.Listing) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	makeSmall(t, w)
	printed := collect(r)

	args := listing.ServeArgs("127.0.0.1", "0", Beside(t, listing)...)
	var servers []*exec.Cmd
	for range 2 {
		server := exec.Command(filepath.Join(Bin(), listing.Name), args...)
		server.Stdout, server.Stderr = w, w
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		defer server.Wait()
		defer server.Process.Kill()
		servers = append(servers, server)
	}
	w.Close()

	announcement := regexp.MustCompile(`(?m)^(?:Listening (?:at|on)|waiting on port:|Chat server started on port) .*?(\d+)[^\d\n]*\n`)
	var ports []string
	Until(t, "both servers announced their addresses", func() bool {
		ports = nil
		for _, match := range announcement.FindAllStringSubmatch(printed.String(), -1) {
			ports = append(ports, match[1])
		}
		return len(ports) == len(servers)
	})
	var clients sync.WaitGroup
	n := 16
	if listing.ServesOne {
		n = len(servers)
	}
	for i := range n {
		clients.Go(func() {
			saysMuch(t, listing.Network, ports[i%len(ports)], byte(0x80+i), i/2%2 == 0)
		})
	}
	clients.Wait()
	if listing.Silent {
		n = 0
	}
	Until(t, "there was a line for each client", func() bool {
		return strings.Count(printed.String(), "\n") >= len(servers)+n
	})
	for _, server := range servers {
		server.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-printed.all: // the last process that has the pipe has exited
	case <-time.After(Patience):
		t.Errorf("%s still runs", listing.Name)
	}
	checkWhole(t, printed.String())
}

// A collector reads what several programs print.
type collector struct {
	mu   sync.Mutex
	text strings.Builder
	all  chan struct{} // closed when there is no more to read
}

func collect(r io.Reader) *collector {
	c := &collector{all: make(chan struct{})}
	go func() {
		defer close(c.all)
		buffer := make([]byte, 512)
		for {
			n, err := r.Read(buffer)
			c.mu.Lock()
			c.text.Write(buffer[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// makeSmall makes a pipe hold only one page of memory.
func makeSmall(t *testing.T, pipe *os.File) {
	t.Helper()
	raw, err := pipe.SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) {
			_, err = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, os.Getpagesize())
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wholeLog is wholeLines for a program of the inetd pair. Many processes of it
// append to one named pipe. A wait program gets a listener with a client, a
// nowait program a connection.
func wholeLog(t *testing.T, listing listings.Listing) {
	waits := listing.AtOnce > 0
	path := filepath.Join(t.TempDir(), "log")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	makeSmall(t, r)
	w, err := os.OpenFile(path, os.O_WRONLY, 0) // no end of file until this is closed
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	printed := collect(r)

	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Error(err)
				return
			}
			defer listener.Close()
			said := make(chan struct{})
			go func() {
				defer close(said)
				saysMuch(t, "tcp", PortOf(listener.Addr()), byte(0x80+i), i%2 == 0)
			}()
			var socket interface{ File() (*os.File, error) } = listener
			if !waits {
				listener.SetDeadline(time.Now().Add(Patience))
				conn, err := listener.AcceptTCP()
				if err != nil {
					t.Error(err)
					return
				}
				socket = conn
				defer conn.Close()
			}
			file, err := socket.File()
			if err != nil {
				t.Error(err)
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), Patience)
			defer cancel()
			args := []string{"-l", path}
			if waits {
				args = append(args, "-w", "0.5")
			}
			cmd := exec.CommandContext(ctx, filepath.Join(Bin(), listing.Name), args...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = file, file, file
			err = cmd.Start()
			file.Close()
			if conn, ok := socket.(*net.TCPConn); ok {
				conn.Close()
			}
			if err == nil {
				err = cmd.Wait()
			}
			if err != nil {
				t.Error(err)
			}
			<-said
		})
	}
	clients.Wait()
	w.Close()
	<-printed.all
	checkWhole(t, printed.String())
}

// saysMuch plays a client that sends 4096 bytes and leaves in the middle of a
// message. If half is false, it first sends a line of 4096 bytes. To a UDP
// server, it sends one datagram of 4096 bytes. All bytes are b, which a server
// prints as four characters.
func saysMuch(t *testing.T, network, port string, b byte, half bool) {
	much := bytes.Repeat([]byte{b}, 4096)
	conn, err := net.DialTimeout(network, net.JoinHostPort("127.0.0.1", port), Patience)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(Patience))
	if network == "udp" {
		conn.Write(much)
		return
	}
	if !half {
		conn.Write(append(much, '\n'))
	}
	conn.Write(much)
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, conn) // fails if the server does not read all of it
}

// checkWhole fails the test if a line is not exactly one line of a server: if
// it has bytes of two clients, only some bytes of a client, or the beginning of
// another line in its middle.
func checkWhole(t *testing.T, text string) {
	t.Helper()
	escaped := regexp.MustCompile(`(\\x[0-9a-f]{2})+`)
	long := 0
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(line, `\\x`, `\x`) // the repr of a repr
		said := escaped.FindString(line)
		if said == "" {
			continue
		}
		n := len(said) / 4
		rest := strings.Replace(line, said, "", 1)
		rest = strings.Replace(rest, ` without b'\x00' in `, ` without b'\n' in `, 1) // the end mark
		switch {
		case n == 4096, n == 1024: // creosote receives no more of a datagram
			long++
		case n == 16 && strings.Contains(rest, "sixteen-octet"):
		case n == 40 && strings.Contains(rest, "'...") && strings.HasSuffix(rest, " bytes\n"):
		default:
			t.Errorf("a line has %d bytes of a client: %s", n, shortened(line))
			continue
		}
		if said != strings.Repeat(said[:4], n) || strings.Contains(rest, `\x`) ||
			strings.Count(rest, "127.0.0.1") > 1 || !strings.HasSuffix(rest, "\n") {
			t.Errorf("mixed: %s", shortened(line))
		}
	}
	if strings.Contains(text, strings.Repeat(`\x80`, 50)) && long < 4 {
		t.Errorf("only %d lines are long:\n%s", long, shortened(text))
	}
}

func shortened(text string) string {
	return regexp.MustCompile(`(?:\\x[0-9a-f]{2}){3,}`).ReplaceAllStringFunc(text, func(s string) string {
		return s[:4] + "..." + s[len(s)-4:]
	})
}
