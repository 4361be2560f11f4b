package basics_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// Here the test is the server of file_client, and does what file_server would
// not do. The script tests the rest.

const (
	hello    = "Hello, world\n"
	complete = "file opened\nreceiving data...\nSuccessfully get the file\nconnection closed\n"
	begun    = "file opened\nreceiving data...\n"
	old      = "the old file\n"
)

// header returns the line that announces data.
func header(data string) string {
	return fmt.Sprintf("%d %x\n", len(data), sha256.Sum256([]byte(data)))
}

// A conn is a connection of the client, whose request the test has received.
type conn struct {
	*net.TCPConn
	request string
}

// says sends text in one write. The client may be gone.
func (c conn) says(text string) { io.WriteString(c, text) }

// A server is the test as a server.
type server struct {
	*testing.T
	listener *net.TCPListener
	port     string
	file     string // which the client is to write
}

func newServer(t *testing.T) *server {
	listener, port := progtest.Listen(t)
	return &server{t, listener, port, filepath.Join(t.TempDir(), "file")}
}

// client starts a client that asks for mytext.txt.
func (s *server) client(options ...string) *progtest.Play {
	args := append([]string{"127.0.0.1", "mytext.txt", "-p", s.port, "-o", s.file}, options...)
	return progtest.Perform(s, "", "file_client", args...)
}

// accept waits for a client and its request, which must be want.
func (s *server) accept(want string) conn {
	s.Helper()
	c := progtest.Accept(s, s.listener)
	request, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || request != want {
		s.Fatalf("the client asks %q (%v), want %q", request, err, want)
	}
	return conn{c, request}
}

// complains returns the client's line about the transfer.
func (s *server) complains(why string) string {
	return "file_client: get 'mytext.txt' from ('127.0.0.1', " + s.port + "): " + why + "\n"
}

// has fails the test unless the file at path holds text, or is not there if text
// is "".
func (s *server) has(path, text string) {
	s.Helper()
	data, err := os.ReadFile(path)
	if string(data) != text || text == "" && !errors.Is(err, os.ErrNotExist) {
		s.Errorf("%s is %.100q (%v), want %.100q", filepath.Base(path), data, err, text)
	}
}

func (s *server) write(path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		s.Fatal(err)
	}
}

