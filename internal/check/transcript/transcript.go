// Package transcript parses console transcripts, runs their commands in bash,
// as a script or typed at a terminal, and compares what the commands print.
//
// # How a transcript is written
//
//	$ go run ./chapter07/client localhost
//	b'Beautiful is better than?' b'Ugly.'
//	$ echo It is \
//	> one line.
//	It is one line.
//
// A line that begins with "$ " is a command. The lines after it that begin with
// ">" continue it, as long as bash finds it unfinished. All other lines are what
// the command prints. Words in the block's info string say how to compare it:
//
//	sorted    a command may print its lines in any order
//	counts    numbers of bytes may differ, as in "4232 bytes sent"
//	status=N  commands may exit with status N, and at least one must fail
//	needs=P   the commands run P, a program that not every system has
//
// One word says where the commands run: with host=h1, on that host of the
// playground, which begins with the session and ends with it.
//
// Without status=N, each command must exit with status 0. Ports that the system
// chose, dates and times may always differ; see [Normalize].
//
// # How it is run
//
// Transcripts run in a [Session]: one bash, in a copy of the repository, on a
// private network if the system grants one. In a session,
//
//	go run ./chapter07/client    runs the program that is built already
//	go build -o FOLDER/ ./...    puts links to the built programs in FOLDER
//
// The built program may have the race detector and coverage counters, and go does
// not add the line "exit status 1".
//
// Bash reads the commands as a script, and then they have no standard input. Or,
// with [Config.Terminal], bash is interactive and each command is typed when the
// prompt is there. Its output is then all that the screen shows until the next
// prompt, except bash's messages about jobs that start or end, as in "[1] 4711".
// A script's output does not include bash's messages about jobs that were
// killed.
//
// A command that ends in & starts a program in the background. The next command
// waits until that program is ready. It is ready when it has announced itself,
// on the terminal or in the file that its output goes to (see [Announced]), or
// when it has opened a socket that clients can reach.
//
// A session repeats "cat FILE" for a while if FILE is the output of a program
// in the background and does not show yet what it should, because the program
// may be about to write it. At the end of the session, the programs that still
// run get SIGTERM, and must exit with status 0. A program may have ended with the
// status of a signal if a block has foreseen it, as in status=137 for a command
// that waits for a program after "kill -9".
package transcript

