package weave

import (
	"fmt"

	"github.com/yuin/goldmark/ast"
	table "github.com/yuin/goldmark/extension/ast"

	"fopnp/internal/check/transcript"
)

// A Document is a number of pages, and what they show.
type Document struct {
	Pages []*Page
}

// Page returns the page at a path, or nil.
func (d *Document) Page(path string) *Page {
	for _, p := range d.Pages {
		if p.Path == path {
			return p
		}
	}
	return nil
}

// A Page is a Markdown file.
type Page struct {
	Path     string    // relative to the book's root, with slashes
	Source   []byte    // what is written
	Blocks   []*Block  // in their order
	Problems []Problem // by line

	root ast.Node // Source, parsed
}

// A Block is a part of a page that is not prose: a code block, or the text that
// belongs to a directive.
type Block struct {
	Kind Kind
	Form Form
	Info []string // the words of the info string or the directive: go chapter07/client main
	Line int      // of Source: the line of the opening fence, or of the directive
	Text string   // as it should be today; if the block has a problem, as it is written

	// Section is how many headings of level 1 and 2 precede the block. The
	// console blocks of one section run in one session.
	Section int

	// Places are where the text comes from: the file or the declarations of a
	// Go block; both sides of a Diff block; the file of a File block; each
	// program of a Listings block, and each that a Console block runs with
	// "go run". They are nil for other kinds, and if the text
	// cannot be found.
	Places []Place

	// Transcript is the inside of a Console block, with the same outputs as Text.
	// It is nil for other kinds, and if the block cannot be parsed.
	Transcript *transcript.Transcript

	inside span   // of a fenced block that can be rewritten
	fence  string // its backquotes or tildes
	edit   edit   // what brings it up to date
}

// A Kind says what the text of a block is made from. A block whose info string
// has no known language has the kind "".
type Kind string

const (
	Go           Kind = "go"           // Go source
	Diff         Kind = "diff"         // two sources
	File         Kind = "file"         // a file as it is
	Console      Kind = "console"      // running the commands in it
	Listings     Kind = "listings"     // package comments
	Measured     Kind = "measured"     // measurements
	Diagram      Kind = "diagram"      // nothing: it is Mermaid source
	Illustration Kind = "illustration" // nothing
)

// A Form says how a block stands in the page.
type Form string

const (
	Fence  Form = "fence"  // a fenced code block; Text is its inside
	Table  Form = "table"  // a table that follows a directive
	Inline Form = "inline" // words of the prose
)

// A Place is where in the repository something comes from.
type Place struct {
	Folder string // relative to the book's root, with slashes
	File   string // likewise; "" if all files of the folder are meant
	Name   string // of the declaration; "" for the whole file
	Line   int    // of the file, where it begins; 0 if File is ""
}

// An edit puts text in the place of a part of the page's source.
type edit struct {
	span
	text string
}

// A span is Source[start:stop]. The span of no edit is {0, 0}.
type span struct{ start, stop int }

// Woven returns the page's Markdown as it should be today. Where the blocks are
// up to date already, it equals Source byte for byte. Its fenced code blocks
// are the blocks of the form Fence, in the same order.
func (p *Page) Woven() []byte {
	var woven []byte
	done := 0
	for _, b := range p.Blocks {
		if b.edit == (edit{}) {
			continue
		}
		woven = append(woven, p.Source[done:b.edit.start]...)
		woven = append(woven, b.edit.text...)
		done = b.edit.stop
	}
	return append(woven, p.Source[done:]...)
}

// A Tree is the Markdown of a page, parsed.
type Tree struct {
	Source []byte              // what Root's positions refer to
	Root   ast.Node            // with the table extension
	Blocks map[ast.Node]*Block // of each fenced code block, and of each table below a directive
	IDs    map[ast.Node]string // of each heading, as GitHub forms them
}

// Tree returns the tree of what Woven returns.
func (p *Page) Tree() *Tree {
	t := &Tree{Source: p.Source, Root: p.root, Blocks: map[ast.Node]*Block{}}
	if woven := p.Woven(); string(woven) != string(p.Source) {
		t.Source, t.Root = woven, parse(woven)
	}
	t.IDs, _ = anchors(t.Root, t.Source)
	next := 0
	ast.Walk(t.Root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		form := Fence
		switch n.Kind() {
		case ast.KindFencedCodeBlock:
		case table.KindTable:
			if before := n.PreviousSibling(); before == nil || !isDirective(before, t.Source) {
				return ast.WalkContinue, nil
			}
			form = Table
		default:
			return ast.WalkContinue, nil
		}
		// A directive without a table has a block without a text.
		for next < len(p.Blocks) && (p.Blocks[next].Form != form || form == Table && p.Blocks[next].Text == "") {
			next++
		}
		if next < len(p.Blocks) {
			t.Blocks[n] = p.Blocks[next]
			next++
		}
		return ast.WalkContinue, nil
	})
	return t
}

// isDirective reports whether a node is a directive that a table follows.
func isDirective(n ast.Node, source []byte) bool {
	html, is := n.(*ast.HTMLBlock)
	if !is {
		return false
	}
	words, rest := directive(string(html.Lines().Value(source)))
	return words != nil && rest == ""
}

// A Binding is a block that shows something, and its page.
type Binding struct {
	Page  *Page
	Block *Block
}

// Bindings returns which blocks show each folder of the repository, by folder as
// in [Place]. The blocks of a folder are in the order of the document, each once.
func (d *Document) Bindings() map[string][]Binding {
	bindings := map[string][]Binding{}
	for _, p := range d.Pages {
		for _, b := range p.Blocks {
			for _, place := range b.Places {
				of := bindings[place.Folder]
				if n := len(of); n > 0 && of[n-1].Block == b {
					continue
				}
				bindings[place.Folder] = append(of, Binding{p, b})
			}
		}
	}
	return bindings
}

// A Problem is something that is wrong with a page.
type Problem struct {
	Path string // of the page
	Line int    // of its source
	What string // may have several lines, if it holds a difference or an output

	Stale bool // Woven has the right text
	Skip  bool // the system cannot run the transcript; the page is not at fault
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.What)
}
