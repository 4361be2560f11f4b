package transcript

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"fopnp/internal/netns"
)

// A command may take a minute. So may a program in the background until it is
// ready: one that needs a cluster waits until the cluster has elected a leader.
// A program may take ten seconds to write its log. We count the last two in
// looks, because on a machine that is too busy for us to look that often, the
// program is slow, too.
const (
	commandLimit = time.Minute
	lookEvery    = 10 * time.Millisecond
	readyLimit   = 6000
	logLimit     = 1000
)

// A Session is one bash and the programs that it has started. We send bash one
// command at a time. A command ends when bash prints a mark: in a script because
// the next command says so, and at a terminal because the prompt begins with it.
// The text before the mark is the command's output.
type Session struct {
	*Home
	network Network // nil if the session uses the system's and no terminal
	unlock  func()  // gives the system's network to the next session
	host    string  // of the playground, where bash runs, or ""

	input  io.Writer // nil at a terminal
	output Terminal  // what bash prints; at a terminal it takes keys, too
	life   *os.File  // closed when we die; see watch
	kill   func()    // kills all processes of the session

	line    int           // of the page, where it begins
	limit   time.Duration // how long a command may take
	mark    string        // comes before the state
	end     string        // comes after it; at a terminal, after the prompt as well
	begun   string        // at a terminal: the mark after a command was typed
	more    string        // at a terminal: the mark of the prompt for more
	prompt  string        // at a terminal: the number of the last prompt
	unread  string        // output that came after the last mark
	printed strings.Builder
	broken  bool // bash does not answer any more

	// What the last mark said.
	status int
	pids   []string // the program last started in the background, and bash's jobs
	cwd    string

	jobs     []job        // all that were started in the background
	foreseen map[int]bool // statuses that blocks have foreseen
	failed   bool         // a command of the block that runs has failed
}

// A job is a program in the background.
type job struct {
	pid string
	by  Command
}

// A Problem is something that went wrong at a line of the page.
type Problem struct {
	Line int
	What string // may have several lines, if it quotes output
}

// Start starts a session, for the transcripts from a line of the page on. A home
// can have one session at a time, and End must be called. If there are no private
// networks, Start waits until no other session uses the system's network.
//
// Start panics if the program has not called [netns.Main].
func (h *Home) Start(line int) (*Session, error) { return h.StartOn("", line) }

// StartOn is Start for a session on a host of the playground, which the session
// brings up for itself. The host has the home's copy of the repository. The error
// wraps [errors.ErrUnsupported] if there are no private networks. Programs in the
// background end with the playground, and their exit statuses are not checked.
func (h *Home) StartOn(host string, line int) (*Session, error) {
	if err := netns.Supported(); err != nil && host != "" {
		return nil, err
	}
	s := &Session{
		Home:     h,
		host:     host,
		line:     line,
		cwd:      h.Tree,
		unlock:   func() {},
		limit:    commandLimit,
		foreseen: map[int]bool{},
		mark:     rand.Text(),
		end:      rand.Text(),
	}
	if err := s.start(); err != nil {
		if s.output != nil {
			s.output.Close()
		}
		s.unlock()
		return nil, fmt.Errorf("cannot start bash: %w", err)
	}
	s.limit = cmp.Or(s.config.Limit, commandLimit)
	return s, nil
}

func (s *Session) start() error {
	if s.atTerminal() {
		return s.startAtTerminal()
	}
	bash := s.bash(s.host, nil)
	input, err := bash.StdinPipe()
	if err != nil {
		return err
	}
	output, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirs.Close()
	bash.Stdout, bash.Stderr = theirs, theirs // one stream, as on a screen
	s.input, s.output = input, output

	if netns.Supported() == nil && !s.config.shared {
		network, err := netns.Start(bash)
		if err != nil {
			return err
		}
		s.network, s.kill = network, network.Close
		return nil
	}

	if s.unlock, err = LockSystem(); err != nil {
		s.unlock = func() {}
		return err
	}
	life, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer life.Close()
	bash.ExtraFiles = []*os.File{life}
	if s.kill, err = startGroup(bash); err != nil {
		ours.Close()
		return err
	}
	s.life = ours
	fmt.Fprintln(s.input, watch) // if bash is dead, the first command reports it
	return nil
}

// LockSystem waits until no session uses the system's own network, and takes it
// until unlock is called. The ports of transcripts are fixed, so only one session
// can run there at a time.
func LockSystem() (unlock func(), err error) {
	lock := flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("fopnp-transcripts-%d.lock", os.Getuid())))
	return func() { lock.Unlock() }, lock.Lock()
}

// bash returns the command of bash on a host of the playground or, if that is "", in
// this home, with more environment variables, and with options.
func (h *Home) bash(host string, env []string, options ...string) *exec.Cmd {
	words := append([]string{"bash", "--norc", "--noprofile"}, options...)
	if host != "" { // which has an environment of its own
		words = slices.Concat([]string{filepath.Join(h.config.Bin, "playground"), host, "env"}, env, words)
	}
	bash := exec.Command(words[0], words[1:]...)
	bash.Dir = h.Tree
	bash.Env = append(h.Environment(), env...)
	return bash
}