// Whatever a server does, the client ends with one line, leaves the old file as it
// was, keeps what may be of use, and nothing else. In each test, the client has
// part, and the server sends answers, one for each connection.
func TestFileAnswers(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, test := range map[string]struct {
		part    string
		answers []string // the first to a request for the rest, the second for all
		prints  string
		why     string // if empty, the file must be hello
		left    string // in the part
	}{
		"in one piece":        {"", []string{header(hello) + hello}, complete, "", ""},
		"no answer":           {"", []string{""}, "", "socket closed", ""},
		"half an answer":      {"", []string{"13 379"}, "", "received b'13 379' then socket closed", ""},
		"not an answer":       {"", []string{"Hello\x1b[2J\n"}, "", `received b'Hello\x1b[2J', which is not an answer`, ""},
		"an error":            {"", []string{"error: no such file\n"}, "", "no such file", ""},
		"an error to escape":  {"", []string{"error: \x1b[2J\x00\xffgone\r\n"}, "", `\x1b[2J\x00\xffgone\r`, ""},
		"an error and more":   {"", []string{"error: one\nerror: two\n"}, "", "one", ""},
		"an endless error":    {"", []string{"error: " + long}, "", "received b'error: " + long[:33] + "'... without b'\\n' in 4096 bytes", ""},
		"half an error":       {"", []string{"error: no su"}, "", "received b'error: no su' then socket closed", ""},
		"cut short":           {"", []string{header(hello) + hello[:5]}, begun, "received 5 of 13 bytes then socket closed", hello[:5]},
		"nothing after":       {"", []string{header(hello)}, begun, "received 0 of 13 bytes then socket closed", ""},
		"length too small":    {"", []string{strings.Replace(header(hello), "13", "12", 1) + hello}, begun, "received more than 12 bytes", ""},
		"length too large":    {"", []string{strings.Replace(header(hello), "13", "14", 1) + hello}, begun, "received 13 of 14 bytes then socket closed", hello},
		"length 0":            {"", []string{strings.Replace(header(hello), "13", "0", 1) + hello}, begun, "received more than 0 bytes", ""},
		"more than the file":  {"", []string{header(hello) + hello + "x"}, begun, "received more than 13 bytes", ""},
		"without end":         {"", []string{header(hello) + hello + long}, begun, "received more than 13 bytes", ""},
		"other hash":          {"", []string{header("Hello, World\n") + hello}, begun, "the bytes received have another SHA-256", ""},
		"empty and not":       {"", []string{strings.Replace(header(hello), "13", "0", 1)}, begun, "the bytes received have another SHA-256", ""},
		"huge length":         {"", []string{strings.Replace(header(hello), "13", "9223372036854775807", 1) + hello}, begun, "received 13 of 9223372036854775807 bytes then socket closed", hello},
		"the rest":            {hello[:5], []string{header(hello) + hello[5:]}, complete, "", ""},
		"nothing is missing":  {hello, []string{header(hello)}, complete, "", ""},
		"the rest, cut short": {hello[:5], []string{header(hello) + hello[5:7]}, begun, "received 7 of 13 bytes then socket closed", hello[:7]},
		"the rest, and more":  {hello[:5], []string{header(hello) + hello[5:] + "x"}, begun, "received more than 13 bytes", ""},
		"other part":          {"other", []string{header(hello) + hello[5:], header(hello) + hello}, complete, "", ""},
		"other part, twice":   {"other", []string{header(hello) + hello[5:], header(hello) + "HELLO, world\n"}, begun, "the bytes received have another SHA-256", ""},
		"other part, gone":    {"other", []string{header(hello) + hello[5:], "error: gone\n"}, begun, "gone", ""},
		"other part, cut":     {"other", []string{header(hello) + hello[5:], header(hello) + hello[:2]}, begun, "received 2 of 13 bytes then socket closed", hello[:2]},
		"long part":           {hello + "x", []string{"error: beyond the end\n", header(hello) + hello}, complete, "", ""},
		"long part, no error": {hello + "x", []string{header(hello), header(hello) + hello}, complete, "", ""},
		"long part, its hash": {hello, []string{strings.Replace(header(hello), "13", "12", 1), header(hello) + hello}, complete, "", ""},
		"long part, gone":     {hello + "x", []string{"error: beyond the end\n", "error: gone\n"}, "", "gone", hello + "x"},
		"part, no answer":     {hello[:5], []string{""}, "", "socket closed", hello[:5]},
		"part, not an answer": {hello[:5], []string{"Hello\n"}, "", "received b'Hello', which is not an answer", hello[:5]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.write(s.file, old)
			if test.part != "" {
				s.write(s.file+".part", test.part)
			}
			client := s.client("-t", "0")
			for i, answer := range test.answers {
				request := "0 mytext.txt\n"
				if i == 0 {
					request = fmt.Sprintf("%d mytext.txt\n", len(test.part))
				}
				c := s.accept(request)
				c.says(answer)
				c.CloseWrite()
				io.Copy(io.Discard, c) // until the client hangs up
				c.Close()
			}
			complaint, file := "", hello
			if test.why != "" {
				complaint, file = s.complains(test.why), old
			}
			client.Prints(t, test.prints, complaint)
			s.has(s.file, file)
			s.has(s.file+".part", test.left)
			others, err := os.ReadDir(filepath.Dir(s.file))
			if err != nil || len(others) > 2 {
				t.Errorf("beside the file are %v (%v)", others, err)
			}
		})
	}
}

// A part is thrown away even if the file is empty now.
func TestFileEmptied(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.write(s.file+".part", hello)
	client := s.client("-t", "0")
	c := s.accept("13 mytext.txt\n")
	c.says("error: beyond the end\n")
	c.Close()
	c = s.accept("0 mytext.txt\n")
	c.says(header(""))
	c.Close()
	client.Prints(t, complete, "")
	if info, err := os.Stat(s.file); err != nil || info.Size() != 0 {
		t.Errorf("the file is %v (%v), want an empty one", info, err)
	}
	s.has(s.file+".part", "")
}

