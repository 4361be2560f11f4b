package chatclient

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/terminal"
)

var terminalTests = map[string]func(*testing.T, Client){
	"others speak":    othersSpeak,
	"first column":    firstColumn,
	"narrow terminal": narrowTerminal,
	"server gone":     serverGone,
	"user leaves":     userLeaves,
	"signals":         signals,
	"too long":        tooLong,
	"refused typed":   refusedTyped,
	"stderr in file":  stderrInFile,
	"odd bytes":       oddBytes,
	"endless key":     endlessSequence,
	"full line":       fullLine,
	"typed arrives":   typedArrives,
	"typed not taken": typedIsNotTaken,
}

// A room is a client at a terminal, with the test as its server.
type room struct {
	Client
	*terminal.Program
	t       *testing.T
	columns int
	server  *net.TCPConn
	above   string // what stands above the line that is being typed
}

func (c Client) open(t *testing.T, columns int) *room {
	t.Helper()
	return c.openWith(t, columns, nil)
}

// openWith is open for a client whose stderr is a file, or the terminal if the
// file is nil.
func (c Client) openWith(t *testing.T, columns int, stderr *os.File) *room {
	t.Helper()
	listener, port := progtest.Listen(t)
	cmd := exec.Command(filepath.Join(progtest.Bin(), c.Name), c.Args(port)...)
	if stderr != nil {
		cmd.Stderr = stderr
	}
	me := terminal.StartCommand(t, columns, cmd)
	r := &room{c, me, t, columns, progtest.Accept(t, listener), c.Greeting(port)}
	r.types("", 0)
	return r
}

// others makes another client say texts.
func (r *room) others(texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		wire, shown := r.Comes(text)
		if _, err := io.WriteString(r.server, wire); err != nil {
			r.t.Fatal(err)
		}
		r.above += shown
	}
}

// types waits until the screen shows a line that is being typed, and the cursor
// at a place in that line.
func (r *room) types(line string, place int) {
	r.t.Helper()
	r.Shows(r.screen(r.above + r.Prompt + line).String())
	r.Cursor(r.screen(r.above + r.Prompt + line[:place]).Cursor())
}

// ends waits until the client exits with status 0. It must have printed more
// below the line that was typed.
func (r *room) ends(line, more string) {
	r.t.Helper()
	r.Exits(0)
	if line = r.Prompt + line; line != "" {
		line += "\n"
	}
	r.Shows(r.screen(r.above + line + more).String())
}

// screen returns a screen as wide as the client's, with a text.
func (r *room) screen(text string) *terminal.Screen {
	s := terminal.NewScreen(r.columns, 24)
	io.WriteString(s, strings.ReplaceAll(text, "\n", "\r\n"))
	return s
}

// hears waits until the client has sent messages.
func (r *room) hears(messages ...string) {
	r.t.Helper()
	for _, message := range messages {
		progtest.Hears(r.t, r.server, message+string(r.End))
	}
}

// A message that arrives appears above the half line that is being typed. The
// half line stays, with the cursor where it was.
func othersSpeak(t *testing.T, c Client) {
	r := c.open(t, 80)
	r.Type("half")
	r.types("half", 4)
	r.others("hello")
	r.types("half", 4)
	r.Type("\x1b[D\x1b[D") // two to the left
	r.types("half", 2)
	r.others("\x1b[2J\x1b]0;title\a", "x\r[forged]", "", "ü€")
	r.types("half", 2)
	r.Type("-") // in the middle
	r.types("ha-lf", 3)
	r.Type("\r")
	r.hears("ha-lf")
	r.above += r.Prompt + "ha-lf\n"
	r.types("", 0)
	r.others("hello again")
	r.types("", 0)
	r.Type("\x1b[A") // the line before
	r.types("ha-lf", 5)
}

// The half line also stays if the cursor is at its beginning.
func firstColumn(t *testing.T, c Client) {
	r := c.open(t, 80)
	r.Type("half\x01")
	r.types("half", 0)
	r.others("hello", "hello again")
	r.types("half", 0)
	r.Type("\x05.") // at the end
	r.types("half.", 5)
	r.Type("\r")
	r.hears("half.")
}

// On a narrow terminal, both the messages and the half line take several rows.
func narrowTerminal(t *testing.T, c Client) {
	r := c.open(t, 20)
	half := "a line of more than twenty columns, and of forty"
	r.Type(half)
	r.types(half, len(half))
	r.others("hello")
	r.types(half, len(half))
	r.Type("\x01") // to the beginning
	r.types(half, 0)
	r.others("hello again, in more than twenty columns")
	r.types(half, 0)
	r.others("x")
	r.types(half, 0)
	r.Type("\r")
	r.hears(half)
}

