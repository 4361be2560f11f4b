//go:build unix

package live

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/transcript"
	"fopnp/internal/check/weave"
	"fopnp/internal/netns"
)

func TestMain(m *testing.M) {
	Main()
	flag.Parse()
	if os.Getenv(servesEnv) != "" {
		serveAlone()
	}
	if inside() {
		if err := refuseNamespaces(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		progtest.Parallel()
		os.Exit(m.Run())
	}
	os.Exit(progtest.Main(m))
}

// Tests of sessions on the system's network run in a test program of their own, on a
// private network that stands in for the system's. There, nothing else uses their
// ports, and the kernel refuses further namespaces. The environment variables tell it
// where the built programs are.
const (
	binEnv      = "FOPNP_LIVE_TEST_BIN"
	coverageEnv = "FOPNP_LIVE_TEST_COVERAGE"
)

func inside() bool { return os.Getenv(binEnv) != "" }

// runInside runs the current test in a test program of its own.
func runInside(t *testing.T) {
	output, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	cmd := exec.Command(os.Args[0], "-test.run", "^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v",
		"-test.timeout", "10m", fmt.Sprintf("-all=%t", progtest.All()))
	cmd.Env = append(os.Environ(), binEnv+"="+progtest.Bin(), coverageEnv+"="+progtest.Coverage(), "TMPDIR="+tempDir(t))
	cmd.Stdout, cmd.Stderr = theirs, theirs
	network, err := netns.Start(cmd)
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	printed, err := io.ReadAll(output)
	if err == nil {
		err = network.Wait()
	}
	if err != nil || testing.Verbose() {
		t.Logf("%v\n%s", err, printed)
	}
	if err != nil {
		t.Fail()
	}
}

// tempDir is t.TempDir in memory, if that is possible: sessions that have it as TMPDIR
// copy the repository there, which on a disk can take the kernel seconds.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(transcript.InMemory(), "live")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// patience bounds each wait for something that must happen.
const patience = 60 * time.Second

// pages are those of the book whose blocks can be run.
var pages = []string{
	"README.md", "chapter03/README.md", "chapter07/README.md", "lecture/slides/README.md",
	"lecture/lecture23/README.md", "lecture/basics/README.md", "lecture/tincanchat/README.md",
	"playground/README.md",
}

var readPages = sync.OnceValues(func() (map[string]*weave.Page, error) {
	root, err := progtest.Root()
	if err != nil {
		return nil, err
	}
	document, err := (&weave.Book{Root: root}).Read(pages...)
	if err != nil {
		return nil, err
	}
	all := map[string]*weave.Page{}
	for _, p := range document.Pages {
		all[p.Path] = p
	}
	return all, nil
})

// servesEnv is an environment variable. With it, the test program is a server,
// and a test watches how the server ends. Its value is "shared" or "private".
const servesEnv = "FOPNP_LIVE_TEST_SERVES"

// serveAlone serves until it is killed. It prints its address and its token.
func serveAlone() {
	all, err := readPages()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	root, _ := progtest.Root()
	s := New(Config{
		Root: root, Bin: os.Getenv(binEnv), Shared: os.Getenv(servesEnv) == "shared" && netns.Supported() == nil,
		Page: func(path string) *weave.Page { return all[path] },
	})
	fmt.Println(httptest.NewServer(s).URL, s.Token())
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	<-interrupted
	s.Close()
	os.Exit(0)
}

// A book is a server whose pages can be run.
type book struct {
	*Server
	root    string
	http    *httptest.Server
	pages   map[string]*weave.Page
	address string // 127.0.0.1:PORT
}

// open opens a book. Shared says that sessions use the system's network.
func open(t *testing.T, shared bool) *book {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skip(err)
	}
	if err := netns.Supported(); err != nil && !shared {
		t.Skip(err)
	}
	all, err := readPages()
	if err != nil {
		t.Fatal(err)
	}
	root, _ := progtest.Root() // readPages has asked, too
	b := &book{root: root, pages: all}
	b.Server = New(Config{
		Root: root, Bin: cmp.Or(os.Getenv(binEnv), progtest.Bin()),
		Env:  []string{"GOCOVERDIR=" + cmp.Or(os.Getenv(coverageEnv), progtest.Coverage()), "GORACE=atexit_sleep_ms=0"},
		Page: func(path string) *weave.Page { return all[path] }, Shared: shared && netns.Supported() == nil,
	})
	b.http = httptest.NewServer(b.Server)
	b.address = strings.TrimPrefix(b.http.URL, "http://")
	t.Cleanup(func() {
		b.Server.Close()
		b.http.Close()
	})
	return b
}

