// Package literate keeps the READMEs of this repository true: the code in
// them is taken from the programs, and the transcripts are run.
//
// A code block says in its info string where its text comes from, and a block
// that does not is a problem:
//
//	```go chapter07/srv_single main      declarations: func, type, Type.Method, var or const
//	```go chapter07/srv_single           the page: the only file, from its package clause on
//	```diff chapter07/srv_single chapter07/srv_threaded
//	                                     the difference between two pages, or, with
//	                                     names behind them, between declarations
//	```text inetd.conf                   a file; so do sh and conf
//	```console                           a transcript; see below
//	```mermaid                           left alone
//	```ANYTHING illustration             left alone
//
// Where a folder has several files, FOLDER/FILE.go stands for the one meant.
// The comment <!-- listings FOLDER --> is followed by a table of the programs
// below the folder, made from their package comments.
//
// What was measured is never typed by hand. The words of a directive go to the
// book's Measured, whose answer takes the place of what is there:
//
//	<!-- measured WORD... -->            followed by a table
//	```text measured WORD...             a block
//	... in <!-- measured WORD... -->4.6 µs<!--/--> ...
//	                                     some words of the prose; such a comment
//	                                     must not begin a line
//
// Links and pictures must lead to what there is.
//
// # Transcripts
//
// In a console block the lines that begin with "$ " are commands, each carried
// on by lines that begin with "> " as long as bash finds it unfinished, and the
// rest is what they print. The blocks between one heading of level 1 or 2 and
// the next are one session: one bash, in a fresh copy of the repository, on a
// network of its own where the system grants one. "go run ./chapter07/client"
// runs the program that is already built, which carries the race detector and
// the coverage counters; so go does not add the line "exit status 1". "go build
// -o FOLDER/" puts links to the built programs in the folder.
//
// A command that ends in & starts a program in the background. The next command
// waits until that program has announced itself, in its output or in the file
// that its output goes to, or has opened a socket to serve from. "cat FILE",
// where FILE is what such a program prints to, is repeated for a while until it
// shows what it should: the program may have more to say. What still runs at the
// end of the session is sent SIGTERM, and must then exit with status 0.
//
// A command must exit with status 0, or with N in a block marked status=N. In a
// block marked sorted a command may print its lines in any order. What differs
// from one run to the next does not count; see [Normalize]. In a block marked
// counts this goes for numbers of bytes as well: what a program says of them in
// "4232 bytes sent" is what it was when the block was written.
package literate

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// A Book is the repository whose READMEs are woven.
type Book struct {
	Root string   // the module's root, an absolute path
	Bin  string   // the folder of the built programs, an absolute path
	Env  []string // more environment for transcripts, such as GOCOVERDIR=...

	// Measured answers in Markdown what a directive asks in words.
	Measured func(words ...string) (string, error)

	// What tests change.
	shared bool          // use the system's network, even if there could be another
	toEnd  time.Duration // how long a command may take, if not endLimit
	looks  int           // how often to look for what a program does, if not lookLimit
}

// A command has a minute. What a program in the background is to do has ten
// seconds, but counted in looks: on a machine that is too busy for us to look
// that often, the program does not get on either.
const (
	endLimit  = time.Minute
	lookEvery = 10 * time.Millisecond
	lookLimit = 1000
)

// A Problem is a place where a README is not as it should be.
type Problem struct {
	Path string
	Line int
	What string // may go on for several lines, when it holds a difference

	Stale bool // the woven text puts it right
	Skip  bool // nobody's fault: this system has no bash to run a transcript
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.What)
}

// Weave returns doc, the Markdown of the file at path (relative to the book's
// root, with slashes), as it should read today, and what is wrong with it. It
// changes no byte of a block that is right already. Documents may be woven at
// the same time.
func (b *Book) Weave(path string, doc []byte) (woven []byte, problems []Problem) {
	w := &weaver{Book: b, path: path, doc: doc}
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table))
	root := markdown.Parser().Parse(text.NewReader(doc))
	ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			w.visit(n)
		}
		return ast.WalkContinue, nil
	})
	w.endSession()
	w.leave()

	done := 0
	for _, e := range w.edits {
		woven = append(woven, doc[done:e.start]...)
		woven = append(woven, e.text...)
		done = e.stop
	}
	slices.SortStableFunc(w.problems, func(p, q Problem) int {
		return cmp.Compare(p.Line, q.Line)
	})
	return append(woven, doc[done:]...), w.problems
}

// A weaver goes once through one document.
type weaver struct {
	*Book
	path     string
	doc      []byte
	edits    []edit // in the order of the document
	problems []Problem
	session  *session // of the console blocks since the last heading, or nil
	home     *home    // where it lives, or the next one can; or nil
}

// An edit puts text in the place of doc[start:stop].
type edit struct {
	start, stop int
	text        string
}

