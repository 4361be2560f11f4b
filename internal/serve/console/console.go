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
	"sync"
	"sync/atomic"
	"syscall"
	"unicode/utf8"

	"golang.org/x/term"

	"fopnp/internal/serve/program"
)

// A Console has a prompt, where the user types lines, and prints text. Several
// goroutines may call its methods.
type Console struct {
	prompt   string
	typed    chan string
	terminal *term.Terminal // nil if there is none
	screen   *screen        // of the terminal
	before   *term.State    // of the terminal
	beyond   []rune         // typed when the editor's line was full

	mu     sync.Mutex
	closed bool
}

// Open prints a greeting, if it is not empty, and the prompt, which may be
// empty. From then on, the user can type. Call Close before the program ends.
//
// Ctrl-C, SIGINT and SIGTERM end the program with status 128 plus the number of
// the signal, which is the status that a shell reports for a program killed by
// a signal. The terminal is then as it was before.
func Open(greeting, prompt string) *Console {
	c := &Console{prompt: prompt, typed: make(chan string)}
	if term.IsTerminal(stdin) && term.IsTerminal(stdout) {
		c.before, _ = term.MakeRaw(stdin)
	}
	if greeting != "" { // the user may type from here on: the terminal is ready
		fmt.Print(greeting + c.lineEnd())
	}
	if c.before == nil {
		fmt.Print(prompt)
		go c.readLines(bufio.NewReader(os.Stdin))
		return c
	}
	c.screen = newScreen(os.Stdin, os.Stdout)
	c.terminal = term.NewTerminal(c.screen, prompt)
	c.terminal.AutoCompleteCallback = c.key
	c.terminal.History = &history{c.terminal.History, c}
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
//
// A line may be long and hold NUL bytes and bytes that are not UTF-8, at a
// terminal as well. There the editor has room for 4096 characters. If the user
// types more, the screen does not show the rest, but the line contains it, so
// the program sees how long the line is. Control characters edit the
// line or do nothing, and a tab becomes a space.
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

// edit sends each line that the user has edited to Typed's channel.
func (c *Console) edit() {
	for {
		line, err := c.terminal.ReadLine()
		switch err {
		case nil, term.ErrPasteIndicator:
			if isFull(line) {
				line += string(c.beyond)
			}
			c.beyond = nil
			c.typed <- typedBytes(line)
		case errInterrupted:
			c.end(128 + int(syscall.SIGINT))
		default: // Ctrl-D in an empty line, or the terminal has gone
			c.screen.touched.Store(false)
			close(c.typed)
			return
		}
	}
}

// Prompt prompts for the next line.
func (c *Console) Prompt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.terminal == nil { // a terminal's line editor does so by itself
		fmt.Print(c.prompt)
	}
}

// Show prints text, which must end in a line feed, and prompts again.
func (c *Console) Show(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.terminal == nil {
		fmt.Print(text + c.prompt)
		return
	}
	// The editor does not clear the lines below the cursor, and the cursor may
	// be in the first line of several.
	c.terminal.Write([]byte(eraseBelow + text))
	c.screen.redrawLater()
}

const eraseBelow = "\x1b[J"

// Complain is program.Complain, but does not disturb the prompt: if both stdout
// and stderr are a terminal, the line appears above the prompt.
func (c *Console) Complain(what string, err error) {
	if c.terminal == nil || !term.IsTerminal(int(os.Stderr.Fd())) {
		program.Complain(what, err)
		return
	}
	c.Show(fmt.Sprintf("%s: %s: %s\n", program.Name(), what, program.Why(err)))
}

// Close ends the line of the prompt, leaves what was typed there, and restores
// the terminal. If the prompt is empty and the user has typed nothing there,
// there is no line to end. Close may be called more than once.
func (c *Console) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	c.restore()
	if c.prompt != "" || c.screen != nil && c.screen.touched.Load() {
		fmt.Println()
	}
}

// lineEnd returns what ends a line on the screen.
func (c *Console) lineEnd() string {
	if c.before != nil {
		return "\r\n" // in raw mode, a line feed moves the cursor down only
	}
	return "\n"
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
	io.Writer
	keys    chan keys
	rest    []byte        // keys that the editor has not taken yet
	redraw  chan struct{} // has an element if the editor has to redraw the line
	half    []byte        // a character whose rest has not come yet
	escape  int           // length of a sequence that has no end yet
	touched atomic.Bool   // there were keys since the last Enter
}

// keys are what the user has pressed, or an error.
type keys struct {
	pressed []byte
	err     error
}

func newScreen(r io.Reader, w io.Writer) *screen {
	s := &screen{Writer: w, keys: make(chan keys), redraw: make(chan struct{}, 1)}
	go func() {
		for {
			k := keys{pressed: make([]byte, 256)}
			var n int
			n, k.err = r.Read(k.pressed)
			k.pressed = k.pressed[:n]
			s.keys <- k
		}
	}()
	return s
}

