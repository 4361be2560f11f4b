package book

import (
	"strings"
)

// A whole is the page that has all chapters on it, for a printer.
type whole struct{ book *Book }

const wholeAddress = "print.html"

func (*whole) address() string { return wholeAddress }
func (*whole) title() string   { return "The whole book" }

func (w *whole) body(v *view) (string, error) {
	var out strings.Builder
	for _, c := range w.book.chapters {
		prefix := idPrefix(c)
		of := *v
		of.live = false // the same block would be there twice
		of.id = func(name string) string { return prefix + name }
		of.href = func(to target) string {
			other, is := w.book.pages[to.address].(*chapter)
			if !is {
				return v.href(to)
			}
			name := to.fragment
			if name == "" {
				name = other.sections[0].id
			}
			return "#" + idPrefix(other) + name
		}
		body, err := c.body(&of)
		if err != nil {
			return "", err
		}
		out.WriteString(body)
	}
	return out.String(), nil
}

// idPrefix returns the prefix of a chapter's ids on a page that several
// chapters share.
func idPrefix(c *chapter) string {
	return strings.ReplaceAll(strings.TrimSuffix(c.address(), ".html"), "/", "-") + "--"
}