// block returns the index of the first block of a page that begins with a command.
func (b *book) block(page, command string) int {
	for i, block := range b.pages[page].Blocks {
		if block.Transcript != nil && block.Transcript.Commands[0].Script == command {
			return i
		}
	}
	panic("no block of " + page + " begins with " + command)
}

// A client plays a browser in a test.
type client struct {
	t    *testing.T
	conn *websocket.Conn
	hold bool // do not report output as shown

	opened func(pane int) // is called when there is a new pane

	mu       sync.Mutex
	changed  chan struct{}
	screens  map[int]string
	panes    map[int]paneOpens
	programs map[int]paneChanges
	commands []commandChanges
	ended    []blockEnds
	notes    []string
	sessions int
	begun    []string // the note at the start of each session
	lanes    []laneEvent
	err      error // the connection has ended
}

// empty waits until the server is done with all browsers that have left.
func (b *book) empty(t *testing.T) {
	t.Helper()
	timeout := time.After(patience)
	for range maxSessions {
		select {
		case b.places <- struct{}{}:
			defer func() { <-b.places }()
		case <-timeout:
			t.Fatal("the server holds a place for a browser that has left")
		}
	}
}

// visit opens a WebSocket, as a page does.
func (b *book) visit(t *testing.T) *client {
	t.Helper()
	return visit(t, b.http.URL, b.Token())
}

func visit(t *testing.T, url, token string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPHeader:   http.Header{"Origin": {url}},
		Subprotocols: []string{protocol, tokenPrefix + token},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	c := &client{t: t, conn: conn, changed: make(chan struct{}),
		screens: map[int]string{}, panes: map[int]paneOpens{}, programs: map[int]paneChanges{}}
	t.Cleanup(func() { conn.CloseNow() })
	go c.listen()
	return c
}

