package weave

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

// comment updates the table that follows a <!-- listings FOLDER --> or a
// <!-- measured WORD... -->. It ignores other comments.
func (r *reader) comment(n *markdown.HTMLBlock) {
	end := r.lineEnd(n.Pos())
	words, rest := directive(string(r.Source[n.Pos():end]))
	if words == nil {
		return
	}
	line := r.line(n.Pos())
	switch {
	case words[0] == "listings" && (len(words) != 2 || rest != ""):
		r.report(line, "the directive must be <!-- listings FOLDER -->")
		return
	case rest != "":
		r.report(line, "a directive at the beginning of a line must stand alone in it")
		return
	case !r.atMargin(n):
		r.report(line, "this directive is indented, or in a list or quotation; move it to the left margin")
		return
	}

	b := r.add(&Block{Form: Table, Info: words, Line: line})
	t, exists := n.NextSibling().(*table.Table)
	var place span
	if exists {
		place = span{t.Pos(), r.lineEnd(t.LastChild().Pos())}
		if t.ChildCount() == 1 { // only the header, and below it the dashes
			place.stop = r.lineEnd(place.stop)
		}
		b.Text = string(r.Source[place.start:place.stop])
	}
	var fresh string
	if words[0] == "listings" {
		b.Kind = Listings
		fresh, b.Places = r.listings(line, words[1])
	} else {
		b.Kind = Measured
		fresh = r.measuredAt(line, words[1:])
	}
	switch {
	case fresh == "" || fresh == b.Text:
		return
	case exists:
		b.edit = edit{place, fresh}
		r.stale(line, b.Text, fresh)
	default:
		inserted := "\n" + fresh
		shown := fresh
		if end < len(r.Source) && r.Source[end] != '\n' {
			inserted += "\n"
			shown += "\n"
		}
		b.edit = edit{span{end, end}, inserted}
		r.stale(line, "", shown)
	}
	b.Text = fresh
}

// directive returns the words of a comment if it is one of our directives, and
// what follows it. The words are nil if it is not.
func directive(text string) (words []string, rest string) {
	inside, isComment := strings.CutPrefix(text, "<!--")
	inside, rest, _ = strings.Cut(inside, "-->")
	words = strings.Fields(inside)
	if !isComment || len(words) == 0 || words[0] != "listings" && words[0] != "measured" {
		return nil, ""
	}
	return words, strings.TrimSpace(rest)
}

// inline updates the words between <!-- measured WORD... --> and <!--/-->.
func (r *reader) inline(n *markdown.RawHTML) {
	const end = "<!--/-->"
	at := n.Segments.At(0)
	start := n.Segments.At(n.Segments.Len() - 1).Stop
	words, _ := directive(string(r.Source[at.Start:start]))
	if words == nil {
		return
	}
	line := r.line(at.Start)
	length := strings.Index(string(r.Source[start:]), end)
	if words[0] != "measured" || length < 0 || strings.Contains(string(r.Source[start:start+length]), "\n\n") {
		r.report(line, "the directive must be <!-- measured WORD... -->TEXT"+end)
		return
	}
	b := r.add(&Block{Kind: Measured, Form: Inline, Info: words, Line: line})
	b.Text = string(r.Source[start : start+length])
	fresh := r.measuredAt(line, words[1:])
	// The prose may break its lines anywhere.
	if fresh != "" && strings.Join(strings.Fields(b.Text), " ") != fresh {
		r.stale(line, b.Text+"\n", fresh+"\n")
		b.edit = edit{span{start, start + length}, fresh}
		b.Text = fresh
	}
}

// measuredAt returns what was measured. If that is not known, it reports a problem
// and returns "".
func (r *reader) measuredAt(line int, words []string) string {
	fresh, err := r.measured(words)
	if err != nil {
		r.report(line, err.Error())
	}
	return fresh
}

func (b *Book) measured(words []string) (string, error) {
	if b.Measured == nil {
		return "", errors.New("there are no measurements for this page")
	}
	return b.Measured(words...)
}

// listings returns the table of the programs below a folder, and their places.
func (r *reader) listings(line int, folder string) (string, []Place) {
	var rows strings.Builder
	var places []Place
	err := fs.WalkDir(r.files(), path.Clean(folder), func(dir string, d fs.DirEntry, err error) error {
		if err != nil {
			return missing(dir, err)
		}
		if !d.IsDir() {
			return nil
		}
		if name := d.Name(); name == "internal" || name == "testdata" || len(name) > 1 && name[0] == '.' {
			return fs.SkipDir
		}
		file, is, err := r.listing(dir)
		if err != nil {
			r.report(line, err.Error())
		}
		if is == "" {
			return nil
		}
		place := Place{Folder: dir}
		if file != "" {
			place.File, place.Line = file, 1
		}
		places = append(places, place)
		link, err := filepath.Rel(path.Dir(r.Path), cmp.Or(file, dir))
		if err != nil {
			return err
		}
		fmt.Fprintf(&rows, "| [%s](%s) | %s |\n", path.Base(dir), filepath.ToSlash(link), is)
		return nil
	})
	switch {
	case err != nil:
		r.report(line, err.Error())
		return "", nil
	case rows.Len() == 0:
		r.report(line, "there are no listings below "+folder)
		return "", nil
	}
	return "| listing | what it is |\n|---|---|\n" + rows.String(), places
}

// listing returns what the program or the package in a folder is, according to
// the first sentence of its comment. If the folder has only one file, listing
// returns its path as well. If the folder has neither a program nor a package,
// the second result is "".
func (r *reader) listing(dir string) (file, is string, err error) {
	paths, err := fs.Glob(r.files(), path.Join(dir, "*.go"))
	if err != nil {
		return "", "", err
	}
	var files int
	var kind, comment string
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(r.files(), p)
		if err != nil {
			return "", "", missing(p, err)
		}
		const mode = parser.PackageClauseOnly | parser.ParseComments
		f, err := parser.ParseFile(token.NewFileSet(), p, text, mode)
		if err != nil {
			return "", "", err
		}
		files++
		file, kind = p, f.Name.Name
		comment = cmp.Or(comment, firstSentence(f.Doc.Text()))
	}
	if files > 1 {
		file = ""
	}
	name, rest, _ := strings.Cut(comment, " ")
	if kind != "main" {
		// A package is a listing if its comment begins as Go's custom has it.
		subject, rest, _ := strings.Cut(rest, " ")
		if name != "Package" || subject != path.Base(dir) {
			return "", "", nil
		}
		return file, sentence(rest), nil
	}
	if !strings.EqualFold(name, path.Base(dir)) || rest == "" {
		return "", "", fmt.Errorf("%s: the package comment must begin with the program's name", dir)
	}
	return file, sentence(rest), nil
}

// firstSentence returns the first sentence of a comment, in one line. A full stop
// ends the sentence only before a capital, and not after a single letter.
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

// sentence capitalizes a sentence that has lost its subject, and escapes what
// would end the table's cell.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + strings.ReplaceAll(s[size:], "|", `\|`)
}