// The client waits as long as -t says for the answer, and then for each piece. A
// reset is the end of the transfer, too.
func TestFileSilence(t *testing.T) {
	for name, test := range map[string]struct{ says, prints, why, left string }{
		"no answer":      {"", "", "timed out", ""},
		"half an answer": {"13 ", "", "received b'13 ' then timed out", ""},
		"no bytes":       {header(hello), begun, "received 0 of 13 bytes then timed out", ""},
		"half the bytes": {header(hello) + hello[:5], begun, "received 5 of 13 bytes then timed out", hello[:5]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			client := s.client("-t", "1")
			c := s.accept("0 mytext.txt\n")
			c.says(test.says)
			client.Prints(t, test.prints, s.complains(test.why))
			s.has(s.file, "")
			s.has(s.file+".part", test.left)
		})
	}
	t.Run("reset", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		client := s.client("-t", "0")
		c := s.accept("0 mytext.txt\n")
		c.says(header(hello) + hello[:5])
		progtest.Until(t, "the client has written", func() bool {
			data, _ := os.ReadFile(s.file + ".part")
			return string(data) == hello[:5]
		})
		c.SetLinger(0)
		c.Close()
		client.Cmd.Wait()
		s.has(s.file, "")
		s.has(s.file+".part", hello[:5])
	})
}

// The timeout of -t begins anew with every piece, so the client does not give up on
// a slow server. On a busy machine, the client or the server may be late. We cannot
// tell which, so another transfer gets ten times the timeout.
func TestFileSlowServer(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{400 * time.Millisecond, 4 * time.Second} {
		if arrivesSlowly(t, timeout) {
			return
		}
	}
	t.Fatal("the client gave up on a slow server")
}

// arrivesSlowly sends a file for three times the timeout, a byte at a time, and
// reports whether the client has got all of it.
func arrivesSlowly(t *testing.T, timeout time.Duration) bool {
	data := strings.Repeat("x", 60)
	s := newServer(t)
	client := s.client("-t", timeout.String())
	c := s.accept("0 mytext.txt\n")
	c.says(header(data))
	tick := time.NewTicker(3 * timeout / time.Duration(len(data)))
	defer tick.Stop()
	for _, b := range data {
		<-tick.C
		c.says(string(b))
	}
	c.Close()
	client.Cmd.Wait()
	_, err := os.Stat(s.file)
	return err == nil
}

// A name that does not fit into a line is refused before the client connects.
func TestFileNames(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	long := strings.Repeat("x", 4095)
	for name, why := range map[string]string{
		"a\nb": `'a\nb' from ADDR: the name contains a line feed`,
		"\n":   `'\n' from ADDR: the name contains a line feed`,
		long:   "'" + long + "' from ADDR: the request has more than 4096 bytes",
	} {
		client := progtest.Perform(t, "", "file_client", "127.0.0.1", name, "-p", s.port, "-o", s.file)
		client.Prints(t, "", "file_client: get "+strings.ReplaceAll(why, "ADDR", "('127.0.0.1', "+s.port+")")+"\n")
		s.has(s.file, "")
		s.has(s.file+".part", "")
	}
	client := progtest.Perform(t, "", "file_client", "127.0.0.1", long[1:], "-p", s.port, "-o", s.file, "-t", "0")
	c := s.accept("0 " + long[1:] + "\n") // of the first client that connects
	c.says("error: no such file\n")
	c.Close()
	client.Prints(t, "", "file_client: get '"+long[1:]+"' from ('127.0.0.1', "+s.port+"): no such file\n")
}

