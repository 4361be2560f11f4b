package book

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	table "github.com/yuin/goldmark/extension/ast"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	markup "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"

	"fopnp/internal/check/weave"
)

// A view says how pages are rendered, and where.
type view struct {
	*Book
	href func(target) string      // the URL of a place in the book
	id   func(name string) string // the id of an element
	live bool                     // console blocks can be run
	bare bool                     // no buttons, no links within a page, XHTML
}

// on returns the view of a page at its own address.
func (b *Book) on(address string, live bool) *view {
	return &view{
		Book: b,
		href: func(to target) string { return relative(address, to) },
		id:   func(name string) string { return name },
		live: live,
	}
}

// prose renders parts of a chapter.
func (v *view) prose(c *chapter, nodes []ast.Node) (string, error) {
	w := &writer{view: v, chapter: c}
	options := []renderer.Option{renderer.WithNodeRenderers(util.Prioritized(w, 100))}
	if v.bare {
		options = append(options, markup.WithXHTML())
	}
	markdown := goldmark.New(
		goldmark.WithExtensions(extension.Table),
		goldmark.WithRendererOptions(options...))
	var out strings.Builder
	for _, n := range nodes {
		if err := markdown.Renderer().Render(&out, c.tree.Source, n); err != nil {
			return "", fmt.Errorf("%s: %w", c.path, err)
		}
	}
	return out.String(), nil
}

// A writer renders the nodes that goldmark alone would render differently.
type writer struct {
	*view
	chapter *chapter
}

func (w *writer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, w.heading)
	r.Register(ast.KindLink, w.link)
	r.Register(ast.KindImage, w.picture)
	r.Register(ast.KindFencedCodeBlock, w.fence)
	r.Register(ast.KindRawHTML, w.rawHTML)
	r.Register(ast.KindHTMLBlock, w.htmlBlock)
	r.Register(ast.KindParagraph, w.paragraph)
	r.Register(table.KindTable, w.table)
	r.Register(table.KindTableCell, w.cell)
}

func (w *writer) heading(out util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	h := n.(*ast.Heading)
	id := w.chapter.tree.IDs[h]
	if entering {
		fmt.Fprintf(out, `<h%d id="%s">`, h.Level, w.id(id))
		return ast.WalkContinue, nil
	}
	if h.Level > 1 && !w.bare {
		fmt.Fprintf(out, ` <a class="anchor" href="%s" aria-label="Link to: %s">#</a>`,
			w.href(target{w.chapter.address(), id}), escape(plain(h, source)))
	}
	fmt.Fprintf(out, "</h%d>\n", h.Level)
	return ast.WalkContinue, nil
}

// link renders a link to a file as one to the page that shows the file. A link to
// a glossary term has the definition as its title.
func (w *writer) link(out util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		out.WriteString("</a>")
		return ast.WalkContinue, nil
	}
	destination := string(n.(*ast.Link).Destination)
	name, fragment, ok := w.chapter.resolve(destination)
	if !ok {
		if markup.IsDangerousURL([]byte(destination)) {
			destination = ""
		}
		fmt.Fprintf(out, `<a href="%s">`, escape(string(util.URLEscape([]byte(destination), true))))
		return ast.WalkContinue, nil
	}
	p := w.pageOf(name)
	if p == nil {
		return ast.WalkStop, fmt.Errorf("no page shows %s", name)
	}
	to := target{p.address(), fragment}
	title := ""
	if means := w.terms[to.address+"#"+fragment]; means != "" {
		title = fmt.Sprintf(` title="%s"`, escape(means))
	}
	fmt.Fprintf(out, `<a href="%s"%s>`, escape(w.href(to)), title)
	return ast.WalkContinue, nil
}

// paragraph leaves out the tags around a picture that stands alone, because a
// figure may not be in a paragraph.
func (w *writer) paragraph(out util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	alone := n.ChildCount() == 1 && n.FirstChild().Kind() == ast.KindImage
	switch {
	case alone:
	case entering:
		out.WriteString("<p>")
	default:
		out.WriteString("</p>\n")
	}
	return ast.WalkContinue, nil
}

func (w *writer) table(out util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		out.WriteString("<div class=\"table\"><table>\n")
	} else {
		out.WriteString("</table></div>\n")
	}
	return ast.WalkContinue, nil
}

// cell makes a heading of a cell in the first row, unless it is empty.
func (w *writer) cell(out util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	tag := "td"
	if n.Parent().Kind() == table.KindTableHeader && n.HasChildren() {
		tag = "th"
	}
	if entering {
		fmt.Fprintf(out, "<%s>", tag)
	} else {
		fmt.Fprintf(out, "</%s>\n", tag)
	}
	return ast.WalkContinue, nil
}

// anchorTag is the only HTML that a page may have, besides comments.
var anchorTag = regexp.MustCompile(`^<a id="([A-Za-z0-9_-]+)">$`)

