package literate

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
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// A session is one bash and what it has started. It is told one command at a
// time, each followed by one that prints a mark, and what comes out before the
// mark is the command's.
type session struct {
	*Book
	*home
	network bool   // it has a network of its own
	unlock  func() // lets the next session have the system's network

	bash   *exec.Cmd
	input  io.Writer
	output *os.File
	life   *os.File      // closed when we die; see watch
	over   chan struct{} // closed when bash is to be killed
	gone   chan struct{} // closed when it is dead

	line    int // where it begins in the document
	mark    string
	unread  string // output that has come and was not asked for yet
	printed strings.Builder
	broken  bool // nothing more can be asked

	// What the last mark said.
	status int
	pids   []string // the program last started in the background, and bash's jobs
	cwd    string

	jobs []job // all that were started in the background
}

// A job is a program in the background.
type job struct {
	pid string
	by  command
}

// calledMain is set by Main.
var calledMain bool

// newSession starts a session, for what begins at a line of the document.
func (b *Book) newSession(line int, home *home) (*session, error) {
	if !calledMain {
		panic("literate: TestMain must call literate.Main before it does anything else")
	}
	s := &session{
		Book:   b,
		home:   home,
		line:   line,
		cwd:    home.tree,
		unlock: func() {},
		over:   make(chan struct{}),
		gone:   make(chan struct{}),
		mark:   rand.Text(),
	}
	if err := s.start(); err != nil {
		s.unlock()
		return nil, err
	}
	return s, nil
}

// start starts bash.
func (s *session) start() error {
	s.bash = exec.Command("bash", "--norc", "--noprofile")
	s.bash.Dir = s.tree
	s.bash.Env = s.environment()
	s.network = isolate(s.bash, s.shared)
	if !s.network {
		// The ports of the transcripts are fixed, so one session at a time.
		name := fmt.Sprintf("fopnp-transcripts-%d.lock", os.Getuid())
		unlock, err := lockedfile.MutexAt(filepath.Join(os.TempDir(), name)).Lock()
		if err != nil {
			return err
		}
		s.unlock = unlock
	}

	input, err := s.bash.StdinPipe()
	if err != nil {
		return err
	}
	output, err := s.bash.StdoutPipe()
	if err != nil {
		return err
	}
	s.bash.Stderr = s.bash.Stdout // one stream, as on a screen
	s.input, s.output = input, output.(*os.File)
	if s.network {
		return s.launch()
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirs.Close()
	s.bash.ExtraFiles = []*os.File{theirs}
	if err := s.launch(); err != nil {
		ours.Close()
		return err
	}
	s.life = ours
	fmt.Fprintln(s.input, watch) // bash is there, or the first command will tell
	return nil
}

// launch starts bash from a thread that stays until bash is dead: if we die
// before our time, and bash is in a namespace, the kernel kills it, but what the
// kernel takes for us is the thread that bash was started from.
func (s *session) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.bash.Start()
		started <- err
		if err != nil {
			return
		}
		<-s.over
		killAll(s.bash)
		s.bash.Wait() // was killed, which is no news
		close(s.gone)
	}()
	return <-started
}

// watch is the first thing that a bash without a namespace is told: to have a
// process stay that does nothing until our end of a pipe is closed, as it is
// when we die, and then takes the whole session with it.
const watch = "({ read -r; kill -9 0; } <&3 >/dev/null 2>&1 &); exec 3<&-"

// run runs a command. If it starts a program in the background, run waits until
// that program is ready.
func (s *session) run(c command) (output string, err error) {
	defer func() { s.broken = s.broken || err != nil }()
	background := strings.HasSuffix(c.script, "&") && !strings.HasSuffix(c.script, "&&")
	var ready *readiness
	if background {
		ready = s.expect(c.script)
	}

	// Commands have no standard input, for bash's is where they come from.
	// They do have the status of the one before them.
	output, err = s.ask(fmt.Sprintf("(exit %d); eval %s </dev/null", s.status, quote(c.script)))
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
		return output + more, err
	}
	return output, nil
}

