// Package console is for programs that print what arrives while their user
// types.
//
// At a terminal, the console prints what arrives above the prompt, and the
// prompt and the line that is being typed stay as they are. The user can edit
// the line, and the arrow keys bring back earlier lines. If the input or the
// output is not a terminal, the console prints plain text and the prompt again
// after it.
package console

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"unicode/utf8"

	"golang.org/x/term"

	"fopnp/internal/serve/program"
)

// A Console has a prompt, where the user types lines, and prints text. One
// goroutine may call its methods.
type Console struct {
	prompt   string
	typed    chan string
	terminal *term.Terminal // nil if there is none
	before   *term.State    // of the terminal
	closed   bool
}

// Open prints a greeting, if it is not empty, and the prompt. From then on, the
// user can type. Call Close before the program ends.
//
// Ctrl-C, SIGINT and SIGTERM end the program with status 128 plus the number of
// the signal, which is the status that a shell reports for a program killed by
// a signal. The terminal is then as it was before.
func Open(greeting, prompt string) *Console {
	c := &Console{prompt: prompt, typed: make(chan string)}
	if greeting != "" {
		fmt.Println(greeting)
	}
	if term.IsTerminal(stdin) && term.IsTerminal(stdout) {
		c.before, _ = term.MakeRaw(stdin)
	}
	if c.before == nil {
		fmt.Print(prompt)
		go c.readLines(bufio.NewReader(os.Stdin))
		return c
	}
	c.terminal = term.NewTerminal(
		&screen{Reader: os.Stdin, Writer: os.Stdout}, prompt)
	c.fit()
	c.whenResized()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		c.end(128 + int((<-signals).(syscall.Signal)))
	}()
	go c.edit()
	return c
}

// The descriptors of the terminal.
var stdin, stdout = int(os.Stdin.Fd()), int(os.Stdout.Fd())

// Typed returns a channel of the lines that the user types, without their ends.
// It is closed at the end of the input, which is Ctrl-D in an empty line. After
// each line, call Prompt.
func (c *Console) Typed() <-chan string { return c.typed }

// readLines reads the lines of an input that is not a terminal.
func (c *Console) readLines(input *bufio.Reader) {
	defer close(c.typed)
	for {
		line, err := input.ReadBytes('\n')
		if len(line) > 0 {
			line = bytes.TrimSuffix(line, []byte("\n"))
			c.typed <- string(bytes.TrimSuffix(line, []byte("\r")))
		}
		if err == io.EOF {
			return
		} else if err != nil {
			program.Fail("read stdin", err)
		}
	}
}

// edit lets the user edit lines.
func (c *Console) edit() {
	for {
		line, err := c.terminal.ReadLine()
		switch err {
		case nil, term.ErrPasteIndicator:
			c.typed <- line
		case errInterrupted:
			c.end(128 + int(syscall.SIGINT))
		default: // Ctrl-D, or the terminal has gone
			close(c.typed)
			return
		}
	}
}

// Prompt prompts for the next line.
func (c *Console) Prompt() {
	if c.terminal == nil { // a terminal's line editor does so by itself
		fmt.Print(c.prompt)
	}
}

// Show prints text, which must end in a line feed, and prompts again.
func (c *Console) Show(text string) {
	if c.terminal == nil {
		fmt.Print(text + c.prompt)
		return
	}
	// The editor does not clear the lines below the cursor, and the cursor may
	// be in the first line of several.
	c.terminal.Write([]byte(eraseBelow + text))
}

const eraseBelow = "\x1b[J"

// Complain is program.Complain, but does not disturb the prompt.
func (c *Console) Complain(what string, err error) {
	if c.terminal == nil {
		program.Complain(what, err)
		return
	}
	c.Show(fmt.Sprintf("%s: %s: %s\n", program.Name(), what, program.Why(err)))
}

// Close ends the line of the prompt, leaves what was typed there, and restores
// the terminal. It may be called more than once.
func (c *Console) Close() {
	if !c.closed {
		c.closed = true
		c.restore()
		fmt.Println()
	}
}

func (c *Console) restore() {
	if c.before != nil {
		term.Restore(stdin, c.before)
		fmt.Print(eraseBelow)
	}
}

// end ends the program because of a signal.
func (c *Console) end(status int) {
	c.restore()
	fmt.Println()
	os.Exit(status)
}

// fit tells the editor the size of the terminal.
func (c *Console) fit() {
	if width, height, err := term.GetSize(stdout); err == nil && width > 0 {
		c.terminal.SetSize(width, height)
	}
}

// A screen is both sides of a terminal.
type screen struct {
	io.Reader
	io.Writer
	half []byte // a character whose rest has not come yet
}

// errInterrupted is the error of Ctrl-C. Without it, the editor would treat
// Ctrl-C like Ctrl-D.
var errInterrupted = errors.New("interrupted")

const ctrlC = 3

// Read reads keys as the editor understands them. For a byte that is not UTF-8,
// it would wait until another key is pressed, and it would drop a tab. So such
// a byte becomes a question mark, and a tab becomes a space.
func (s *screen) Read(keys []byte) (int, error) {
	n, err := s.Reader.Read(keys[copy(keys, s.half):])
	keys = keys[:len(s.half)+n]
	if bytes.IndexByte(keys, ctrlC) >= 0 {
		return 0, errInterrupted
	}
	n = 0
	for len(keys[n:]) > 0 && (err != nil || utf8.FullRune(keys[n:])) {
		key, size := utf8.DecodeRune(keys[n:])
		switch key {
		case utf8.RuneError:
			keys = slices.Replace(keys, n, n+size, '?')
			size = 1
		case '\t':
			keys[n] = ' '
		}
		n += size
	}
	s.half = append(s.half[:0], keys[n:]...)
	return n, err
}