// A block is the inside of a fenced code block.
type block struct {
	edit
	line  int    // of the opening fence
	fence string // its backquotes or tildes
}

func (w *weaver) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		if n.Level <= 2 {
			w.endSession()
		}
	case *ast.CodeBlock:
		w.report(w.line(n.Pos()), "an indented code block; use a fence that says what it is")
	case *ast.FencedCodeBlock:
		w.code(n)
	case *ast.HTMLBlock:
		w.comment(n)
	case *ast.RawHTML:
		w.inline(n)
	case *ast.Image:
		w.link(n.Pos(), string(n.Destination))
	case *ast.Link:
		w.link(n.Pos(), string(n.Destination))
	}
}

// link looks whether a page, a program or a picture is where the text says.
func (w *weaver) link(pos int, destination string) {
	if n := len(w.edits); n > 0 && pos < w.edits[n-1].stop {
		return // it goes with a table that is made anew
	}
	address, err := url.Parse(destination)
	if err != nil || address.IsAbs() || address.Path == "" {
		return
	}
	place := path.Join(path.Dir(w.path), address.Path)
	if _, err := fs.Stat(w.files(), place); err != nil {
		w.report(w.line(pos), missing(place, err).Error())
	}
}

// code brings one fenced code block up to date.
func (w *weaver) code(n *ast.FencedCodeBlock) {
	line := w.line(n.Pos())
	var info []string
	if n.Info != nil {
		info = strings.Fields(string(n.Info.Segment.Value(w.doc)))
	}
	if len(info) == 0 {
		w.report(line, "a code block that does not say what it is")
		return
	}
	language, args := info[0], info[1:]
	if language == "mermaid" || slices.Contains(args, "illustration") {
		return
	}

	start := w.lineEnd(n.Pos())
	stop := start
	if n.Lines().Len() > 0 {
		stop = n.Lines().At(n.Lines().Len() - 1).Stop
	}
	if !w.atMargin(n) {
		w.report(line, "a block in a list or a quotation; move it to the margin")
		return
	}
	if stop == len(w.doc) {
		w.report(line, "a code block without an end")
		return
	}
	fence := string(w.doc[n.Pos():start])
	fence = fence[:len(fence)-len(strings.TrimLeft(fence, fence[:1]))]
	blk := block{edit{start, stop, string(w.doc[start:stop])}, line, fence}

	var fresh string
	var err error
	switch language {
	case "console":
		w.console(blk, args)
		return
	case "go":
		fresh, err = w.goText(args)
	case "diff":
		fresh, err = w.difference(args)
	case "text", "sh", "conf":
		if len(args) > 0 && args[0] == "measured" {
			fresh, err = w.measured(args[1:])
			break
		}
		fresh, err = w.file(args)
	default:
		err = fmt.Errorf("unknown language %q; an example of it is marked illustration", language)
	}
	if err != nil {
		w.report(line, err.Error())
		return
	}
	w.replace(blk, fresh, blk.text, fresh)
}

// replace puts fresh in the place of a block's text. What the two say, in words
// that can be compared, is was and is; if they say the same, the text stays.
func (w *weaver) replace(b block, fresh, was, is string) {
	if was == is {
		return
	}
	if strings.Contains("\n"+fresh, "\n"+b.fence) {
		w.report(b.line, "the text holds the block's own fence; make the fence longer")
		return
	}
	w.edits = append(w.edits, edit{b.start, b.stop, fresh})
	w.stale(b.line, was, is)
}

// report notes a problem that somebody has to think about.
func (w *weaver) report(line int, what string) {
	w.problems = append(w.problems, Problem{Path: w.path, Line: line, What: what})
}

// stale notes a problem that the woven text puts right.
func (w *weaver) stale(line int, was, is string) {
	d := diff.Diff("as written", []byte(was), "as it is", []byte(is))
	_, d, _ = bytes.Cut(d, []byte("\n"))
	what := "out of date\n" + strings.TrimSuffix(string(d), "\n")
	w.problems = append(w.problems, Problem{Path: w.path, Line: line, What: what, Stale: true})
}

// atMargin reports whether a block can be rewritten: it is part of nothing else
// and not indented.
func (w *weaver) atMargin(n ast.Node) bool {
	return n.Parent().Kind() == ast.KindDocument &&
		(n.Pos() == 0 || w.doc[n.Pos()-1] == '\n')
}

// line returns the number of the line that holds doc[pos].
func (w *weaver) line(pos int) int {
	return 1 + bytes.Count(w.doc[:pos], []byte("\n"))
}

// lineEnd returns where the line after the one that holds doc[pos] begins.
func (w *weaver) lineEnd(pos int) int {
	if i := bytes.IndexByte(w.doc[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(w.doc)
}
