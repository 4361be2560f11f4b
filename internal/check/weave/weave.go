// Package weave keeps the pages of the repository true. A page is a README. Its
// code is taken from the programs, its tables from package comments and
// measurements, and its transcripts are run. Weave returns the pages as a
// [Document], which a test compares with what is written and a renderer shows.
//
// A code block says in its info string where its text comes from. A block that
// does not say so is a problem.
//
//	```go chapter07/srv_single main      declarations: func, type, Type.Method, var or const
//	```go chapter07/srv_single           the only file, from its package clause on
//	```diff chapter07/srv_single chapter07/srv_threaded
//	                                     the difference between two such files, or,
//	                                     with names added, between declarations
//	```text inetd.conf                   a file; sh and conf do the same
//	```console                           commands and what they print; see package
//	                                     transcript
//	```mermaid                           not checked
//	```ANYTHING illustration             not checked
//
// Where a folder has several files, FOLDER/FILE.go stands for one of them. The
// comment <!-- listings FOLDER --> is followed by a table of the programs below
// the folder, which is made from their package comments.
//
// Measurements are not typed by hand. The words of a directive go to
// [Book.Measured], and its answer is the text:
//
//	<!-- measured WORD... -->            followed by a table
//	```text measured WORD...             a block
//	... in <!-- measured WORD... -->4.6 µs<!--/--> ...
//	                                     words of the prose; such a directive must
//	                                     not be the first thing in a line
//
// The console blocks between one heading of level 1 or 2 and the next are one
// section, and run in one session. Each section runs twice: as a script, and typed
// at a terminal if the system grants a private network. Both must print the same.
// If a block needs a program that the system does not have, neither it nor the
// rest of its section is run.
//
// Links and pictures must lead to files that exist. A #NAME must be that of a
// heading, as GitHub forms it, or of an <a id="NAME">.
package weave

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"fopnp/internal/check/transcript"
)

// A Book is the repository that the pages belong to.
type Book struct {
	Root string   // the folder of go.mod, an absolute path
	Bin  string   // the folder of the built programs, an absolute path; see Weave
	Env  []string // more environment variables for transcripts, as in GOCOVERDIR=/tmp/coverage

	// Limit is how long a command of a transcript may take. 0 means a minute.
	Limit time.Duration

	// Measured returns the text, in Markdown, that the words of a directive stand
	// for. It may be nil if no page has such directives.
	Measured func(words ...string) (string, error)
}

// Weave returns the document of the pages at paths, which are relative to Root,
// with slashes. It runs their transcripts, with the programs in Bin. What is wrong
// with a page is in its Problems; the error says which page cannot be read.
//
// Several goroutines may call Weave at the same time. The program must have called
// [Main].
func (b *Book) Weave(paths ...string) (*Document, error) {
	d, err := b.Read(paths...)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Pages {
		b.play(p)
	}
	return d, nil
}

// Read returns the same document as Weave without running the transcripts: the
// outputs of their commands are those that are written.
func (b *Book) Read(paths ...string) (*Document, error) {
	d := &Document{}
	for _, p := range paths {
		source, err := fs.ReadFile(b.files(), p)
		if err != nil {
			return nil, missing(p, err)
		}
		d.Pages = append(d.Pages, b.read(p, source))
	}
	return d, nil
}

func (b *Book) files() fs.FS { return os.DirFS(b.Root) }

// read takes a page apart and brings its blocks up to date.
func (b *Book) read(path string, source []byte) *Page {
	r := &reader{
		Book: b, Page: &Page{Path: path, Source: source, root: parse(source)},
		anchors: map[string]map[string]bool{},
	}
	ast.Walk(r.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			r.visit(n)
		}
		return ast.WalkContinue, nil
	})
	r.sortProblems()
	return r.Page
}

func parse(source []byte) ast.Node {
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table))
	return markdown.Parser().Parse(text.NewReader(source))
}

// A reader goes through a page once.
type reader struct {
	*Book
	*Page
	section int                        // of the next block
	anchors map[string]map[string]bool // of each page that a link with a fragment leads to
}

func (r *reader) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		if n.Level <= 2 {
			r.section++
		}
	case *ast.CodeBlock:
		r.report(r.line(n.Pos()), "this code block is indented; use a fence with a language instead")
	case *ast.FencedCodeBlock:
		r.fence(n)
	case *ast.HTMLBlock:
		r.comment(n)
	case *ast.RawHTML:
		r.inline(n)
	case *ast.Image:
		r.link(n.Pos(), string(n.Destination))
	case *ast.Link:
		r.link(n.Pos(), string(n.Destination))
	}
}

