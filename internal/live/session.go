package live

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"fopnp/internal/check/transcript"
	"fopnp/internal/check/weave"
	"fopnp/internal/live/lanes"
	"fopnp/internal/netns"
)

// A viewer receives a session's messages and output. Its methods may wait until
// the reader's browser has room. Meanwhile the programs wait, too.
type viewer interface {
	tell(message any)
	show(pane int, data []byte) error
}

// A session is a network, a copy of the repository, and the terminals in it. The
// blocks of one section of a page run in it, as in the tests.
type session struct {
	config transcript.Config
	viewer viewer
	newID  func() int // numbers panes
	ctx    context.Context
	cancel context.CancelFunc

	starting sync.Mutex // held by start
	closing  sync.Once

	home   *transcript.Home
	keeper *keeper
	shell  *transcript.Session
	unlock func() // gives the system's network to the next session

	host    string      // the shell's host in the playground, or ""
	page    *weave.Page // whose blocks run here; nil before the first block
	section int
	ran     map[int]bool // blocks, by their index

	mu     sync.Mutex
	panes  map[int]*pane
	early  map[int]bool // processes that ended before a pane had their ids
	crowds *pane        // the terminal of the latest crowd
	over   bool         // the shell has ended, so no block can run
}

// A pane is a terminal, or the output of a program in the background.
type pane struct {
	id      int
	kind    paneKind
	pid     int    // of its shell or program
	program string // its name, of a log
	file    string // its path, of a log
	tap     *tap   // nil for a log
}