// watch is the first command of a bash without a private network. It starts a
// process that reads from a pipe whose other end is ours. The read ends when we
// die, and then the process kills the whole session.
const watch = "({ read -r; kill -9 0; } <&3 >/dev/null 2>&1 &); exec 3<&-"

// Play runs the commands of a transcript. It returns what each of them printed,
// as a terminal shows it, and what went wrong. It does not compare the outputs
// with those of the transcript. The outputs are nil if not all of them are known,
// or if one of them cannot stand in a transcript.
func (s *Session) Play(t *Transcript) (outputs []string, problems []Problem) {
	report := func(line int, what string) {
		problems = append(problems, Problem{line, what})
	}
	for i, c := range t.Commands {
		if s.broken {
			report(c.Line, "not run, because the session has ended")
			return nil, problems
		}
		output, problem, err := s.PlayCommand(t, i)
		if err != nil {
			report(c.Line, err.Error())
			return nil, problems
		}
		if problem != nil {
			problems = append(problems, *problem)
		}
		if strings.Contains("\n"+output, "\n$ ") {
			report(c.Line, `printed a line that begins with "$ ", which would read as a command`)
			return nil, problems
		}
		outputs = append(outputs, output)
	}
	return outputs, problems
}

// PlayCommand runs the command of a transcript at an index, after those before it. It
// returns what the command printed, as a terminal shows it. The problem is nil unless
// the exit status is unexpected. After the last command, it is also a problem if the
// block says that a command fails and none has. An error says that the command did
// not end, that its program did not get ready, or that bash has ended.
func (s *Session) PlayCommand(t *Transcript, i int) (output string, problem *Problem, err error) {
	c := t.Commands[i]
	output, err = s.runUntil(c, func(output string) bool { return t.Same(c, Screen(output)) })
	output = Screen(output)
	if err != nil {
		return output, nil, err
	}
	s.failed = s.failed && i > 0 || s.status != 0
	switch {
	case s.status != 0 && s.status == t.Status:
		s.foreseen[s.status] = true
	case s.status != 0:
		problem = &Problem{c.Line, fmt.Sprintf("exited with status %d", s.status)}
	case i == len(t.Commands)-1 && t.Status != 0 && !s.failed:
		problem = &Problem{t.Line, fmt.Sprintf("the block says status=%d, but all commands exited with status 0", t.Status)}
	}
	return output, problem, nil
}

// Path returns the path of a file that a command names. A relative name starts at
// bash's working folder.
func (s *Session) Path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(s.cwd, file)
}

// BackgroundPid returns the process id of the program that was last started in the
// background, as bash sees it, or 0. On a host of the playground it is 0, because
// the number means nothing elsewhere.
func (s *Session) BackgroundPid() int {
	if s.host != "" || len(s.jobs) == 0 || len(s.pids) == 0 {
		return 0
	}
	pid, _ := strconv.Atoi(s.pids[0]) // bash has reported it since its first job
	return pid
}

var (
	// lineNumber is what bash adds to its messages when it does not talk to a
	// terminal.
	lineNumber = regexp.MustCompile(`(?m)^bash: line \d+: `)

	// killed is bash's message about a job, when it does not talk to a terminal.
	killed = regexp.MustCompile(`(?m)^bash: line \d+: +\d+ Killed .*\n`)
)

// run runs a command and returns what it prints. If it starts a program in the
// background, run waits until that program is ready.
func (s *Session) run(c Command) (output string, err error) {
	defer func() { s.broken = s.broken || err != nil }()
	program, outputs, background := c.Background()
	var ready *readiness
	if background {
		ready = s.expect(program, outputs)
	}

	script := c.Script
	if !s.atTerminal() {
		// Commands have no standard input, because bash reads them from its own.
		// They do see the status of the command before them.
		script = fmt.Sprintf("(exit %d); eval %s </dev/null", s.status, Quote(script))
	}
	output, err = s.ask(script)
	if err != nil {
		return "", err
	}
	for _, pid := range s.pids {
		known := func(j job) bool { return j.pid == pid }
		if !slices.ContainsFunc(s.jobs, known) {
			s.jobs = append(s.jobs, job{pid, c})
		}
	}
	if background && len(s.pids) > 0 {
		more, err := s.await(ready, output)
		if err != nil {
			return "", err
		}
		output += more
	}
	if s.atTerminal() {
		return jobMessage.ReplaceAllString(Screen(output), ""), nil
	}
	output = killed.ReplaceAllString(output, "")
	return lineNumber.ReplaceAllString(output, "bash: "), nil
}

// state stands between two marks, for noteMark. Bash prints all of it at once,
// so no program in the background can write in between.
const state = "$? $! $(echo $(jobs -p)) ${PWD}"

