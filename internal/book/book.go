// Package book makes the pages of the repository a book for a browser: the
// chapters, a page for each listing and for each other file that the chapters
// link to, and pages that show two listings side by side. [Server] serves them,
// [Book.Export] writes them as files, and [Book.WriteEPUB] puts them into one
// file.
//
// The text comes from package weave, so code and tables on a page are up to
// date. Every page can be read without JavaScript.
package book

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/yuin/goldmark/ast"

	"fopnp/internal/check/weave"
	"fopnp/internal/listings"
)

// A Book is all pages. Its methods may be called by several goroutines.
type Book struct {
	weaver   weave.Book
	files    fs.FS
	chapters []*chapter // in the order in which the first page leads to them
	folders  []*folder  // first the listings, in the order of their table
	texts    []*text
	pages    map[string]page // by address
	terms    map[string]string
}

// A page is one page of the book.
type page interface {
	address() string // relative to the root of the book: chapter07/index.html
	title() string
	body(*view) (string, error) // what is on the page, in HTML
}

// Load reads the book of the repository at root, which is an absolute path.
func Load(root string) (*Book, error) {
	b := &Book{
		weaver: weave.Book{Root: root},
		files:  os.DirFS(root),
		pages:  map[string]page{},
		terms:  map[string]string{},
	}
	for _, l := range listings.All {
		if err := b.addFolder(l.Folder()); err != nil {
			return nil, err
		}
	}
	if err := b.addChapter("README.md"); err != nil {
		return nil, err
	}
	// follow may append chapters, so this loop can grow.
	for i := 0; i < len(b.chapters); i++ {
		if err := b.follow(b.chapters[i]); err != nil {
			return nil, err
		}
	}
	b.add(&pairs{b})
	b.add(&whole{b})
	return b, nil
}

func (b *Book) add(p page) { b.pages[p.address()] = p }

// follow adds the pages that a chapter links to, and the folders whose code it
// shows.
func (b *Book) follow(c *chapter) error {
	var destinations []string
	ast.Walk(c.tree.Root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, is := n.(*ast.Link); is && entering {
			destinations = append(destinations, string(link.Destination))
		}
		return ast.WalkContinue, nil
	})
	for _, destination := range destinations {
		name, _, ok := c.resolve(destination)
		if !ok {
			continue
		}
		if err := b.addFile(name); err != nil {
			return fmt.Errorf("%s: link to %s: %w", c.path, destination, err)
		}
	}
	for _, block := range c.woven.Blocks {
		for _, place := range block.Places {
			name := place.Folder
			if block.Kind == weave.File {
				name = place.File
			}
			if err := b.addFile(name); err != nil {
				return fmt.Errorf("%s:%d: %w", c.path, block.Line, err)
			}
		}
	}
	return nil
}

// addFile adds the page that shows a file or a folder of the repository, unless
// the book has it.
func (b *Book) addFile(name string) error {
	info, err := fs.Stat(b.files, name)
	switch {
	case err != nil:
		return err
	case isSource(name):
		return b.addFolder(path.Dir(name))
	case info.IsDir():
		if err := b.addFolder(name); !errors.Is(err, errNoCode) {
			return err
		}
		return b.addChapter(path.Join(name, "README.md"))
	case strings.HasSuffix(name, ".md"):
		return b.addChapter(name)
	}
	return b.addText(name)
}

// pageOf returns the page that shows a file or a folder of the repository, or nil.
// If a folder has both code and a README, a link to the folder leads to its code.
func (b *Book) pageOf(name string) page {
	folder := name
	if isSource(name) {
		folder = path.Dir(name)
	}
	for _, address := range []string{
		chapterAddress(name), codeAddress(folder), folderAddress(folder), name + ".html",
	} {
		if p, found := b.pages[address]; found {
			return p
		}
	}
	return nil
}

// isSource reports whether the page of the folder shows the file.
func isSource(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

// folderAddress returns the address of the page of a folder that has no README,
// or of its README.
func folderAddress(folder string) string { return path.Join(folder, "index.html") }

// codeAddress returns the address of the code in a folder that has a README.
func codeAddress(folder string) string { return path.Join(folder, "code.html") }

// chapterAddress returns the address of a Markdown file, or "".
func chapterAddress(name string) string {
	stem, is := strings.CutSuffix(name, ".md")
	switch {
	case !is:
		return ""
	case path.Base(stem) == "README":
		return folderAddress(path.Dir(name))
	}
	return stem + ".html"
}

// A target is a place in the book.
type target struct {
	address  string
	fragment string // "" for the page as a whole
}

// relative returns the URL that leads from the page at from to a target.
func relative(from string, to target) string {
	fragment := ""
	if to.fragment != "" {
		fragment = "#" + url.PathEscape(to.fragment)
	}
	if from == to.address && fragment != "" {
		return fragment
	}
	return toRoot(from) + (&url.URL{Path: to.address}).EscapedPath() + fragment
}

// toRoot returns the URL that leads from the page at from to the book's root:
// "" or "../" and so on.
func toRoot(from string) string { return strings.Repeat("../", strings.Count(from, "/")) }

// Document returns the chapters as package weave has read them. A figure of a live
// page names its block by the path of its page and its index in the page's Blocks.
func (b *Book) Document() *weave.Document {
	d := &weave.Document{}
	for _, c := range b.chapters {
		d.Pages = append(d.Pages, c.woven)
	}
	return d
}