// newSession returns a session with a shell at a terminal, on a host of the playground
// if host is not "". Call start to begin it, and close to end it.
func newSession(ctx context.Context, config transcript.Config, host string, v viewer, newID func() int) *session {
	s := &session{
		config: config, viewer: v, newID: newID, unlock: func() {}, host: host,
		ran: map[int]bool{}, panes: map[int]*pane{}, early: map[int]bool{},
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.config.Open = s.open
	s.config.Limit = 24 * time.Hour // the reader can stop a command
	return s
}

// start starts the session. If shared is true, the session uses the system's network.
// If the session is closed meanwhile, start fails.
func (s *session) start(shared bool) (err error) {
	s.starting.Lock()
	defer s.starting.Unlock()
	if shared {
		if err := s.lock(); err != nil {
			return err
		}
	}
	if s.keeper, err = startKeeper(shared, s.ended, s.lanes, s.note); err != nil {
		return fmt.Errorf("start a session: %w", err)
	}
	context.AfterFunc(s.ctx, s.keeper.end) // or bash could keep us waiting for its prompt
	s.config.Keep = func(dir string) error { return s.keeper.order(order{Do: doHome, Dir: dir}) }
	if s.home, err = s.config.NewHome(); err != nil {
		return err
	}
	s.shell, err = s.home.StartOn(s.host, 0)
	return err
}

// lock waits until no other session uses the system's network.
func (s *session) lock() error {
	type result struct {
		unlock func()
		err    error
	}
	locked := make(chan result, 1)
	go func() {
		unlock, err := transcript.LockSystem()
		locked <- result{unlock, err}
	}()
	patience := time.NewTimer(200 * time.Millisecond)
	defer patience.Stop()
	for {
		select {
		case r := <-locked:
			if r.err == nil {
				s.unlock = r.unlock
			}
			return r.err
		case <-patience.C:
			s.note("Another session uses the ports of your machine. This one starts when that one ends.")
		case <-s.ctx.Done():
			go func() { // we can unlock it only when we have it
				if r := <-locked; r.err == nil {
					r.unlock()
				}
			}()
			return s.ctx.Err()
		}
	}
}

// open starts the session's bash. See [transcript.Config].
func (s *session) open(bash *exec.Cmd) (transcript.Network, transcript.Terminal, error) {
	p, err := s.openPane(shellPane, s.title("shell"), bash)
	if err != nil {
		return nil, nil, err
	}
	return network{s.keeper}, p.tap, nil
}

// title returns the name of a terminal, with the host where it is.
func (s *session) title(name string) string {
	if s.host == "" {
		return name
	}
	return name + " on " + s.host
}

// A network is where the session's bash runs, for the transcript.
type network struct{ *keeper }

func (n network) Runs(pid int) bool         { return n.runs(pid) }
func (n network) Close()                    { n.close() }
func (n network) Listeners() []netns.Socket { return n.listeners() }

// openPane starts a shell at a new terminal.
func (s *session) openPane(kind paneKind, title string, bash *exec.Cmd) (*pane, error) {
	tty, theirs, err := openTerminal()
	if err != nil {
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	defer theirs.Close()
	p := &pane{id: s.newID(), kind: kind}
	pid, err := s.keeper.start(bash, theirs.Name())
	if err != nil {
		tty.Close()
		return nil, err
	}
	p.tap = newTap(tty, func(data []byte) error { return s.viewer.show(p.id, data) })
	s.mu.Lock()
	s.panes[p.id] = p
	s.mu.Unlock()
	s.viewer.tell(paneOpens{"pane", p.id, kind, title}) // the reader may type from now on
	go p.tap.pump()
	s.mu.Lock()
	p.pid = pid
	over := s.early[pid]
	delete(s.early, pid)
	s.mu.Unlock()
	if over {
		s.ended(pid)
	}
	return p, nil
}

// terminal opens a terminal for the reader's own commands.
func (s *session) terminal(title string) (*pane, error) {
	s.mu.Lock()
	n := len(s.panes)
	s.mu.Unlock()
	if n >= maxTerminals {
		return nil, fmt.Errorf("this session has at least %d panes; close a terminal first, with exit", maxTerminals)
	}
	return s.openPane(terminalPane, s.title(title), s.home.Shell(s.host))
}

// runsBlock reports whether a block can run in this session: it belongs to the
// section whose blocks run here, and has not run.
func (s *session) runsBlock(page *weave.Page, block int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := page.Blocks[block]
	return !s.over && s.host == b.Transcript.Host &&
		(s.page == nil || s.page == page && s.section == b.Section && !s.ran[block])
}

// run runs a block after those before it in its section that have not run.
func (s *session) run(page *weave.Page, block int) {
	s.page, s.section = page, page.Blocks[block].Section
	for i, b := range page.Blocks[:block+1] {
		if b.Transcript == nil || b.Section != s.section || s.ran[i] {
			continue
		}
		if !s.play(i, b.Transcript) {
			return
		}
		s.ran[i] = true
	}
}

// play types the commands of a block, and compares what they print with the page. It
// reports whether all have ended.
func (s *session) play(block int, t *transcript.Transcript) bool {
	change := commandChanges{Tell: "command", Page: s.page.Path, Block: block}
	fail := func(err error) bool {
		change.State, change.Why = failed, err.Error()
		s.viewer.tell(change)
		return false
	}
	if program := t.Missing(); program != "" {
		return fail(fmt.Errorf("this block needs the program %s, which is not installed", program))
	}
	if err := s.resume(); err != nil {
		return fail(err)
	}
	for i, c := range t.Commands {
		change.Command, change.State = i, running
		change.Want, change.Got, change.Why = "", "", ""
		s.viewer.tell(change)
		output, problem, err := s.shell.PlayCommand(t, i)
		if err != nil {
			return fail(err)
		}
		s.followLogs(c)
		change.State = asPrinted
		if problem != nil {
			change.State, change.Why = differs, problem.What
		}
		if !t.Same(c, output) {
			change.State = differs
			change.Want, change.Got = t.Essence(c.Output), t.Essence(output)
		}
		s.viewer.tell(change)
	}
	return true
}

// resume makes the shell ready for the next command, whatever the reader has typed
// there.
func (s *session) resume() error {
	for giveUp := time.Now().Add(time.Second); ; {
		err := s.shell.Resume()
		if err == nil || s.ctx.Err() != nil || time.Now().After(giveUp) {
			return err
		}
	}
}

// followLogs shows the output of a program that a command has started in the
// background, in a pane of its own.
func (s *session) followLogs(c transcript.Command) {
	program, outputs, background := c.Background()
	if !background {
		return
	}
	for _, to := range outputs {
		file := s.shell.Path(to.File)
		s.mu.Lock()
		var p *pane
		for _, q := range s.panes {
			if q.file == file {
				p = q // the log of an earlier program
			}
		}
		isNew := p == nil && len(s.panes) < 2*maxTerminals
		if isNew {
			p = &pane{id: s.newID(), kind: logPane, file: file}
			s.panes[p.id] = p
		}
		if p != nil {
			p.pid, p.program = s.shell.BackgroundPid(), program
		}
		s.mu.Unlock()
		if p != nil {
			s.viewer.tell(paneOpens{"pane", p.id, logPane, program + " > " + to.File})
		}
		if isNew {
			go s.follow(p)
		}
	}
}

// ended is called when a program at a terminal has ended.
func (s *session) ended(pid int) {
	s.mu.Lock()
	var ended *pane
	for id, p := range s.panes {
		if p.pid == pid && p.tap != nil {
			ended = p
			delete(s.panes, id)
			s.over = s.over || p.kind == shellPane
		}
	}
	if ended == nil {
		s.early[pid] = true
	}
	s.mu.Unlock()
	if ended != nil {
		s.viewer.tell(paneChanges{Tell: "program", Pane: ended.id})
		if ended.kind == terminalPane { // transcript.Session closes the shell's
			ended.tap.Close()
		}
	}
}

// lanes is called when something happens to connections.
func (s *session) lanes(events []lanes.Event) {
	change := lanesChange{Tell: "lanes"}
	ms := func(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / float64(time.Millisecond) }
	for _, e := range events {
		change.Events = append(change.Events, laneEvent{
			At: ms(e.At), Doubt: ms(e.Doubt),
			Server: e.Server, Client: e.Client, UDP: e.UDP, Kind: e.Kind, Size: e.Size, Text: printable(e.Text),
		})
	}
	s.viewer.tell(change)
}

func (s *session) note(note string) { s.viewer.tell(noteComes{"note", note}) }

// printable returns text with a dot in place of each byte that is not printable
// ASCII.
func printable(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '.'
		}
	}
	return string(b)
}