// errInterrupted is the error of Ctrl-C. Without it, the editor would treat
// Ctrl-C like Ctrl-D.
var errInterrupted = errors.New("interrupted")

const ctrlC = 3

// Read reads keys as the editor understands them. It would drop a NUL, and for
// a byte that is not UTF-8, it would wait until another key is pressed. So Read
// replaces these bytes with stand-ins. The editor would drop a tab, too, so a
// tab becomes a space.
func (s *screen) Read(buffer []byte) (int, error) {
	for len(s.rest) == 0 {
		select {
		case <-s.redraw:
			buffer[0] = redrawKey
			return 1, nil
		case k := <-s.keys:
			if bytes.IndexByte(k.pressed, ctrlC) >= 0 {
				return 0, errInterrupted
			}
			s.understand(k)
			if len(s.rest) == 0 && k.err != nil {
				return 0, k.err
			}
		}
	}
	n := copy(buffer, s.rest)
	s.touched.Store(s.rest[n-1] != '\r')
	s.rest = s.rest[n:]
	return n, nil
}

// understand translates keys for the editor and appends them to rest.
func (s *screen) understand(k keys) {
	pressed := append(s.half, k.pressed...)
	for len(pressed) > 0 && (k.err != nil || utf8.FullRune(pressed)) {
		key, size := utf8.DecodeRune(pressed)
		switch {
		case key == 0, key == utf8.RuneError, key >= standIn:
			for _, b := range pressed[:size] {
				s.rest = utf8.AppendRune(s.rest, standIn+rune(b))
			}
		case key == '\t':
			s.rest = append(s.rest, ' ')
		default:
			s.rest = append(s.rest, pressed[:size]...)
		}
		s.endSequence(key)
		pressed = pressed[size:]
	}
	s.half = slices.Clone(pressed)
}

// endSequence ends an escape sequence that is longer than that of any key. The
// editor keeps a sequence until a letter or a tilde ends it, but has only room
// for 256 bytes.
func (s *screen) endSequence(key rune) {
	const escape, longest = '\x1b', 16
	switch {
	case s.escape == 0 && key != escape:
		return
	case key >= 'a' && key <= 'z', key >= 'A' && key <= 'Z', key == '~':
		s.escape = 0
		return
	}
	if s.escape++; s.escape > longest {
		s.rest = append(s.rest, '~')
		s.escape = 0
	}
}

// standIn plus a byte is the character that stands in the editor's line for a
// byte that the editor does not understand. These are the last 256 characters
// of Unicode, which nothing else uses. If the user types one of them, stand-ins
// replace its bytes.
const standIn = utf8.MaxRune - 0xff

// typedBytes returns what the user typed for a line of the editor.
func typedBytes(line string) string {
	typed := make([]byte, 0, len(line))
	for _, char := range line {
		switch {
		case char >= standIn:
			typed = append(typed, byte(char-standIn))
		case char != redrawKey: // which is in the line if it came during a paste
			typed = utf8.AppendRune(typed, char)
		}
	}
	return string(typed)
}

// Write shows what the editor writes. A stand-in is shown as a question mark.
func (s *screen) Write(text []byte) (int, error) {
	_, err := s.Writer.Write(bytes.Map(func(char rune) rune {
		switch {
		case char >= standIn:
			return '?'
		case char == redrawKey: // during a paste
			return -1
		}
		return char
	}, text))
	return len(text), err
}

// redrawLater makes the editor redraw the line that is being typed. The editor
// itself does so after it has printed text, but not if the cursor is in the
// first column, as it can be if the prompt is empty.
func (s *screen) redrawLater() {
	select {
	case s.redraw <- struct{}{}:
	default: // a redraw is pending already
	}
}

// redrawKey is a key, Ctrl-@, that has no other meaning for the editor.
const redrawKey = 0

// key is what the editor calls for keys that may change the whole line, and for
// characters. If the key is redrawKey, it replaces the line with itself, and so
// redraws it. If the line is full, key keeps the character, because the editor
// drops it.
func (c *Console) key(line string, pos int, key rune) (string, int, bool) {
	switch {
	case key == redrawKey:
		return line, pos, true
	case !isFull(line):
		c.beyond = nil // the user has made the line shorter
	case key >= ' ' && utf8.ValidRune(key): // not a key such as Page Up
		c.beyond = append(c.beyond, key)
	}
	return line, pos, false
}

// isFull reports whether the editor drops what the user types next. A line that
// was pasted, in the sequences that mark a paste, may be longer.
func isFull(line string) bool { return utf8.RuneCountInString(line) == 4096 }

// A history holds the lines that the arrow keys bring back, except lines of
// which the editor has only the beginning.
type history struct {
	term.History
	c *Console
}

// Add adds a line that the user has entered.
func (h *history) Add(line string) {
	if len(h.c.beyond) == 0 || !isFull(line) {
		h.History.Add(line)
	}
}