// printMark prints a mark, what noteMark reads, and the mark again. It is one
// line, so that no program in the background can get a word in.
const printMark = `printf '%[2]s %%s %%s %%s %%s%[2]s' "$?" "$!" "$(echo $(jobs -p))" "$PWD"
`

// ask has bash run a script, and returns what has been printed meanwhile.
func (s *session) ask(script string) (output string, err error) {
	// An error here means that bash has ended, which reading will tell.
	fmt.Fprintf(s.input, "%s\n"+printMark, script, s.mark)
	limit := cmp.Or(s.toEnd, endLimit)
	s.output.SetReadDeadline(time.Now().Add(limit))
	buf := make([]byte, 1<<16)
	for {
		parts := strings.SplitN(s.unread, s.mark, 3)
		if len(parts) == 3 {
			s.unread = parts[2]
			s.printed.WriteString(parts[0])
			return parts[0], s.noteMark(parts[1])
		}
		n, err := s.output.Read(buf)
		s.unread += string(buf[:n])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = fmt.Errorf("has not ended in %v%s", limit, excerpt(s.unread))
		case err != nil:
			err = errors.New("has ended the shell")
		case len(s.unread) > 1<<20:
			err = errors.New("prints more than anybody would read")
		}
		if err != nil {
			s.broken = true
			return "", err
		}
	}
}

// noteMark reads the inside of a mark: a status, process ids, a folder.
func (s *session) noteMark(inside string) (err error) {
	numbers, _, _ := strings.Cut(inside, "/")
	s.cwd = inside[len(numbers):]
	fields := strings.Fields(numbers)
	if len(fields) == 0 {
		return fmt.Errorf("unexpected mark %q", inside)
	}
	s.pids = fields[1:]
	s.status, err = strconv.Atoi(fields[0])
	return err
}

// end ends what still runs, and reports what went wrong in the background.
func (s *session) end(report func(line int, what string)) {
	defer s.unlock()
	if !s.broken {
		s.ask("kill $(jobs -pr) 2>/dev/null")
	}
	for _, j := range s.jobs {
		if s.broken {
			break
		}
		_, err := s.ask("wait " + j.pid + " 2>/dev/null")
		switch {
		case err != nil:
			report(j.by.line, "the program in the background "+err.Error()+" since it was sent SIGTERM")
		case s.status == 127: // bash's word for: somebody has waited for it already
		case s.status != 0:
			report(j.by.line, fmt.Sprintf("the program in the background exited with status %d", s.status))
		}
	}
	close(s.over)
	<-s.gone
	s.life.Close() // nil, where there is no need to watch
	if err := s.crashes(); err != nil {
		report(s.line, err.Error())
	}
}

// crashes looks for the last words of Go programs, in all that was printed and
// in the files that the session has made or changed.
func (s *session) crashes() error {
	errs := []error{crash("the output", s.printed.String()+s.unread)}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !s.changed(path, d) {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.IndexByte(text, 0) < 0 { // no program, which holds all that it may ever say
			errs = append(errs, crash(d.Name(), string(text)))
		}
		return err
	})
	return errors.Join(append(errs, err)...)
}

func crash(where, text string) error {
	for _, words := range []string{"panic:", "WARNING: DATA RACE"} {
		if _, after, found := strings.Cut(text, words); found {
			return fmt.Errorf("%s of the session holds %q%s", where, words, excerpt(after))
		}
	}
	return nil
}

// excerpt returns as much of a text as helps somebody who looks for a fault.
func excerpt(text string) string {
	const enough = 2000
	if len(text) > enough {
		text = text[:enough] + "..."
	}
	return strings.TrimRight("\n"+text, "\n")
}

// quote makes one word of s for the shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