// fence adds a fenced code block, up to date unless it has a problem.
func (r *reader) fence(n *ast.FencedCodeBlock) {
	b := r.add(&Block{Form: Fence, Line: r.line(n.Pos())})
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Text += string(line.Value(r.Source))
	}
	if n.Info != nil {
		b.Info = strings.Fields(string(n.Info.Segment.Value(r.Source)))
	}
	if len(b.Info) == 0 {
		r.report(b.Line, "this code block has no language; write one after the opening fence")
		return
	}
	language, words := b.Info[0], b.Info[1:]
	switch {
	case slices.Contains(words, "illustration"):
		b.Kind = Illustration
		return
	case language == "mermaid":
		b.Kind = Diagram
		return
	}

	start := r.lineEnd(n.Pos())
	stop := start
	if n.Lines().Len() > 0 {
		stop = n.Lines().At(n.Lines().Len() - 1).Stop
	}
	if !r.atMargin(n) {
		r.report(b.Line, "this code block is indented, or in a list or quotation; move it to the left margin")
		return
	}
	if stop == len(r.Source) {
		r.report(b.Line, "this code block has no closing fence")
		return
	}
	fence := string(r.Source[n.Pos():start])
	b.fence = fence[:len(fence)-len(strings.TrimLeft(fence, fence[:1]))]
	b.inside = span{start, stop}

	var fresh string
	var err error
	switch language {
	case "console":
		b.Kind = Console
		if b.Transcript, err = transcript.Parse(b.Line, words, b.Text); err == nil {
			b.Places = r.programs(b.Transcript)
			return // its text is known after its commands have run
		}
	case "go":
		b.Kind = Go
		fresh, b.Places, err = r.goText(words)
	case "diff":
		b.Kind = Diff
		fresh, b.Places, err = r.diffText(words)
	case "text", "sh", "conf":
		if len(words) > 0 && words[0] == "measured" {
			b.Kind = Measured
			fresh, err = r.measured(words[1:])
			break
		}
		b.Kind = File
		fresh, b.Places, err = r.file(words)
	default:
		err = fmt.Errorf("unknown language %q; to show the block unchecked, add the word illustration", language)
	}
	if err != nil {
		r.report(b.Line, err.Error())
		return
	}
	r.replace(b, fresh, b.Text, fresh)
}

// add adds a block to the page.
func (r *reader) add(b *Block) *Block {
	b.Section = r.section
	r.Blocks = append(r.Blocks, b)
	return b
}

// atMargin reports whether a block can be rewritten: it is part of nothing else
// and not indented.
func (r *reader) atMargin(n ast.Node) bool {
	return n.Parent().Kind() == ast.KindDocument &&
		(n.Pos() == 0 || r.Source[n.Pos()-1] == '\n')
}

// line returns the number of the line that Source[pos] is in.
func (p *Page) line(pos int) int {
	return 1 + bytes.Count(p.Source[:pos], []byte("\n"))
}

// lineEnd returns where the line after that of Source[pos] begins.
func (p *Page) lineEnd(pos int) int {
	if i := bytes.IndexByte(p.Source[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(p.Source)
}

// replace gives a fenced block the text fresh. Was and is are the written and the
// fresh text without what may differ. If they are the same, the block stays.
func (p *Page) replace(b *Block, fresh, was, is string) {
	if was == is {
		return
	}
	if strings.Contains("\n"+fresh, "\n"+b.fence) {
		p.report(b.Line, "the new text has a line that would close this block; make its fence longer")
		return
	}
	b.Text = fresh
	b.edit = edit{b.inside, fresh}
	p.stale(b.Line, was, is)
}

// report adds a problem that a person has to solve.
func (p *Page) report(line int, what string) {
	p.Problems = append(p.Problems, Problem{Path: p.Path, Line: line, What: what})
}

// stale adds a problem that the woven text solves.
func (p *Page) stale(line int, was, is string) {
	what := "out of date\n" + difference("as written", was, "as it should be", is)
	p.Problems = append(p.Problems, Problem{Path: p.Path, Line: line, What: what, Stale: true})
}

// difference returns how two texts differ, without the last line feed.
func difference(oldName, old, newName, new string) string {
	d := diff.Diff(oldName, []byte(old), newName, []byte(new))
	_, d, _ = bytes.Cut(d, []byte("\n")) // "diff old new", which the next two lines repeat
	return strings.TrimSuffix(string(d), "\n")
}

func (p *Page) sortProblems() {
	slices.SortStableFunc(p.Problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}
