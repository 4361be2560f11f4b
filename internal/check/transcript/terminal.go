package transcript

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fopnp/internal/netns"
)

// prompt is what a reader sees of bash's prompt.
const prompt = "$ "

// inputrc is for bash's line editor, and replaces the user's own. Bracketed paste
// would put escape sequences around each prompt.
const inputrc = "set enable-bracketed-paste off\n"

// A Terminal is our end of the terminal that bash runs at. We read what bash prints
// from it, and write what we type to it. An *os.File is a Terminal.
type Terminal interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// A Network is where a bash and its programs run. [*netns.Network] is one.
type Network interface {
	// Runs reports whether bash has a child that runs and has this process id, as
	// bash sees it.
	Runs(pid int) bool

	// Listeners returns the sockets that clients can reach. It returns nil if it
	// cannot tell which of them belong to the session.
	Listeners() []netns.Socket

	// Close kills bash and its programs and waits until they are dead.
	Close()
}

// A mark is an escape sequence that tells terminals about prompts and commands.
// They do not show it. Ours contain a random text, so no program prints one by
// accident. Programs can find the text in their environment, in the variables
// of bash's prompts.
const (
	beginOfMark = "\x1b]133;"
	endOfMark   = "\a"
)

// promptCount is a variable of bash that counts its prompts. If the size of a terminal
// changes, bash shows the same prompt again, with the same number. Another bash at this
// terminal begins at a number of its own.
const promptCount = "__prompts"

// clearLine is what bash prints before it shows a prompt again.
var clearLine = regexp.MustCompile(`(?:\r*\x1b\[K)+\r*`)

// forget removes a prompt that we have seen already.
func (s *Session) forget() {
	for s.atTerminal() {
		before, rest, found := strings.Cut(s.unread, s.mark+s.prompt+" ")
		_, after, ended := strings.Cut(rest, s.end)
		if !found || !ended || s.prompt == "" {
			return
		}
		s.unread = before + after
	}
}

// atTerminal reports whether bash is interactive.
func (s *Session) atTerminal() bool { return s.config.Terminal || s.config.Open != nil }

// startAtTerminal starts bash at a terminal, on a private network unless the config
// says otherwise, and waits for its first prompt.
func (s *Session) startAtTerminal() error {
	s.mark = beginOfMark + "D;" + rand.Text() + ";"
	s.end = beginOfMark + "B;" + rand.Text() + endOfMark
	s.begun = beginOfMark + "C;" + rand.Text() + endOfMark
	s.more = beginOfMark + "B;" + rand.Text() + endOfMark
	env := append(s.interactive(s.host),
		"PS0="+s.begun,
		`PS1=\[`+s.mark+`$((`+promptCount+`=${`+promptCount+`:-RANDOM*32768+RANDOM}+1)) `+state+endOfMark+`\]`+prompt+`\[`+s.end+`\]`,
		`PS2=> \[`+s.more+`\]`,
	)
	open := s.config.Open
	if open == nil {
		open = onPrivateNetwork
	}
	network, terminal, err := open(s.bash(s.host, env, "-i"))
	if err != nil {
		return err
	}
	s.network, s.output, s.kill = network, terminal, network.Close
	if _, err = s.answer(); err != nil {
		s.kill()
	}
	return err
}

// Shell returns the command of an interactive bash for a reader's own commands, in
// this home, or on a host of the playground if host is not "". There it joins the
// playground of the home's session.
func (h *Home) Shell(host string) *exec.Cmd {
	shown := prompt
	if host != "" {
		shown = host + prompt
	}
	return h.bash(host, append(h.interactive(host), "PS1="+shown), "-i")
}

// interactive returns the extra environment of an interactive bash, on a host of
// the playground or, if that is "", in this home.
func (h *Home) interactive(host string) []string {
	env := []string{
		"LC_ALL=C.UTF-8", // in C, bash redraws its prompt
		"HISTFILE=",      // or bash would save what is typed
	}
	if host != "" {
		return append(env, "TERM=dumb") // does what inputrc does, without a file
	}
	return append(env, "INPUTRC="+filepath.Join(h.Dir, "inputrc"))
}

func onPrivateNetwork(bash *exec.Cmd) (Network, Terminal, error) {
	network, terminal, err := netns.StartAtTerminal(bash)
	if err != nil {
		return nil, nil, err
	}
	return network, terminal, nil
}

// lookAtTerminal does what look does, for a session at a terminal. It types
// nothing, because the echo would mix with what the programs print.
func (s *Session) lookAtTerminal(pid string) (shown string, runs bool, err error) {
	number, err := strconv.Atoi(pid)
	if err != nil {
		return "", false, err
	}
	runs = s.host != "" || s.network.Runs(number)
	s.output.SetReadDeadline(time.Now().Add(lookEvery))
	for err == nil {
		err = s.read()
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return "", false, err
	}
	s.forget()
	shown, s.unread = s.unread, ""
	if i := strings.Index(shown, s.mark); i >= 0 { // the rest of the prompt will come
		shown, s.unread = shown[:i], shown[i:]
	}
	shown = clearLine.ReplaceAllString(shown, "")
	s.printed.WriteString(shown)
	return shown, runs, nil
}