// Two clients want to write the same file. One wins, and the other says that it
// does not write, whether it comes later or at the same time.
func TestFileTwoClients(t *testing.T) {
	t.Run("later", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		first := s.client("-t", "0")
		c := s.accept("0 mytext.txt\n")
		c.says(header(hello) + hello[:5])
		s.untilPart(hello[:5])
		s.client("-t", "0").Prints(t, "", s.busy())
		c.says(hello[5:])
		c.Close()
		first.Prints(t, complete, "")
		s.has(s.file, hello)
		s.has(s.file+".part", "")
	})
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		players := []*progtest.Play{s.client("-t", "0"), s.client("-t", "0")}
		conns := []conn{s.accept("0 mytext.txt\n"), s.accept("0 mytext.txt\n")}
		conns[0].says(header(hello) + hello[:5])
		s.untilPart(hello[:5])
		conns[1].says(header(hello) + hello)
		io.Copy(io.Discard, conns[1]) // until that client has given up
		conns[0].says(hello[5:])
		conns[0].Close()
		statuses := 0
		for _, p := range players {
			p.Cmd.Wait()
			statuses += p.Cmd.ProcessState.ExitCode()
		}
		if statuses != 1 {
			t.Errorf("the sum of the two statuses is %d, want 1", statuses)
		}
		s.has(s.file, hello)
		s.has(s.file+".part", "")
	})
	t.Run("over and over", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		data := strings.Repeat(hello, 50_000)
		if err := os.WriteFile(filepath.Join(folder, "mytext.txt"), []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
		real := progtest.MustStart(t, "file_server", "127.0.0.1", "-p", "0", "-root", folder)
		s := newServer(t)
		s.port = real.Port
		for range 8 {
			var players []*progtest.Play
			for range 4 {
				players = append(players, s.client())
			}
			won := 0
			for _, p := range players {
				if err := p.Cmd.Wait(); err == nil {
					won++
				}
			}
			if won == 0 {
				t.Error("none of four clients has got the file")
			}
			s.has(s.file, data)
			s.has(s.file+".part", "")
		}
	})
}

func (s *server) untilPart(text string) {
	s.Helper()
	progtest.Until(s, "the part has so much", func() bool {
		data, _ := os.ReadFile(s.file + ".part")
		return string(data) == text
	})
}

func (s *server) busy() string {
	return "file_client: open " + s.file + ".part: another program is writing this file\n"
}

// A client is killed fifty times, each time when a random number of bytes has come
// from the server, and begins again where it was. In the end the file is the
// server's. A proxy between the two counts the bytes.
func TestFileKilled(t *testing.T) {
	t.Parallel()
	const kills, size = 50, 3 << 20
	random := rand.New(rand.NewPCG(23, 50))
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{23}).Read(data)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "mytext.txt"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	real := progtest.MustStart(t, "file_server", "127.0.0.1", "-p", "0", "-root", folder)
	s := newServer(t)
	announced := int64(len(header(string(data))))
	have := int64(0)
	for range kills {
		come := random.Int64N(2 * size / kills)
		if random.IntN(8) == 0 {
			come = random.Int64N(announced + 2) // within the answer's line, or a byte after
		}
		come = min(come, announced+size-have)
		client := s.client("-t", "0")
		c := s.accept(fmt.Sprintf("%d mytext.txt\n", have))
		upstream := progtest.Dial(t, real)
		if _, err := io.WriteString(upstream, c.request); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(c, upstream, come); err != nil {
			t.Fatal(err)
		}
		have += max(0, come-announced)
		progtest.Until(t, fmt.Sprintf("%d bytes are in the part", have), func() bool {
			info, err := os.Stat(s.file + ".part")
			return have == 0 && errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == have
		})
		if err := client.Cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		client.Cmd.Wait()
		c.Close()
		upstream.Close()
		if data, err := os.ReadFile(s.file + ".part"); have > 0 && (err != nil || int64(len(data)) != have) {
			t.Fatalf("the part has %d bytes (%v), want %d", len(data), err, have)
		}
	}
	s.port = real.Port
	s.client().Prints(t, complete, "")
	got, err := os.ReadFile(s.file)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("the file has %d bytes, or wrong ones (%v)", len(got), err)
	}
	s.has(s.file+".part", "")
	t.Logf("%d of %d bytes had come when the last client was killed", have, size)
}

// The client does not read, write or replace anything but a plain file. If there
// is no folder for the file, the client does not connect.
func TestFileNotPlain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if err := os.Mkdir(s.file+".part", 0o777); err != nil {
		t.Fatal(err)
	}
	s.client().Prints(t, "", "file_client: open "+s.file+".part: not a plain file\n")
	s.file = filepath.Dir(s.file)
	s.client().Prints(t, "", "file_client: open "+s.file+": not a plain file\n")
	s.file = filepath.Join(s.file, "no", "such", "folder")
	s.client().Prints(t, "", "file_client: open "+s.file+".part: no such file or directory\n")
}