import (
	"errors"
	"fmt"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Transcript is a sequence of commands, and how to compare their output.
type Transcript struct {
	Line     int // of the page, where its block begins
	Commands []Command
	Sorted   bool // a command may print its lines in any order
	Counts   bool // numbers of bytes may differ
	Status   int  // with which commands may exit, besides 0

	Needs []string // programs that not every system has

	Host string // of the playground, or "" for this machine
}

// A Command is a command of a transcript, and what it prints.
type Command struct {
	Line   int    // of the page
	Typed  string // as on the page: its lines with their prompts
	Script string // the same without the prompts, for bash
	Output string // the lines that it prints
}

// Parse parses the text of a console block. The block begins at line; words are
// those of its info string, without "console". The error says what is wrong
// with the block. Parse runs no command, but it asks bash where a command ends
// if the line below it begins with ">".
func Parse(line int, words []string, text string) (*Transcript, error) {
	t := &Transcript{Line: line}
	for _, word := range words {
		number, isStatus := strings.CutPrefix(word, "status=")
		host, isHost := strings.CutPrefix(word, "host=")
		program, isNeed := strings.CutPrefix(word, "needs=")
		var err error
		if isStatus {
			t.Status, err = strconv.Atoi(number)
		}
		switch {
		case word == "sorted":
			t.Sorted = true
		case word == "counts":
			t.Counts = true
		case isHost && host != "":
			t.Host = host
		case isNeed && program != "":
			t.Needs = append(t.Needs, program)
		case !isStatus || err != nil:
			return nil, fmt.Errorf("unknown word %q; a console block may have the words "+
				"sorted, counts, status=N, needs=PROGRAM, host=NAME and illustration", word)
		}
	}
	for text := range strings.Lines(text) {
		line++
		if script, ok := strings.CutPrefix(text, "$ "); ok {
			t.Commands = append(t.Commands, Command{line, text, strings.TrimSpace(script), ""})
			continue
		}
		if t.Commands == nil {
			break
		}
		last := &t.Commands[len(t.Commands)-1]
		more, ok := strings.CutPrefix(strings.TrimSuffix(text, "\n"), ">")
		if ok && last.Output == "" && unfinished(last.Script) {
			last.Typed += text
			last.Script += "\n" + strings.TrimPrefix(more, " ")
			continue
		}
		last.Output += text
	}
	if t.Commands == nil {
		return nil, errors.New(`a console block must begin with a command: "$ " and what to run`)
	}
	return t, nil
}

// unfinished reports whether bash would ask for more of a script: for the rest
// of a quotation, a here-document or a loop. The ">" alone does not tell, because
// many programs prompt with it.
func unfinished(script string) bool {
	bash := exec.Command("bash", "--norc", "--noprofile", "-n", "-c", script)
	bash.Env = []string{}
	complaint, _ := bash.CombinedOutput()
	return len(complaint) > 0 || strings.HasSuffix(script, `\`)
}

// Missing returns the first program that the transcript needs and that this
// system does not have, or "" if it has them all.
func (t *Transcript) Missing() string {
	for _, program := range t.Needs {
		if _, err := exec.LookPath(program); err != nil {
			return program
		}
	}
	return ""
}

var byteCount = regexp.MustCompile(`\b\d+ bytes\b`)

// Essence returns the part of an output that must be the same in every run. Two
// outputs of a command are the same if their essences are.
func (t *Transcript) Essence(output string) string {
	output = Normalize(output)
	if t.Counts {
		output = byteCount.ReplaceAllString(output, "COUNT bytes")
	}
	lines := slices.Collect(strings.Lines(output))
	if t.Sorted {
		slices.Sort(lines)
	}
	return strings.Join(lines, "")
}

// Same reports whether a command has printed what is on the page, except what may
// differ.
func (t *Transcript) Same(c Command, output string) bool {
	return t.Essence(output) == t.Essence(c.Output)
}

// A Redirection is a >FILE or a >>FILE of a command.
type Redirection struct {
	File   string
	Append bool // it is >>FILE
}

// Background reports whether a command starts a program in the background. If it
// does, Background returns the program's name, which is the last element of its
// path, and the files that the program's output goes to.
func (c Command) Background() (program string, outputs []Redirection, ok bool) {
	if !strings.HasSuffix(c.Script, "&") || strings.HasSuffix(c.Script, "&&") {
		return "", nil, false
	}
	words := lastCommand(c.Script)
	return programName(words), redirections(words), true
}

// lastCommand returns the words of the last command of a script.
func lastCommand(script string) []string {
	words := strings.Fields(strings.TrimSuffix(script, "&"))
	for i := len(words) - 1; i >= 0; i-- {
		word := words[i]
		if word == "&" || word == "&&" || word == "||" || strings.HasSuffix(word, ";") {
			return words[i+1:]
		}
	}
	return words
}

// programName returns the name of the program that a command runs, itself or
// with "go run".
func programName(words []string) string {
	for i, word := range words {
		switch {
		case word == "go", i > 0 && words[i-1] == "go" && word == "run":
		case strings.Contains(word, "="): // NAME=VALUE, for the program's environment
		default:
			return withoutVersion(strings.Trim(word, `'"`))
		}
	}
	return ""
}

// withoutVersion returns the name of the program in a package, as in
// "some.host/NAME/v2@v2.15.2".
func withoutVersion(pkg string) string {
	pkg, _, _ = strings.Cut(pkg, "@")
	if major.MatchString(path.Base(pkg)) {
		pkg = path.Dir(pkg)
	}
	return path.Base(pkg)
}

var major = regexp.MustCompile(`^v\d+$`)

// redirections returns where the output of a command goes.
func redirections(words []string) (found []Redirection) {
	for i, word := range words {
		to, redirects := strings.CutPrefix(strings.TrimLeft(word, "&0123456789"), ">")
		if !redirects || strings.HasPrefix(to, "&") {
			continue
		}
		file, adds := strings.CutPrefix(to, ">")
		if file == "" && i+1 < len(words) {
			file = words[i+1]
		}
		found = append(found, Redirection{strings.Trim(file, `'";)`), adds})
	}
	return found
}