// enter types a script, line by line, and then the keys. It waits for the
// prompt before it types a line, because a terminal shows twice what is typed
// too early.
func (s *Session) enter(script string, keys []Key) error {
	for i, line := range strings.Split(script, "\n") {
		if i > 0 {
			err := s.until(func() bool { return strings.Count(s.unread, s.more) == i || s.prompts() })
			if err != nil {
				return err
			}
			if s.prompts() {
				return fmt.Errorf("is complete without %q", line)
			}
		}
		s.press(line + "\r")
	}
	for _, key := range keys {
		err := s.until(func() bool {
			_, shown, begun := strings.Cut(s.unread, s.begun)
			return begun && strings.Contains(Screen(shown), key.After) || s.prompts()
		})
		if err != nil {
			return err
		}
		if s.prompts() {
			shown, _, _ := strings.Cut(s.withoutEcho(s.unread), s.mark)
			return fmt.Errorf("ended before %q was typed%s", key.Typed, excerpt(shown))
		}
		s.press(key.Typed)
	}
	return nil
}

// press presses keys. If it cannot, because bash has ended or does not read, the
// next read says so.
func (s *Session) press(keys string) {
	s.output.SetWriteDeadline(time.Now().Add(s.limit))
	io.WriteString(s.output, keys)
}

// withoutEcho returns what a terminal shows after the command that was typed.
// If a program in the background has printed something between its letters,
// that is lost.
func (s *Session) withoutEcho(screen string) string {
	if _, shown, begun := strings.Cut(screen, s.begun); begun {
		return shown
	}
	return screen
}

// jobMessage matches bash's messages about its jobs at a terminal. A job that
// fails is still a problem: End reports it.
//
//	[1] 4711
//	[1]+  Terminated              go run ./chapter07/srv_single '' &> server.log
//	(wd now: ~/fopnp)
//
// Before the message that a job has stopped, bash prints an empty line.
var jobMessage = regexp.MustCompile(
	`(?m)^(?:\[\d+\](?: \d+|[-+ ]  (?:Done|Exit \d+|Terminated|Killed) .*)|\n\[\d+\][-+ ]  Stopped .*|\(wd now: .*\))\n`)

// A Key is what a reader types while a command runs.
type Key struct {
	After string // what the command must have printed
	Typed string // "\x03" is Ctrl-C
}

// Type types a command at the session's terminal, and then the keys. It returns
// what the terminal shows until bash prompts again, with bash's job messages. It
// does not wait for programs in the background. Type panics if the session has no
// terminal.
func (s *Session) Type(command string, keys ...Key) (screen string, err error) {
	if !s.atTerminal() {
		panic("transcript: there is no terminal to type at")
	}
	screen, err = s.ask(command, keys...)
	return Screen(screen), err
}

// Resume prepares for the next command after the reader has typed at the session's
// terminal, or after a command has failed. It returns an error if bash does not
// show its prompt, because a command still runs.
func (s *Session) Resume() error {
	deadline := time.Now().Add(lookEvery)
	s.output.SetReadDeadline(deadline)
	var err error
	for err == nil && time.Now().Before(deadline) {
		err = s.read()
		s.forget()
		// Earlier prompts do not matter.
		s.unread = s.unread[max(0, strings.LastIndex(s.unread, s.mark)):]
		const flood = 1 << 16 // bytes without a prompt, more than a reader types
		if len(s.unread) > flood {
			s.unread = s.begun + s.unread[len(s.unread)-len(s.mark):]
		}
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	// Bash may not have read yet what the reader typed. It shows our line when it has read
	// and run all of that.
	const endLine, clear = "\x05", "\x15" // Ctrl-E and Ctrl-U
	ours := rand.Text()[:8]
	atPrompt := func() bool { return strings.Contains(s.afterPrompt(), ours) }
	if !s.runs() {
		s.press(endLine + clear + "#" + ours + "#")
		if err := s.until(func() bool { s.forget(); return s.runs() || atPrompt() }); err != nil {
			return err
		}
	}
	if s.runs() {
		return errors.New("a command still runs at this terminal")
	}
	prompt := s.unread[max(0, strings.LastIndex(s.unread, s.mark)):]
	s.unread, s.broken = "", false
	s.press(endLine + clear)
	if _, rest, found := strings.Cut(prompt, s.mark); found {
		state, _, _ := strings.Cut(rest, s.end)
		return s.noteMark(state)
	}
	return nil
}

// afterPrompt returns what the terminal has shown since the last prompt, or since the
// last command if there has been no prompt.
func (s *Session) afterPrompt() string {
	return s.unread[max(0, strings.LastIndex(s.unread, s.end)):]
}

// runs reports whether a command has begun after the last prompt, or whether bash has
// shown no prompt since a command failed.
func (s *Session) runs() bool {
	return s.broken && !strings.Contains(s.unread, s.end) || strings.Contains(s.afterPrompt(), s.begun)
}

// Kill kills all processes of the session at once. End need not be called then.
func (s *Session) Kill() {
	s.kill()
	s.output.Close()
	s.unlock()
}