func (w *writer) rawHTML(out util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		tag := string(n.(*ast.RawHTML).Segments.Value(source))
		if m := anchorTag.FindStringSubmatch(tag); m != nil {
			fmt.Fprintf(out, `<span id="%s"></span>`, w.id(m[1]))
		}
	}
	return ast.WalkContinue, nil
}

func (w *writer) htmlBlock(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
	return ast.WalkContinue, nil
}

func (w *writer) picture(out util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	name, _, ok := w.chapter.resolve(string(n.(*ast.Image).Destination))
	if !ok {
		return ast.WalkStop, fmt.Errorf("the picture %s is not in the repository", n.(*ast.Image).Destination)
	}
	svg, err := w.plot(name, plain(n, source))
	if err != nil {
		return ast.WalkStop, err
	}
	out.WriteString(svg)
	return ast.WalkSkipChildren, nil
}

func (w *writer) fence(out util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := w.chapter.tree.Blocks[n]
	switch {
	case block.Kind == weave.Diagram:
		svg, drawn := drawing(block.Text)
		if !drawn {
			w.figure(out, figure{label: "a diagram that internal/book/draw has not drawn yet", code: escape(block.Text)})
			break
		}
		out.WriteString(svg)
	case block.Kind == weave.Console, block.Kind == weave.Illustration && block.Info[0] == "console":
		w.console(out, block)
	case block.Kind == weave.Go:
		w.figure(out, figure{kind: "go", label: w.goLabel(block), code: highlighted("go", block.Text)})
	case block.Kind == weave.Diff:
		w.figure(out, figure{kind: "diff", label: w.diffLabel(block), code: differences(block.Text)})
	case block.Kind == weave.File:
		w.figure(out, figure{label: w.sourceLabel(block.Info[1], block.Places), code: escape(block.Text)})
	default:
		language := ""
		if len(block.Info) > 0 {
			language = block.Info[0]
		}
		w.figure(out, figure{code: highlighted(language, block.Text)})
	}
	return ast.WalkSkipChildren, nil
}

// goLabel names the folder and the declarations of a block, as in "chapter07/client
// main". It links to the code.
func (w *writer) goLabel(block *weave.Block) string {
	label := w.sourceLabel(block.Info[1], block.Places)
	for i, name := range block.Info[2:] {
		if i > 0 {
			label += ","
		}
		label += " <b>" + escape(name) + "</b>"
	}
	return label
}

// sourceLabel returns a name with a link to the first of its places.
func (w *writer) sourceLabel(name string, places []weave.Place) string {
	label := escape(name)
	if len(places) == 0 {
		return label
	}
	place := places[0]
	p := w.pageOf(place.File)
	if p == nil {
		return label
	}
	to := target{p.address(), ""}
	if place.Name != "" {
		to.fragment = lineID(place.File, place.Line)
	}
	return fmt.Sprintf(`<a href="%s">%s</a>`, escape(w.href(to)), label)
}

func (w *writer) diffLabel(block *weave.Block) string {
	label := escape(block.Info[1]) + " → " + escape(path.Base(block.Info[2]))
	if len(block.Places) < 2 || w.bare {
		return label
	}
	a, b := w.listing(block.Places[0].Folder), w.listing(block.Places[len(block.Places)-1].Folder)
	if a == nil || b == nil || a == b {
		return label
	}
	return label + fmt.Sprintf(` · <a href="%s">side by side</a>`, w.href(target{pairAddress(a, b), ""}))
}

// A figure is a frame with code in it.
type figure struct {
	kind       string // "" for plain text
	label      string // HTML; says what the code is
	attributes string // HTML
	run        bool   // has a button to run it
	code       string // HTML
}

func (v *view) figure(out util.BufWriter, f figure) {
	kind := strings.TrimSpace("code " + f.kind)
	fmt.Fprintf(out, `<figure class="%s"%s>`, kind, f.attributes)
	buttons := ""
	if !v.bare {
		if f.run {
			buttons = `<button type="button" class="run" hidden>Run</button>`
		}
		buttons += `<button type="button" class="copy" hidden>Copy</button>`
	}
	if f.label != "" || buttons != "" {
		fmt.Fprintf(out, `<figcaption><span class="label">%s</span>%s</figcaption>`, f.label, buttons)
	}
	fmt.Fprintf(out, "<pre><code>%s</code></pre></figure>\n", f.code)
}

// laidOut matches output that becomes unreadable if its lines wrap: a drawing, or
// columns.
var laidOut = regexp.MustCompile(`[\x{2500}-\x{257f}]|(?m:^[^$>].*\S {3,}\S)`)

// console renders commands and what they print.
func (w *writer) console(out util.BufWriter, block *weave.Block) {
	f := figure{kind: "console", label: "console", code: commands(block)}
	if laidOut.MatchString(block.Text) {
		f.kind += " laid-out"
	}
	if w.live && block.Transcript != nil {
		f.run = true
		f.attributes = fmt.Sprintf(` data-page="%s" data-block="%d" data-section="%d"`,
			escape(w.chapter.path), w.chapter.numbers[block], block.Section)
	}
	w.figure(out, f)
}
