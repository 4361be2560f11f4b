package weave

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// link checks that a page, a program or a picture is where the text says, and that
// the page has the heading or the anchor that the link leads to.
func (r *reader) link(pos int, destination string) {
	if n := len(r.Blocks); n > 0 && pos < r.Blocks[n-1].edit.stop {
		return // it belongs to a table that is out of date
	}
	address, err := url.Parse(destination)
	if err != nil || address.IsAbs() || address.Host != "" {
		return
	}
	page := r.Path
	if address.Path != "" {
		page = path.Join(path.Dir(r.Path), address.Path)
		info, err := fs.Stat(r.files(), page)
		if err != nil {
			r.report(r.line(pos), missing(page, err).Error())
			return
		}
		if address.Fragment == "" {
			return
		}
		if info.IsDir() {
			page = path.Join(page, "README.md") // which GitHub shows with the folder
		}
	}
	if address.Fragment == "" {
		return
	}
	found, err := r.anchorsOf(page)
	if err != nil {
		r.report(r.line(pos), missing(page, err).Error())
		return
	}
	if !found[address.Fragment] {
		r.report(r.line(pos), fmt.Sprintf("%s has no heading or anchor for #%s", page, address.Fragment))
	}
}

// anchorsOf returns the fragments that links to a page can have. It reads each page
// once.
func (r *reader) anchorsOf(page string) (map[string]bool, error) {
	if found := r.anchors[page]; found != nil {
		return found, nil
	}
	root, source := r.root, r.Source
	if page != r.Path {
		var err error
		if source, err = fs.ReadFile(r.files(), page); err != nil {
			return nil, err
		}
		root = parse(source)
	}
	_, r.anchors[page] = anchors(root, source)
	return r.anchors[page], nil
}

// anchorTag matches the beginning of <a id="NAME">.
var anchorTag = regexp.MustCompile(`<a\s(?:[^>]*\s)?(?:id|name)="([^"]*)"`)

// anchors returns the fragments that links to a page can have: one for each
// heading, as GitHub forms it, and the ids of <a> elements. It also returns the
// fragment of each heading.
func anchors(root ast.Node, source []byte) (headings map[ast.Node]string, found map[string]bool) {
	headings, found = map[ast.Node]string{}, map[string]bool{}
	repeated := map[string]int{}
	ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			first := slug(plain(n, source))
			name := first
			for found[name] {
				repeated[first]++
				name = fmt.Sprintf("%s-%d", first, repeated[first])
			}
			headings[n], found[name] = name, true
		case *ast.RawHTML:
			for _, tag := range anchorTag.FindAllSubmatch(n.Segments.Value(source), -1) {
				found[string(tag[1])] = true
			}
		case *ast.HTMLBlock:
			for _, tag := range anchorTag.FindAllSubmatch(n.Lines().Value(source), -1) {
				found[string(tag[1])] = true
			}
		}
		return ast.WalkContinue, nil
	})
	return headings, found
}

// plain returns the text of a node without its markup.
func plain(n ast.Node, source []byte) string {
	var text strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Image:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			if entering {
				text.Write(n.Segment.Value(source))
				if n.SoftLineBreak() {
					text.WriteByte(' ')
				}
			}
		}
		return ast.WalkContinue, nil
	})
	return text.String()
}

// slug returns the fragment that GitHub makes of a heading, if no earlier heading
// has it.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}
