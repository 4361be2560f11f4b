package literate

import (
	"cmp"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	markdown "github.com/yuin/goldmark/ast"
	table "github.com/yuin/goldmark/extension/ast"
)

// comment brings the table below a <!-- listings FOLDER --> or a <!-- measured
// WORD... --> up to date. Other comments say nothing to us.
func (w *weaver) comment(n *markdown.HTMLBlock) {
	end := w.lineEnd(n.Pos())
	words, rest := directive(string(w.doc[n.Pos():end]))
	if words == nil {
		return
	}
	line := w.line(n.Pos())
	switch {
	case words[0] == "listings" && (len(words) != 2 || rest != ""):
		w.report(line, "the directive is <!-- listings FOLDER -->")
		return
	case rest != "":
		w.report(line, "a directive that begins a line stands alone in it")
		return
	case !w.atMargin(n):
		w.report(line, "a directive in a list or a quotation; move it to the margin")
		return
	}
	var fresh string
	if words[0] == "listings" {
		fresh = w.listings(line, words[1])
	} else {
		fresh = w.measuredAt(line, words[1:])
	}
	if fresh == "" {
		return
	}

	t, exists := n.NextSibling().(*table.Table)
	if !exists {
		if end < len(w.doc) && w.doc[end] != '\n' {
			fresh += "\n"
		}
		w.edits = append(w.edits, edit{end, end, "\n" + fresh})
		w.stale(line, "", fresh)
		return
	}
	start, stop := t.Pos(), w.lineEnd(t.LastChild().Pos())
	if t.ChildCount() == 1 { // the header alone, and the dashes below it
		stop = w.lineEnd(stop)
	}
	if old := string(w.doc[start:stop]); old != fresh {
		w.edits = append(w.edits, edit{start, stop, fresh})
		w.stale(line, old, fresh)
	}
}

// directive returns the words of a comment that is one of ours, or nil, and what
// stands behind it.
func directive(text string) (words []string, rest string) {
	inside, isComment := strings.CutPrefix(text, "<!--")
	inside, rest, _ = strings.Cut(inside, "-->")
	words = strings.Fields(inside)
	if !isComment || len(words) == 0 || words[0] != "listings" && words[0] != "measured" {
		return nil, ""
	}
	return words, strings.TrimSpace(rest)
}

// inline brings what stands between <!-- measured WORD... --> and <!--/--> up to
// date.
func (w *weaver) inline(n *markdown.RawHTML) {
	const end = "<!--/-->"
	at := n.Segments.At(0)
	start := n.Segments.At(n.Segments.Len() - 1).Stop
	words, _ := directive(string(w.doc[at.Start:start]))
	if words == nil {
		return
	}
	line := w.line(at.Start)
	length := strings.Index(string(w.doc[start:]), end)
	if words[0] != "measured" || length < 0 || strings.Contains(string(w.doc[start:start+length]), "\n\n") {
		w.report(line, "the directive is <!-- measured WORD... -->TEXT"+end)
		return
	}
	fresh := w.measuredAt(line, words[1:])
	// The prose may break its lines anywhere.
	if old := string(w.doc[start : start+length]); fresh != "" && strings.Join(strings.Fields(old), " ") != fresh {
		w.edits = append(w.edits, edit{start, start + length, fresh})
		w.stale(line, old+"\n", fresh+"\n")
	}
}

// measuredAt is what was measured, or "" if that is not known, which it reports.
func (w *weaver) measuredAt(line int, words []string) string {
	fresh, err := w.measured(words)
	if err != nil {
		w.report(line, err.Error())
	}
	return fresh
}

func (b *Book) measured(words []string) (string, error) {
	if b.Measured == nil {
		return "", errors.New("nothing is measured for this book")
	}
	return b.Measured(words...)
}

// listings returns the table of the programs below a folder.
func (w *weaver) listings(line int, folder string) string {
	var rows strings.Builder
	err := fs.WalkDir(w.files(), path.Clean(folder), func(dir string, d fs.DirEntry, err error) error {
		if err != nil {
			return missing(dir, err)
		}
		if !d.IsDir() {
			return nil
		}
		if name := d.Name(); name == "internal" || name == "testdata" || len(name) > 1 && name[0] == '.' {
			return fs.SkipDir
		}
		page, is, err := w.listing(dir)
		if err != nil {
			w.report(line, err.Error())
		}
		if is != "" {
			link, err := filepath.Rel(path.Dir(w.path), page)
			if err != nil {
				return err
			}
			fmt.Fprintf(&rows, "| [%s](%s) | %s |\n", path.Base(dir), filepath.ToSlash(link), is)
		}
		return nil
	})
	switch {
	case err != nil:
		w.report(line, err.Error())
		return ""
	case rows.Len() == 0:
		w.report(line, "there are no listings below "+folder)
		return ""
	}
	return "| listing | what it is |\n|---|---|\n" + rows.String()
}

// listing returns what the program or the package in a folder is, by the first
// sentence of its comment, and where to read it: in its only file, or in its
// folder. A folder that has neither is "".
func (w *weaver) listing(dir string) (page, is string, err error) {
	pages, err := fs.Glob(w.files(), path.Join(dir, "*.go"))
	if err != nil {
		return "", "", err
	}
	var files int
	var kind, comment string
	for _, p := range pages {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(w.files(), p)
		if err != nil {
			return "", "", missing(p, err)
		}
		const mode = parser.PackageClauseOnly | parser.ParseComments
		f, err := parser.ParseFile(token.NewFileSet(), p, text, mode)
		if err != nil {
			return "", "", err
		}
		files++
		page, kind = p, f.Name.Name
		comment = cmp.Or(comment, firstSentence(f.Doc.Text()))
	}
	if files > 1 {
		page = dir
	}
	name, rest, _ := strings.Cut(comment, " ")
	if kind != "main" {
		// A package is a listing if it says so, in the usual words.
		subject, rest, _ := strings.Cut(rest, " ")
		if name != "Package" || subject != path.Base(dir) {
			return "", "", nil
		}
		return page, sentence(rest), nil
	}
	if !strings.EqualFold(name, path.Base(dir)) || rest == "" {
		return "", "", fmt.Errorf("%s: the package comment does not open with the program's name", dir)
	}
	return page, sentence(rest), nil
}

// firstSentence returns the first sentence of a comment, on one line. A full stop
// ends it only before a capital, and not after a single letter.
func firstSentence(comment string) string {
	paragraph, _, _ := strings.Cut(comment, "\n\n")
	words := strings.Fields(paragraph)
	for i, word := range words {
		if strings.HasSuffix(word, ".") && len(word) > 2 && i+1 < len(words) {
			if next, _ := utf8.DecodeRuneInString(words[i+1]); unicode.IsUpper(next) {
				return strings.Join(words[:i+1], " ")
			}
		}
	}
	return strings.Join(words, " ")
}

// sentence gives a sentence that has lost its subject a capital, and keeps it
// within its cell of the table.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + strings.ReplaceAll(s[size:], "|", `\|`)
}