// A server that goes away while the user types ends the client. What was typed
// stays on the screen.
func serverGone(t *testing.T, c Client) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"close":      (*net.TCPConn).Close,
		"half-close": (*net.TCPConn).CloseWrite,
		"reset": func(server *net.TCPConn) error {
			return errors.Join(server.SetLinger(0), server.Close())
		},
	} {
		for _, half := range []string{"half", ""} {
			t.Run(fmt.Sprintf("%s/%q", name, half), func(t *testing.T) {
				t.Parallel()
				r := c.open(t, 80)
				r.others("hello")
				r.Type(half)
				r.types(half, len(half))
				if err := leave(r.server); err != nil {
					t.Fatal(err)
				}
				r.ends(half, c.Gone)
			})
		}
	}
}

// Ctrl-D ends the client, and so do the keys in Leave.
func userLeaves(t *testing.T, c Client) {
	for _, keys := range []string{"\x04", c.Leave} {
		if keys == "" {
			continue
		}
		t.Run(fmt.Sprintf("%q", keys), func(t *testing.T) {
			t.Parallel()
			r := c.open(t, 80)
			r.Type("hello\r")
			r.above += r.Prompt + "hello\n"
			r.types("", 0)
			r.Type(keys)
			if typed, enter := strings.CutSuffix(keys, "\r"); enter {
				r.above += r.Prompt + typed + "\n"
			}
			r.ends("", c.Left)
			got, err := io.ReadAll(r.server)
			if string(got) != "hello"+string(r.End) || err != nil {
				t.Errorf("the server received %q, %v", got, err)
			}
		})
	}
}

// Ctrl-C and signals end the client, and the terminal is as it was before.
func signals(t *testing.T, c Client) {
	for name, end := range map[string]struct {
		how    func(*terminal.Program)
		status int
	}{
		"Ctrl-C":  {func(me *terminal.Program) { me.Type("\x03") }, 128 + int(syscall.SIGINT)},
		"SIGINT":  {func(me *terminal.Program) { me.Signal(syscall.SIGINT) }, 128 + int(syscall.SIGINT)},
		"SIGTERM": {func(me *terminal.Program) { me.Signal(syscall.SIGTERM) }, 128 + int(syscall.SIGTERM)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.open(t, 80)
			r.Type("half")
			r.types("half", 4)
			end.how(r.Program)
			r.Exits(end.status)
		})
	}
}

// The client does not send a line that is too long, and says so in one line.
func tooLong(t *testing.T, c Client) {
	r := c.open(t, 120)
	for range 2048 / 32 {
		r.Type(strings.Repeat("€", 32))
	}
	r.Type("\r")
	r.Contains("\n" + c.Name + ": send: " + c.TooLong(6144))
	r.Type("short\r")
	r.hears("short")
}

// typed returns lines that the client refuses at a terminal, as it does through
// a pipe, and why.
func (c Client) typed() map[string]string {
	long := strings.Repeat("x", 4400)
	lines := map[string]string{
		long:                         c.TooLong(4400),
		strings.Repeat("€", 4097):    c.TooLong(3 * 4097),
		"\x1b[200~" + long:           c.TooLong(4400), // a paste
		strings.Repeat("\xff", 4400): c.TooLong(4400),
	}
	maps.Copy(lines, c.Refused)
	return lines
}

// enter types a line in pieces, because the terminal holds only 4096 bytes, and
// presses Enter.
func (r *room) enter(line string) {
	r.t.Helper()
	for piece := range slices.Chunk([]byte(line+"\r"), 96) {
		r.Type(string(piece))
	}
}

// As through a pipe, the client does not send a line that is not a valid
// message. The complaint stands below that line, and above the next, which the
// user may be typing already.
func refusedTyped(t *testing.T, c Client) {
	for line, why := range c.Refused {
		r := c.open(t, 120)
		r.Type(line + "\rhalf")
		r.Contains("\n" + c.Name + ": send: " + why + "\n" + r.Prompt + "half")
		r.Type("\r")
		r.hears("half")
	}
}

// If stderr is a file, the complaint goes there, and the screen only shows what
// was typed. If the line was not pasted, the screen shows at most 4096
// characters of it.
func stderrInFile(t *testing.T, c Client) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	r := c.openWith(t, 120, stderr)
	want := ""
	for line, why := range c.typed() {
		r.enter(line)
		r.Type("\x1b[201~") // the end of the paste
		r.Type("hello\r")
		r.hears("hello") // and nothing of the line
		want += c.Name + ": send: " + why + "\n"
		if got, err := os.ReadFile(stderr.Name()); err != nil || string(got) != want {
			t.Fatalf("stderr is %q, %v, want %q", got, err, want)
		}
		pasted, isPaste := strings.CutPrefix(line, "\x1b[200~")
		shown := []rune(pasted)
		for i, char := range shown {
			if char == 0 || char == utf8.RuneError {
				shown[i] = '?'
			}
		}
		if len(shown) > 4096 && !isPaste {
			shown = shown[:4096]
		}
		r.above += r.Prompt + string(shown) + "\n" + r.Prompt + "hello\n"
		r.types("", 0)
	}
}

