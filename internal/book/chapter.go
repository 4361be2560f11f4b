package book

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"

	"fopnp/internal/check/weave"
)

// A chapter is a Markdown file.
type chapter struct {
	*Book
	path     string // in the repository
	woven    *weave.Page
	tree     *weave.Tree
	sections []*section
	numbers  map[*weave.Block]int // the index of each in woven.Blocks
}

// A section is a heading and what stands between it and the next.
type section struct {
	chapter *chapter
	level   int
	id      string // of the heading
	title   string
	nodes   []ast.Node // the first is the heading
}

func (c *chapter) address() string { return chapterAddress(c.path) }
func (c *chapter) title() string   { return c.sections[0].title }

// addChapter adds a Markdown file, unless the book has it.
func (b *Book) addChapter(name string) error {
	if b.pages[chapterAddress(name)] != nil {
		return nil
	}
	document, err := b.weaver.Read(name)
	if err != nil {
		return err
	}
	c := &chapter{Book: b, path: name, woven: document.Pages[0], numbers: map[*weave.Block]int{}}
	c.tree = c.woven.Tree()
	for i, block := range c.woven.Blocks {
		c.numbers[block] = i
	}
	for n := c.tree.Root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, is := n.(*ast.Heading); is {
			c.sections = append(c.sections, &section{
				chapter: c, level: h.Level, id: c.tree.IDs[h], title: plain(h, c.tree.Source),
			})
		}
		if len(c.sections) == 0 {
			return fmt.Errorf("%s does not begin with a heading", name)
		}
		last := c.sections[len(c.sections)-1]
		last.nodes = append(last.nodes, n)
	}
	if len(c.sections) == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	c.define()
	b.chapters = append(b.chapters, c)
	b.add(c)
	return nil
}

// resolve returns the file or the folder of the repository that a link leads to,
// and the fragment of the link. It reports false for other links.
func (c *chapter) resolve(destination string) (name, fragment string, ok bool) {
	u, err := url.Parse(destination)
	if err != nil || u.IsAbs() || u.Host != "" {
		return "", "", false
	}
	if u.Path == "" {
		return c.path, u.Fragment, true
	}
	return path.Join(path.Dir(c.path), u.Path), u.Fragment, true
}

// term matches a row of the glossary.
var term = regexp.MustCompile(`(?m)^\| <a id="([^"]+)"></a>[^|]+\| (.+) \|$`)

// define remembers the terms that the chapter's glossary defines.
func (c *chapter) define() {
	for _, m := range term.FindAllSubmatch(c.tree.Source, -1) {
		c.terms[chapterAddress(c.path)+"#"+string(m[1])] = strings.ReplaceAll(string(m[2]), "`", "")
	}
}

func (c *chapter) body(v *view) (string, error) {
	var nodes []ast.Node
	for _, s := range c.sections {
		nodes = append(nodes, s.nodes...)
	}
	text, err := v.prose(c, nodes)
	return "<article class=\"prose\">\n" + text + "</article>\n", err
}

// about returns the sections that show code of a folder, in the order of the book.
func (b *Book) about(folder string) (sections []*section) {
	for _, c := range b.chapters {
		for _, s := range c.sections {
			if slices.ContainsFunc(s.nodes, func(n ast.Node) bool { return c.shows(n, folder) }) {
				sections = append(sections, s)
			}
		}
	}
	return sections
}

// shows reports whether a node is a block with code of a folder.
func (c *chapter) shows(n ast.Node, folder string) bool {
	block := c.tree.Blocks[n]
	return block != nil && (block.Kind == weave.Go || block.Kind == weave.Diff) &&
		slices.ContainsFunc(block.Places, func(p weave.Place) bool { return p.Folder == folder })
}

// text returns the words of a section, for the search.
func (s *section) text() string {
	var words strings.Builder
	source := s.chapter.tree.Source
	for _, n := range s.nodes[1:] {
		ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if block := s.chapter.tree.Blocks[n]; entering && block != nil && block.Form == weave.Fence && block.Kind != weave.Diagram {
				words.WriteString(block.Text)
			}
			if t, is := n.(*ast.Text); is && entering {
				words.Write(t.Segment.Value(source))
				if t.SoftLineBreak() {
					words.WriteByte(' ')
				}
			}
			if n.Type() == ast.TypeBlock {
				words.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		})
	}
	return strings.Join(strings.Fields(words.String()), " ")
}

// plain returns the text of a node without its markup.
func plain(n ast.Node, source []byte) string {
	var text strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, is := n.(*ast.Text); is && entering {
			text.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				text.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return text.String()
}