// keys types what the reader types. In the pane of a log, Ctrl-C and Ctrl-\ are
// signals for the program, and other keys are lost, because it does not read
// from a terminal.
func (s *session) keys(id int, keys string) {
	s.mu.Lock()
	p := s.panes[id]
	pid := 0
	if p != nil {
		pid = p.pid
	}
	s.mu.Unlock()
	switch {
	case p == nil:
	case p.tap != nil:
		p.tap.Write([]byte(keys))
	default:
		const interrupt, quit = 2, 3 // SIGINT and SIGQUIT
		for _, key := range keys {
			switch key {
			case '\x03':
				s.keeper.signal(pid, interrupt)
			case '\x1c':
				s.keeper.signal(pid, quit)
			}
		}
	}
}

// resize tells the programs at a terminal how large it is.
func (s *session) resize(id, columns, rows int) {
	const largest = 1000
	s.mu.Lock()
	p := s.panes[id]
	s.mu.Unlock()
	if p != nil && p.tap != nil && columns > 1 && rows > 1 && columns < largest && rows < largest {
		setSize(p.tap.tty, columns, rows)
	}
}

// close ends the session and all that it has started. It waits until that is done,
// even if another caller does it.
func (s *session) close() {
	s.cancel()
	s.closing.Do(func() {
		s.starting.Lock()
		defer s.starting.Unlock()
		if s.keeper != nil {
			s.keeper.close()
		}
		s.mu.Lock()
		for _, p := range s.panes {
			if p.tap != nil {
				p.tap.Close()
			}
		}
		s.mu.Unlock()
		if s.home != nil {
			s.home.Remove() // the keeper has, unless it was killed
		}
		s.unlock()
	})
}

// writeFile writes a file of the session's copy of the repository, unless it is there.
func (s *session) writeFile(name, text string) error {
	path := filepath.Join(s.home.Tree, filepath.FromSlash(name))
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return os.WriteFile(path, []byte(text), 0o666)
}
