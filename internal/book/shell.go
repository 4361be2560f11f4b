package book

import (
	"bytes"
	_ "embed"
	"html/template"
	"io/fs"
	"path"
)

// name is the name of the book.
const name = "Foundations of network programming, in Go"

//go:embed shell.html
var shellText string

var shell = template.Must(template.New("shell").Parse(shellText))

// A frame surrounds the body of every page.
type frame struct {
	Book, Title, Root string
	Chapters          []link
	Listings          []link // of the chapter, or of the listing's shelf
	LookUp            []link
	Previous, Next    *link
	Body              template.HTML
	Live              bool
	Wide              bool // the body needs the width of the contents, too
}

// A link leads to a page.
type link struct {
	URL, Title string
	Current    bool // it is this page
	Above      bool // it is the chapter of this listing
	Sections   []anchor
}

// An anchor is a heading of the page.
type anchor struct{ ID, Title string }

// render returns a page at its address as HTML.
func (b *Book) render(p page, live bool) ([]byte, error) {
	v := b.on(p.address(), live)
	body, err := p.body(v)
	if err != nil {
		return nil, err
	}
	f := frame{
		Book: name, Title: name, Root: toRoot(p.address()),
		Body: template.HTML(body), // every body escapes what it shows
		Live: live,
	}
	if p != b.chapters[0] {
		f.Title = p.title() + " · " + name
	}
	to := func(q page) link {
		return link{URL: relative(p.address(), target{q.address(), ""}), Title: q.title(), Current: p == q}
	}
	_, f.Wide = p.(*pair)
	for _, c := range b.chapters {
		l := to(c)
		l.Above = !l.Current && path.Dir(c.path) != "." && path.Dir(c.path) == shelfOf(p)
		if l.Current {
			for _, s := range c.sections {
				if s.level == 2 {
					l.Sections = append(l.Sections, anchor{s.id, s.title})
				}
			}
		}
		f.Chapters = append(f.Chapters, l)
	}
	row := b.row(p)
	for i, q := range row {
		if q == p && i > 0 {
			l := to(row[i-1])
			f.Previous = &l
		}
		if q == p && i+1 < len(row) {
			l := to(row[i+1])
			f.Next = &l
		}
	}
	for _, q := range b.shelf(p) {
		f.Listings = append(f.Listings, to(q))
	}
	f.LookUp = []link{
		{URL: relative(p.address(), target{"index.html", "glossary"}), Title: "Glossary"},
		to(b.pages[pairsAddress]),
		to(b.pages[wholeAddress]),
	}
	var out bytes.Buffer
	err = shell.Execute(&out, f)
	return out.Bytes(), err
}

// row returns the pages of a page's kind in reading order, or nil.
func (b *Book) row(p page) (row []page) {
	switch p := p.(type) {
	case *chapter:
		for _, c := range b.chapters {
			row = append(row, c)
		}
	case *folder:
		return b.shelf(p)
	}
	return row
}

// shelf returns the listings that belong to a page.
func (b *Book) shelf(p page) (shelf []page) {
	name := shelfOf(p)
	for _, f := range b.folders {
		if name != "" && f.listing != nil && f.listing.Shelf == name {
			shelf = append(shelf, f)
		}
	}
	return shelf
}

// shelfOf returns the shelf of the listings that belong to a page: to a chapter, to
// one of the listings, or to two of them side by side. It returns "" for any other
// page.
func shelfOf(p page) string {
	switch p := p.(type) {
	case *chapter:
		return path.Dir(p.path)
	case *folder:
		if p.listing != nil {
			return p.listing.Shelf
		}
	case *pair:
		return p.a.listing.Shelf
	}
	return ""
}

// Page returns the page at an address of the book, as in "chapter07/index.html".
// Live pages have what the script needs to run console blocks. The error is
// fs.ErrNotExist if there is no such page.
func (b *Book) Page(address string, live bool) ([]byte, error) {
	p, found := b.pages[address]
	if !found {
		if p = b.pair(address); p == nil {
			return nil, fs.ErrNotExist
		}
	}
	return b.render(p, live)
}
