package book

import (
	"fmt"
	"go/doc/comment"
	"html"
	"regexp"
	"strings"
)

// lead matches the words with which a package comment begins a paragraph.
var lead = regexp.MustCompile(`^(Source|What to notice|What to try|What Go changes):`)

// documentation renders a package comment.
func documentation(text string) string {
	var p comment.Parser
	var out strings.Builder
	writeBlocks(&out, p.Parse(text).Content)
	return out.String()
}

func writeBlocks(out *strings.Builder, blocks []comment.Block) {
	for _, b := range blocks {
		switch b := b.(type) {
		case *comment.Heading:
			fmt.Fprintf(out, "<h2>%s</h2>\n", words(b.Text))
		case *comment.Paragraph:
			fmt.Fprintf(out, "<p>%s</p>\n", lead.ReplaceAllString(words(b.Text), "<b>$1:</b>"))
		case *comment.Code:
			fmt.Fprintf(out, "<figure class=\"code\"><pre><code>%s</code></pre></figure>\n", escape(b.Text))
		case *comment.List:
			out.WriteString("<ul>\n")
			for _, item := range b.Items {
				out.WriteString("<li>")
				writeBlocks(out, item.Content)
				out.WriteString("</li>\n")
			}
			out.WriteString("</ul>\n")
		}
	}
}

func words(text []comment.Text) string {
	var out strings.Builder
	for _, t := range text {
		switch t := t.(type) {
		case comment.Plain:
			out.WriteString(escape(string(t)))
		case comment.Italic:
			fmt.Fprintf(&out, "<i>%s</i>", escape(string(t)))
		case *comment.Link:
			fmt.Fprintf(&out, `<a href="%s">%s</a>`, escape(t.URL), words(t.Text))
		case *comment.DocLink:
			fmt.Fprintf(&out, `<a href="%s">%s</a>`, escape(t.DefaultURL("https://pkg.go.dev")), words(t.Text))
		}
	}
	return out.String()
}

// escape returns a text as HTML. What a terminal would take for a command, such as
// the byte ESC, becomes the symbol that stands for it.
func escape(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return '␀' + r
		}
		return r
	}, text))
}
