package book

import (
	"fmt"
	"strings"
)

// A pair is the page that shows two listings side by side.
type pair struct{ a, b *folder }

// pairAddress returns the address of the page of two listings, in either order.
func pairAddress(a, b *folder) string {
	if a.position() > b.position() {
		a, b = b, a
	}
	return fmt.Sprintf("compare/%s--%s.html", a.title(), b.title())
}

// position returns the place of a folder in the book.
func (f *folder) position() int {
	for i, other := range f.folders {
		if other == f {
			return i
		}
	}
	return -1
}

// pair returns the page at an address that pairAddress has made, or nil.
func (b *Book) pair(address string) page {
	names, is := strings.CutPrefix(address, "compare/")
	left, right, both := strings.Cut(strings.TrimSuffix(names, ".html"), "--")
	if !is || !both {
		return nil
	}
	var p pair
	for _, f := range b.programs("") {
		switch f.title() {
		case left:
			p.a = f
		case right:
			p.b = f
		}
	}
	if p.a == nil || p.b == nil || p.address() != address {
		return nil
	}
	return &p
}

func (p *pair) address() string { return pairAddress(p.a, p.b) }
func (p *pair) title() string   { return p.a.title() + " and " + p.b.title() }

func (p *pair) body(v *view) (string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, `<div class="wide"><h1>%s and %s, side by side</h1>`+"\n", escape(p.a.title()), escape(p.b.title()))
	p.a.chooser(&out, v, p.a, p.b)
	fmt.Fprintf(&out, `<div class="table"><table class="sides"><colgroup><col class="number"/><col/><col class="number"/><col/></colgroup><thead><tr>`)
	for _, f := range []*folder{p.a, p.b} {
		fmt.Fprintf(&out, `<th colspan="2" scope="col"><a href="%s">%s</a></th>`, v.href(target{f.address(), ""}), escape(f.path))
	}
	out.WriteString("</tr></thead>\n<tbody>\n")
	a, b := p.a.files[0], p.b.files[0]
	for _, r := range sideBySide(a.body(), b.body()) {
		fmt.Fprintf(&out, `<tr class="%s">`, r.kind)
		writeSide(&out, "a", a.from, r.left, r.a)
		writeSide(&out, "b", b.from, r.right, r.b)
		out.WriteString("</tr>\n")
	}
	out.WriteString("</tbody></table></div></div>\n")
	return out.String(), nil
}

// body returns the file from its package clause on.
func (f file) body() string {
	rest := f.code
	for range f.from {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	return rest
}

// writeSide renders the two cells of one side. The numbers also count the lines
// before the package clause, which are not shown.
func writeSide(out *strings.Builder, side string, before, number int, line []word) {
	if number == 0 {
		fmt.Fprintf(out, `<td class="number"></td><td class="%s"></td>`, side)
		return
	}
	fmt.Fprintf(out, `<td class="number">%d</td><td class="%s"><code>`, before+number, side)
	write(out, line)
	out.WriteString("</code></td>")
}

// chooser writes a form that leads to any other pair. Only a server can answer it.
func (b *Book) chooser(out *strings.Builder, v *view, left, right *folder) {
	if !v.live {
		return
	}
	fmt.Fprintf(out, `<form class="chooser" action="%s" method="get">`, v.href(target{pairsAddress, ""}))
	for _, side := range []struct {
		name, label string
		chosen      *folder
	}{{"a", "left", left}, {"b", "right", right}} {
		fmt.Fprintf(out, `<select name="%s" aria-label="the listing on the %s">`, side.name, side.label)
		shelf := ""
		for _, f := range b.programs("") {
			if f.listing.Shelf != shelf {
				if shelf != "" {
					out.WriteString("</optgroup>")
				}
				shelf = f.listing.Shelf
				fmt.Fprintf(out, `<optgroup label="%s">`, escape(b.chapterOf(shelf)))
			}
			selected := ""
			if f == side.chosen {
				selected = ` selected="selected"`
			}
			fmt.Fprintf(out, "<option%s>%s</option>", selected, escape(f.title()))
		}
		out.WriteString("</optgroup></select> ")
	}
	out.WriteString(`<button type="submit">Compare</button></form>` + "\n")
}

// pairs is the page that leads to all side-by-side pages.
type pairs struct{ book *Book }

const pairsAddress = "compare/index.html"

func (*pairs) address() string { return pairsAddress }
func (*pairs) title() string   { return "Side by side" }

func (p *pairs) body(v *view) (string, error) {
	var out strings.Builder
	out.WriteString(`<div class="prose"><h1>Side by side</h1>
<p>The differences between two programs of a chapter are its lesson. Choose two, and read them beside each other. The words that differ are marked.</p>
`)
	all := p.book.programs("")
	if len(all) > 1 {
		p.book.chooser(&out, v, all[0], all[1])
	}
	shelf := ""
	for _, f := range all {
		if f.listing.Shelf != shelf {
			if shelf != "" {
				out.WriteString("</dl>\n")
			}
			shelf = f.listing.Shelf
			fmt.Fprintf(&out, "<h2>%s</h2>\n<dl>", escape(p.book.chapterOf(shelf)))
		}
		fmt.Fprintf(&out, "<dt>%s</dt><dd>", escape(f.title()))
		separator := ""
		for _, other := range p.book.programs(shelf) {
			if other != f {
				fmt.Fprintf(&out, `%s<a href="%s">%s</a>`, separator, v.href(target{pairAddress(f, other), ""}), escape(other.title()))
				separator = ", "
			}
		}
		out.WriteString("</dd>\n")
	}
	out.WriteString("</dl></div>\n")
	return out.String(), nil
}

// chapterOf returns the title of the chapter that a shelf belongs to.
func (b *Book) chapterOf(shelf string) string {
	if p := b.pages[folderAddress(shelf)]; p != nil {
		return p.title()
	}
	return shelf
}

// linkedPairs returns the pages of pairs that other pages link to.
func (b *Book) linkedPairs() (pages []page) {
	all := b.programs("")
	for i, f := range all {
		for _, other := range all[i+1:] {
			if other.listing.Shelf == f.listing.Shelf || b.compares(f, other) {
				pages = append(pages, &pair{f, other})
			}
		}
	}
	return pages
}

// compares reports whether a chapter shows the difference between two listings.
func (b *Book) compares(x, y *folder) bool {
	for _, c := range b.chapters {
		for _, block := range c.woven.Blocks {
			if n := len(block.Places); block.Kind == "diff" && n > 1 {
				first, last := block.Places[0].Folder, block.Places[n-1].Folder
				if first == x.path && last == y.path || first == y.path && last == x.path {
					return true
				}
			}
		}
	}
	return false
}
