package book

import (
	"fmt"
	"strings"
	"unicode"
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

// writeSide renders the two cells of one side. The lines before the package clause
// are not shown, but counted.
func writeSide(out *strings.Builder, side string, before, number int, line []word) {
	if number == 0 {
		fmt.Fprintf(out, `<td class="number"></td><td class="%s"></td>`, side)
		return
	}
	fmt.Fprintf(out, `<td class="number">%d</td><td class="%s"><code>`, before+number, side)
	write(out, line)
	out.WriteString("</code></td>")
}

// A row is a line of each side, or of one of them.
type row struct {
	kind        string // same, changed, other, gone, new
	left, right int    // the numbers of the lines, or 0
	a, b        []word
}

// sideBySide returns all lines of two Go sources beside each other.
func sideBySide(a, b string) (rows []row) {
	as, bs := lines("go", a), lines("go", b)
	at, bt := textsOf(as), textsOf(bs)
	i, j := 0, 0
	emit := func(kind string, left, right bool) {
		r := row{kind: kind}
		if left {
			r.left, r.a = i+1, as[i]
			i++
		}
		if right {
			r.right, r.b = j+1, bs[j]
			j++
		}
		if kind == "changed" {
			r.a, r.b = markChanges(r.a, r.b)
		}
		rows = append(rows, r)
	}
	// until shows the lines of both sides before a pair.
	until := func(p match) {
		for i < p.i && j < p.j {
			emit("other", true, true)
		}
		for i < p.i {
			emit("gone", true, false)
		}
		for j < p.j {
			emit("new", false, true)
		}
	}
	matches := align(len(as), len(bs), func(i, j int) int { return resemblance(at[i], bt[j]) })
	for _, p := range matches {
		until(p)
		if at[p.i] == bt[p.j] {
			emit("same", true, true)
		} else {
			emit("changed", true, true)
		}
	}
	until(match{len(as), len(bs)})
	return rows
}

func textsOf(lines [][]word) []string {
	texts := make([]string, len(lines))
	for i, line := range lines {
		for _, w := range line {
			texts[i] += w.text
		}
	}
	return texts
}

// A match says that element i of one sequence belongs to element j of the other.
type match struct{ i, j int }

// align returns the matches, in order, whose scores have the greatest sum. Elements
// with the score 0 do not match.
func align(n, m int, score func(i, j int) int) (matches []match) {
	// best[i][j] is the greatest sum for the elements from i and from j on.
	best := make([][]int, n+1)
	scores := make([][]int, n+1)
	for i := range best {
		best[i], scores[i] = make([]int, m+1), make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if scores[i][j] = score(i, j); scores[i][j] > 0 {
				best[i][j] = max(best[i][j], best[i+1][j+1]+scores[i][j])
			}
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case scores[i][j] > 0 && best[i][j] == best[i+1][j+1]+scores[i][j]:
			matches = append(matches, match{i, j})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return matches
}

// resemblance returns how well two lines belong beside each other: twice the length
// of what they have in common, or 0 if that is less than half of them. Two lines
// that are the same get a little more, even if they are empty.
func resemblance(a, b string) int {
	if a == b {
		return 2 + 2*len(strings.TrimSpace(a))
	}
	as, bs := split(strings.TrimSpace(a)), split(strings.TrimSpace(b))
	common := 0
	for _, p := range sameWords(as, bs) {
		common += 2 * len(as[p.i])
	}
	if 2*common < len(strings.TrimSpace(a))+len(strings.TrimSpace(b)) {
		return 0
	}
	return common
}

func sameWords(a, b []string) []match {
	return align(len(a), len(b), func(i, j int) int {
		if a[i] != b[j] {
			return 0
		}
		return len(a[i])
	})
}

// split divides a line into names and numbers, runs of blanks, and single other
// characters.
func split(line string) (words []string) {
	kind := func(r rune) int {
		switch {
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return 1
		case unicode.IsSpace(r):
			return 2
		}
		return 3
	}
	last := 0
	for _, r := range line {
		k := kind(r)
		if k == last && k != 3 {
			words[len(words)-1] += string(r)
		} else {
			words = append(words, string(r))
		}
		last = k
	}
	return words
}

// markChanges returns two lines in which the words that only one of them has are
// marked.
func markChanges(a, b []word) (markedA, markedB []word) {
	at, bt := split(textsOf([][]word{a})[0]), split(textsOf([][]word{b})[0])
	inA, inB := make([]bool, len(at)), make([]bool, len(bt))
	for _, p := range sameWords(at, bt) {
		inA[p.i], inB[p.j] = true, true
	}
	return mark(a, at, inA), mark(b, bt, inB)
}

// mark adds the class "changed" to the parts of a line that are not the same. Parts
// are the line, divided.
func mark(line []word, parts []string, same []bool) (marked []word) {
	part, rest := 0, ""
	if len(parts) > 0 {
		rest = parts[0]
	}
	for _, w := range line {
		for text := w.text; text != ""; {
			n := min(len(text), len(rest))
			class := w.class
			if !same[part] {
				class = strings.TrimSpace(class + " changed")
			}
			if k := len(marked) - 1; k >= 0 && marked[k].class == class {
				marked[k].text += text[:n]
			} else {
				marked = append(marked, word{class, text[:n]})
			}
			text, rest = text[n:], rest[n:]
			if rest == "" && part+1 < len(parts) {
				part++
				rest = parts[part]
			}
		}
	}
	return marked
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

// pairs is the page that leads to all others of its kind.
type pairs struct{ book *Book }

const pairsAddress = "compare/index.html"

func (*pairs) address() string { return pairsAddress }
func (*pairs) title() string   { return "Side by side" }

func (p *pairs) body(v *view) (string, error) {
	var out strings.Builder
	out.WriteString(`<div class="prose"><h1>Side by side</h1>
<p>Two programs of a chapter differ where its lesson is. Choose two, and read them beside each other. The words that differ are marked.</p>
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
