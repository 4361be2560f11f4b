package literate

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// A command is a line of a transcript that somebody typed, and what came of it.
type command struct {
	line   int    // of the document
	typed  string // as it stands there, prompts and all
	script string
	output string
}

// console runs the commands of one block, in the session of its section.
func (w *weaver) console(b block, args []string) {
	if runtime.GOOS == "windows" {
		w.problems = append(w.problems, Problem{
			Path: w.path, Line: b.line, What: "not run on windows", Skip: true,
		})
		return
	}
	sorted, counts, status := false, false, 0
	for _, arg := range args {
		n, isStatus := strings.CutPrefix(arg, "status=")
		var err error
		if isStatus {
			status, err = strconv.Atoi(n)
		}
		switch {
		case arg == "sorted":
			sorted = true
		case arg == "counts":
			counts = true
		case !isStatus || err != nil:
			w.report(b.line, fmt.Sprintf("unknown word %q; a console block is "+
				"sorted, counts, status=N or illustration", arg))
			return
		}
	}
	commands, err := w.commands(b)
	if err != nil {
		w.report(b.line, err.Error())
		return
	}

	if w.session == nil {
		if err := w.startSession(b.line); err != nil {
			w.report(b.line, err.Error())
			return
		}
	}
	essence := func(output string) string { return essence(output, sorted, counts) }
	failed := false
	var fresh, was, is strings.Builder
	for _, c := range commands {
		if w.session.broken {
			w.report(c.line, "not run, for the session has ended")
			return
		}
		output, err := w.session.runUntil(c, func(output string) bool {
			return essence(shown(output)) == essence(c.output)
		})
		if err != nil {
			w.report(c.line, err.Error())
			return
		}
		if got := w.session.status; got != 0 {
			failed = true
			if got != status {
				w.report(c.line, fmt.Sprintf("exited with status %d", got))
			}
		}
		output = shown(output)
		if strings.Contains("\n"+output, "\n$ ") {
			w.report(c.line, "prints a line that looks like a command")
			return
		}
		fresh.WriteString(c.typed + output)
		was.WriteString(c.typed + essence(c.output))
		is.WriteString(c.typed + essence(output))
	}
	if status != 0 && !failed {
		w.report(b.line, fmt.Sprintf("nothing exited with status %d", status))
	}
	w.replace(b, fresh.String(), was.String(), is.String())
}

// startSession starts the session of a section, in the home of the one before if
// there was one.
func (w *weaver) startSession(line int) (err error) {
	if w.home == nil {
		if w.home, err = w.newHome(); err != nil {
			return err
		}
	}
	w.session, err = w.newSession(line, w.home)
	return err
}

// endSession ends the session of the section that ends here, if it had one.
func (w *weaver) endSession() {
	if w.session == nil {
		return
	}
	w.session.end(w.report)
	w.session = nil
	if !w.home.tidy() {
		w.leave()
	}
}

// leave removes the sessions' home.
func (w *weaver) leave() {
	if w.home != nil {
		os.RemoveAll(w.home.dir)
		w.home = nil
	}
}

// commands takes a transcript apart.
func (w *weaver) commands(b block) ([]command, error) {
	var commands []command
	line := b.line
	for text := range strings.Lines(b.text) {
		line++
		if script, ok := strings.CutPrefix(text, "$ "); ok {
			commands = append(commands, command{line, text, strings.TrimSpace(script), ""})
			continue
		}
		if commands == nil {
			break
		}
		last := &commands[len(commands)-1]
		more, ok := strings.CutPrefix(strings.TrimSuffix(text, "\n"), ">")
		if ok && last.output == "" && unfinished(last.script) {
			last.typed += text
			last.script += "\n" + strings.TrimPrefix(more, " ")
			continue
		}
		last.output += text
	}
	if commands == nil {
		return nil, fmt.Errorf("a console block begins with a command: $ and a space")
	}
	return commands, nil
}

// unfinished reports whether bash would ask for more of a script: for the rest
// of a quotation, a here-document or a loop. Many programs prompt with "> "
// themselves, so that the prompt alone does not tell.
func unfinished(script string) bool {
	bash := exec.Command("bash", "--norc", "--noprofile", "-n", "-c", script)
	bash.Env = []string{}
	complaint, _ := bash.CombinedOutput()
	return len(complaint) > 0 || strings.HasSuffix(script, `\`)
}

// lineNumber is what bash says of itself when it is not talking to a terminal.
var lineNumber = regexp.MustCompile(`(?m)^bash: line \d+: `)

// shown is what a reader's terminal shows of output.
func shown(output string) string {
	return Screen(lineNumber.ReplaceAllString(output, "bash: "))
}

// Screen returns output as a terminal shows it: of a line that a program has
// written over from its beginning, what was written last, less the blanks
// behind it.
func Screen(output string) string {
	var shown strings.Builder
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		if i := strings.LastIndexByte(line, '\r'); i >= 0 {
			line = strings.TrimRight(line[i+1:], " ")
		}
		shown.WriteString(line + "\n")
	}
	return shown.String()
}

// byteCount is a number of bytes.
var byteCount = regexp.MustCompile(`\b\d+ bytes\b`)

// essence returns of an output what must be the same in every run.
func essence(output string, sorted, counts bool) string {
	output = Normalize(output)
	if counts {
		output = byteCount.ReplaceAllString(output, "COUNT bytes")
	}
	lines := slices.Collect(strings.Lines(output))
	if sorted {
		slices.Sort(lines)
	}
	return strings.Join(lines, "")
}
