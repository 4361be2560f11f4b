package transcript

import (
	"errors"
	"fmt"
	"io"
	"os"
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

// startAtTerminal starts bash at a terminal, on a private network, and waits for
// its first prompt.
func (s *Session) startAtTerminal() error {
	env := []string{
		"LC_ALL=C.UTF-8", // in C, bash redraws its prompt
		"HISTFILE=",      // or bash would save what is typed
		"PS0=" + s.begun,
		`PS1=\[` + s.mark + state + `\]` + prompt + `\[` + s.mark + `\]`,
		`PS2=> \[` + s.more + `\]`,
	}
	if s.host == "" {
		env = append(env, "INPUTRC="+filepath.Join(s.Dir, "inputrc"))
	} else {
		env = append(env, "TERM=dumb") // does the same, without a file
	}
	network, terminal, err := netns.StartAtTerminal(s.bash(env, "-i"))
	if err != nil {
		return err
	}
	s.network, s.output = network, terminal
	s.kill = s.network.Close
	if _, err = s.answer(); err != nil {
		s.kill()
	}
	return err
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
	shown, s.unread = s.unread, ""
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
	if !s.config.Terminal {
		panic("transcript: there is no terminal to type at")
	}
	screen, err = s.ask(command, keys...)
	return Screen(screen), err
}