func (c *client) listen() {
	for {
		kind, data, err := c.conn.Read(context.Background())
		c.mu.Lock()
		if err != nil {
			c.err = err
		} else if kind == websocket.MessageBinary {
			pane := int(binary.BigEndian.Uint16(data))
			c.screens[pane] += string(data[2:])
			if !c.hold {
				c.mu.Unlock()
				c.send(request{Do: "shown", Pane: pane, Bytes: len(data) - 2})
				c.mu.Lock()
			}
		} else {
			c.hear(data)
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *client) hear(text []byte) {
	var is struct {
		Tell string `json:"tell"`
		Note string `json:"note"`
	}
	json.Unmarshal(text, &is)
	switch is.Tell {
	case "session":
		c.sessions++
		c.begun = append(c.begun, is.Note)
		clear(c.panes)
		clear(c.programs)
	case "pane":
		var m paneOpens
		json.Unmarshal(text, &m)
		if _, known := c.panes[m.Pane]; !known && c.opened != nil {
			c.opened(m.Pane)
		}
		c.panes[m.Pane] = m
	case "program":
		var m paneChanges
		json.Unmarshal(text, &m)
		c.programs[m.Pane] = m
	case "command":
		var m commandChanges
		json.Unmarshal(text, &m)
		if m.State != running {
			c.commands = append(c.commands, m)
		}
	case "ended":
		var m blockEnds
		json.Unmarshal(text, &m)
		c.ended = append(c.ended, m)
	case "note":
		var m noteComes
		json.Unmarshal(text, &m)
		c.notes = append(c.notes, m.Note)
	case "lanes":
		var m lanesChange
		json.Unmarshal(text, &m)
		c.lanes = append(c.lanes, m.Events...)
	}
}

func (c *client) send(r request) {
	text, _ := json.Marshal(r)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.conn.Write(ctx, websocket.MessageText, text) // if it fails, until says so
}

// until waits until isTrue returns true. It calls isTrue with c.mu held.
func (c *client) until(what string, isTrue func() bool) {
	c.t.Helper()
	timeout := time.After(patience)
	for {
		c.mu.Lock()
		done, changed, err := isTrue(), c.changed, c.err
		c.mu.Unlock()
		if done {
			return
		}
		if err != nil {
			c.t.Fatalf("not so: %s: %v", what, err)
		}
		select {
		case <-changed:
		case <-timeout:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.t.Fatalf("not so: %s; commands %+v, notes %q, screens %v, lanes %+v", what, c.commands, c.notes, c.screens, c.lanes)
		}
	}
}

// run runs a block and waits until it has ended.
func (c *client) run(page string, block int) {
	c.t.Helper()
	c.mu.Lock()
	n := len(c.ended)
	c.mu.Unlock()
	c.send(request{Do: "run", Page: page, Block: block})
	c.until("the block has ended", func() bool { return len(c.ended) > n })
}

// pane returns the number of the newest pane of a kind.
func (c *client) pane(kind paneKind) (id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n, p := range c.panes {
		if p.Kind == kind {
			id = max(id, n)
		}
	}
	return id
}

// allAsPrinted fails the test unless n commands have printed what is on the page.
func (c *client) allAsPrinted(n int) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.commands {
		if m.State != asPrinted {
			c.t.Errorf("%s, block %d, command %d %s: %s; want\n%s\ngot\n%s", m.Page, m.Block, m.Command, m.State, m.Why, m.Want, m.Got)
		}
	}
	if len(c.commands) != n {
		c.t.Errorf("%d commands have run, want %d", len(c.commands), n)
	}
}

const readme = "README.md" // it starts srv_single, asks it, and shows its log

// both runs a test with private networks, and on the network of the system.
func both(t *testing.T, test func(t *testing.T, b *book)) {
	t.Run("private", func(t *testing.T) {
		t.Parallel()
		test(t, open(t, false))
	})
	t.Run("shared", func(t *testing.T) {
		if !inside() && netns.Supported() == nil {
			t.Parallel()
			runInside(t)
			return
		}
		test(t, open(t, true))
	})
}

// A block runs after the block that it needs, which starts a server. Both print what
// is on the page, and the server's log is in a pane of its own.
func TestRun(t *testing.T) {
	both(t, func(t *testing.T, b *book) {
		c := b.visit(t)
		ask, show := b.block(readme, "go run ./chapter07/client localhost"), b.block(readme, "cat server.log")
		c.run(readme, ask)
		c.allAsPrinted(2)
		shell, log := c.pane(shellPane), c.pane(logPane)
		c.until("the panes show it", func() bool {
			return strings.Contains(c.screens[shell], "b'Simple is better than?' b'Complex.'\r\n") &&
				strings.Contains(c.screens[log], "Listening at ('', 1060)\r\n") &&
				strings.Contains(c.screens[log], "has closed\r\n")
		})
		c.until("the server listens", func() bool { return c.programs[log] == paneChanges{"program", log, true, 1060} })

		// The same block again: everything begins anew.
		c.run(readme, ask)
		c.allAsPrinted(4)
		// The next block goes on.
		c.run(readme, show)
		c.allAsPrinted(5)
		if c.sessions != 2 {
			t.Errorf("there were %d sessions, want 2", c.sessions)
		}
		// Ctrl-C in the pane of the log stops the server.
		log = c.pane(logPane)
		c.send(request{Do: "keys", Pane: log, Keys: "\x03"})
		c.until("the server has stopped", func() bool { return c.programs[log] == paneChanges{"program", log, false, 0} })
	})
}