// A byte that is not UTF-8 stands in the line as a question mark. The user can
// delete it, and the rest is a message.
func oddBytes(t *testing.T, c Client) {
	r := c.open(t, 80)
	r.Type("one\x00Gr\xfc\xdf\U0010ff41")
	r.types("one?Gr??????", 12)
	r.others("hello")
	r.types("one?Gr??????", 12)
	r.Type(strings.Repeat("\x7f", 6) + "ü\u00df\x01\x1b[C\x1b[C\x1b[C\x1b[3~\r")
	r.hears("oneGrüß")
	r.Type("\U0010ff41\ufffd\r")
	r.hears("\U0010ff41\ufffd")
	r.Type("\x1b[200~one") // a paste, and a message that arrives during it
	r.others("amid")
	_, amid := r.Comes("amid")
	r.Contains(strings.TrimPrefix(amid, "\r") + r.Prompt + "one")
	r.Type("two\x1b[201~\r")
	r.hears("onetwo")
}

// Escape begins a sequence that some key sends. An endless sequence does not stop
// the client.
func endlessSequence(t *testing.T, c Client) {
	r := c.open(t, 80)
	r.Type("\x1b" + strings.Repeat("\xff", 300))
	r.Contains("??????????")
	r.Type("\x15hello\r") // Ctrl-U deletes the rest
	r.hears("hello")
}

// The editor's line holds 4096 characters. The client sends as many, or fewer
// if the user deletes some. If the line has more characters, the client sends
// nothing, and the arrow keys do not bring the line back.
func fullLine(t *testing.T, c Client) {
	r := c.open(t, 120)
	full := strings.Repeat("x", 4096)
	r.enter(full)
	r.hears(full)
	r.enter(full + "yy\x7f\x7f")
	r.hears(full[2:])
	r.enter(full + "yy\x7f\x7fzz")
	r.hears(full[2:] + "zz")
	r.Type("hello\r")
	r.hears("hello")
	r.enter(full + "y")
	r.Type("\x1b[A\r")
	r.hears("hello")
}

// leave makes a client leave while its server sends more than the client can
// print, and has read nothing yet. So most of what was typed is still in the
// client's kernel. leave returns what the server has to receive.
func (c Client) leave(t *testing.T, options ...string) (client *progtest.Play, server net.Conn, typed string) {
	t.Helper()
	listener, port := progtest.Listen(t)
	small, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	small.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<10) })
	if err != nil {
		t.Fatal(err)
	}
	args := append(options, c.Args(port)...)
	client = progtest.Perform(t, strings.Repeat(longLine+"\n", 100), c.Name, args...)
	server = progtest.Accept(t, listener)
	said := strings.Repeat(longLine+string(c.End), 100)
	go func() {
		for {
			if _, err := io.WriteString(server, said); err != nil {
				return
			}
		}
	}()
	ours := server.LocalAddr().(*net.TCPAddr).AddrPort()
	theirs := server.RemoteAddr().(*net.TCPAddr).AddrPort()
	progtest.Until(t, "the client leaves", func() bool {
		side, err := kernel.SideOf(theirs, ours)
		return err != nil || side.ShutDown || side.Closed
	})
	return client, server, said
}

var longLine = strings.Repeat("x", 999)

// What was typed arrives, even if the client has not read everything that the
// server sent. The client then prints only whole messages.
func typedArrives(t *testing.T, c Client) {
	client, server, typed := c.leave(t)
	got := make([]byte, len(typed))
	if n, err := io.ReadFull(server, got); err != nil || string(got) != typed {
		t.Errorf("the server received %d of %d bytes, or the wrong bytes: %v", n, len(typed), err)
	}
	if complaint, err := client.Ends(); err != nil {
		t.Errorf("%v, %s", err, complaint)
	}
	for printed := range strings.Lines(client.Stdout()) {
		text := strings.ReplaceAll(printed, c.Prompt, "")
		if strings.HasPrefix(text, "x") && text != longLine+"\n" {
			t.Errorf("it printed %q, and the server sent lines of %d bytes", text, len(longLine))
		}
	}
}

// If the server does not take what was typed in time, the client ends with an
// error.
func typedIsNotTaken(t *testing.T, c Client) {
	client, server, _ := c.leave(t, "-t", "0.5")
	complaint, err := client.Ends()
	want := fmt.Sprintf("%s: chat at ('127.0.0.1', %s): %s\n", c.Name, progtest.PortOf(server.LocalAddr()), c.TookNone)
	if err == nil || complaint != want {
		t.Errorf("%v, it complains %q, want %q", err, complaint, want)
	}
}
