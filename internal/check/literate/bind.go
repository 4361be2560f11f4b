package literate

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// goText is the text of a go block: a page, or declarations of a folder.
func (b *Book) goText(args []string) (string, error) {
	switch len(args) {
	case 0:
		return "", errors.New("a go block names a folder, and perhaps what to show of it")
	case 1:
		return b.page(args[0])
	}
	files, err := b.sources(args[0])
	if err != nil {
		return "", err
	}
	var texts []string
	for _, name := range args[1:] {
		text, err := declaration(files, name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", args[0], err)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "\n"), nil
}

// difference is the text of a diff block: of two pages, or of the declarations
// of the same names in both.
func (b *Book) difference(args []string) (string, error) {
	if len(args) < 2 {
		return "", errors.New("a diff block names two folders")
	}
	var pages [2]string
	for i, place := range args[:2] {
		var err error
		if pages[i], err = b.goText(append([]string{place}, args[2:]...)); err != nil {
			return "", err
		}
	}
	d := diff.Diff(args[0], []byte(pages[0]), args[1], []byte(pages[1]))
	if d == nil {
		return "", fmt.Errorf("%s and %s do not differ", args[0], args[1])
	}
	_, d, _ = bytes.Cut(d, []byte("\n")) // "diff old new", which repeats the next two
	return string(d), nil
}

// file is the text of a block that shows a file as it is.
func (b *Book) file(args []string) (string, error) {
	if len(args) != 1 {
		return "", errors.New("a text block names one file, or is marked illustration")
	}
	text, err := fs.ReadFile(b.files(), path.Clean(args[0]))
	if err != nil {
		return "", missing(args[0], err)
	}
	return strings.TrimSuffix(string(text), "\n") + "\n", nil
}

// page returns a folder's only file, from its package clause to its end: the
// package comment is replaced by the prose around the block.
func (b *Book) page(place string) (string, error) {
	files, err := b.sources(place)
	if err != nil {
		return "", err
	}
	if len(files) > 1 {
		return "", fmt.Errorf("%s has %d files; name one of them, or a declaration", place, len(files))
	}
	f := files[0]
	return f.text[f.offset(f.Package):], nil
}

// A source is a file of a program.
type source struct {
	*ast.File
	*token.FileSet
	path, text string
}

func (s source) offset(p token.Pos) int { return s.Position(p).Offset }

// sources returns the Go files of a folder, less its tests. The place may also
// be one file.
func (b *Book) sources(place string) ([]source, error) {
	place = path.Clean(place)
	paths := []string{place}
	if !strings.HasSuffix(place, ".go") {
		paths = nil
		entries, err := fs.ReadDir(b.files(), place)
		if err != nil {
			return nil, missing(place, err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
				paths = append(paths, path.Join(place, e.Name()))
			}
		}
	}

	var files []source
	for _, p := range paths {
		text, err := fs.ReadFile(b.files(), p)
		if err != nil {
			return nil, missing(p, err)
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, source{f, fset, p, string(text)})
	}
	if files == nil {
		return nil, fmt.Errorf("%s has no Go files", place)
	}
	return files, nil
}

func (b *Book) files() fs.FS { return os.DirFS(b.Root) }

// missing says in the repository's own terms what could not be read.
func missing(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", name)
	case errors.Is(err, fs.ErrInvalid):
		return fmt.Errorf("%s is not in the repository", name)
	}
	return err
}

// declaration returns the source of what name (or Type.Method) declares, with
// its comment.
func declaration(files []source, name string) (string, error) {
	var text, where string
	for _, f := range files {
		for _, d := range f.Decls {
			found := f.find(d, name)
			if found == "" {
				continue
			}
			if where != "" {
				return "", fmt.Errorf("%s is in %s and in %s; name the file meant", name, where, f.path)
			}
			text, where = found, f.path
		}
	}
	if where == "" {
		return "", fmt.Errorf("nothing declares %s", name)
	}
	return text, nil
}

// find returns what a top-level declaration says of name: all of it, or the one
// line of a group.
func (s source) find(d ast.Decl, name string) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		declared := d.Name.Name
		if d.Recv != nil {
			declared = receiver(d.Recv.List[0].Type) + "." + declared
		}
		if declared == name {
			return s.cut(d.Doc, d)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			doc, declares := named(spec, name)
			if !declares {
				continue
			}
			if d.Lparen.IsValid() {
				return strings.ReplaceAll(s.cut(doc, spec), "\n\t", "\n")
			}
			return s.cut(d.Doc, d)
		}
	}
	return ""
}

// named reports whether a line of a type, const or var declaration declares
// name, and its comment.
func named(spec ast.Spec, name string) (doc *ast.CommentGroup, declares bool) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return spec.Doc, spec.Name.Name == name
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			if n.Name == name {
				return spec.Doc, true
			}
		}
	}
	return nil, false
}

// receiver returns the name of a method's type, less its star and parameters.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// cut returns the source of a node, with the comment above it and the one that
// ends its last line.
func (s source) cut(doc *ast.CommentGroup, n ast.Node) string {
	from := n.Pos()
	if doc != nil {
		from = doc.Pos()
	}
	text := s.text[s.offset(from):]
	size := s.offset(n.End()) - s.offset(from)
	rest, _, _ := strings.Cut(text[size:], "\n")
	return text[:size] + rest + "\n"
}