// ask makes bash run a script, and returns what is printed meanwhile. At a
// terminal, it types the keys while the script runs.
func (s *Session) ask(script string, keys ...Key) (output string, err error) {
	defer func() { s.broken = s.broken || err != nil }()
	if s.atTerminal() {
		if err := s.enter(script, keys); err != nil {
			return "", err
		}
	} else {
		// An error here means that bash has ended, and the answer says so.
		fmt.Fprintf(s.input, "%s\nprintf %%s \"%s"+state+"%s\"\n", script, s.mark, s.end)
	}
	return s.answer()
}

// answer returns what is printed until bash waits for the next command.
func (s *Session) answer() (output string, err error) {
	if err := s.until(s.prompts); err != nil {
		return "", err
	}
	shown, rest, _ := strings.Cut(s.unread, s.mark)
	inside, rest, _ := strings.Cut(rest, s.end)
	s.unread = rest
	output = s.withoutEcho(shown)
	s.printed.WriteString(output)
	return output, s.noteMark(inside)
}

// prompts reports whether bash waits for the next command.
func (s *Session) prompts() bool {
	s.forget()
	_, state, found := strings.Cut(s.unread, s.mark)
	return found && strings.Contains(state, s.end)
}

// until reads bash's output until done returns true.
func (s *Session) until(done func() bool) error {
	s.output.SetReadDeadline(time.Now().Add(s.limit))
	for !done() {
		err := s.read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("did not end within %v%s", s.limit, excerpt(s.withoutEcho(s.unread)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads what bash and its programs have printed. If they print nothing before
// the output's deadline, the error is [os.ErrDeadlineExceeded].
func (s *Session) read() error {
	buf := make([]byte, 1<<16)
	n, err := s.output.Read(buf)
	s.unread += string(buf[:n])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case err != nil:
		return errors.New("ended the shell")
	case len(s.unread) > 1<<20:
		return errors.New("printed more than 1 MiB")
	}
	return nil
}

// noteMark reads what stands between the two marks: a status, process ids, a
// folder. At a terminal, the number of the prompt is before them, and the prompt after.
func (s *Session) noteMark(inside string) (err error) {
	if s.atTerminal() {
		s.prompt, inside, _ = strings.Cut(inside, " ")
	}
	numbers, _, _ := strings.Cut(inside, "/")
	s.cwd = strings.TrimSuffix(inside[len(numbers):], endOfMark+prompt)
	fields := strings.Fields(numbers)
	if len(fields) == 0 {
		return fmt.Errorf("unexpected mark %q", inside)
	}
	s.pids = fields[1:]
	s.status, err = strconv.Atoi(fields[0])
	return err
}

// End ends the session and all programs that still run, and returns what went
// wrong in the background: programs that failed, did not stop on SIGTERM, or
// crashed.
func (s *Session) End() (problems []Problem) {
	defer s.unlock()
	report := func(line int, what string) {
		problems = append(problems, Problem{line, what})
	}
	onHost := s.host != ""
	if !s.broken && !onHost {
		s.ask("kill $(jobs -pr) 2>/dev/null")
	}
	for _, j := range s.jobs {
		if s.broken || onHost {
			break
		}
		_, err := s.ask("wait " + j.pid + " 2>/dev/null")
		switch {
		case err != nil:
			report(j.by.Line, "the program in the background got SIGTERM and "+err.Error())
		case s.status == 127: // bash's answer if a command has waited for it already
		case s.status > 128 && s.foreseen[s.status]: // a command has waited for it, and a block has foreseen the signal
		case s.status != 0:
			report(j.by.Line, fmt.Sprintf("the program in the background exited with status %d", s.status))
		}
	}
	s.kill()
	s.output.Close()
	s.life.Close() // nil, on a private network
	if err := s.crashes(); err != nil {
		report(s.line, err.Error())
	}
	return problems
}

// crashes looks for the last words of Go programs, in all that was printed and
// in the files that the session has made or changed.
func (s *Session) crashes() error {
	errs := []error{crash("the session's output", s.printed.String()+s.withoutEcho(s.unread))}
	err := filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !s.changed(path, d) {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.IndexByte(text, 0) < 0 { // not a program, which has such words in it
			errs = append(errs, crash("the session's file "+d.Name(), string(text)))
		}
		return err
	})
	return errors.Join(append(errs, err)...)
}

func crash(where, text string) error {
	for _, words := range []string{"panic:", "WARNING: DATA RACE"} {
		if _, after, found := strings.Cut(text, words); found {
			return fmt.Errorf("%s contains %q%s", where, words, excerpt(after))
		}
	}
	return nil
}

// excerpt returns as much of an output as helps to find a fault.
func excerpt(output string) string {
	const enough = 2000 // bytes
	if len(output) > enough {
		output = output[:enough] + "..."
	}
	return strings.TrimRight("\n"+output, "\n")
}

// Quote returns s as one word for the shell.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
