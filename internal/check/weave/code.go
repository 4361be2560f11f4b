package weave

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"fopnp/internal/check/transcript"
)

// goText returns the text of a go block: a file, or declarations of a folder.
func (b *Book) goText(words []string) (string, []Place, error) {
	if len(words) == 0 {
		return "", nil, errors.New("a go block is go FOLDER, or go FOLDER NAME... with declarations")
	}
	files, err := b.sources(words[0])
	if err != nil {
		return "", nil, err
	}
	if len(words) == 1 {
		if len(files) > 1 {
			return "", nil, fmt.Errorf("%s has %d files; name one of them, or a declaration", words[0], len(files))
		}
		// The prose around the block takes the place of the package comment.
		text, place := files[0].cut(files[0].Package, files[0].FileEnd, "")
		return text, []Place{place}, nil
	}
	var texts []string
	var places []Place
	for _, name := range words[1:] {
		text, place, err := declaration(files, name)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", words[0], err)
		}
		texts, places = append(texts, text), append(places, place)
	}
	return strings.Join(texts, "\n"), places, nil
}

// diffText returns the text of a diff block: the difference of two files, or of
// the declarations of the same names in two folders.
func (b *Book) diffText(words []string) (string, []Place, error) {
	if len(words) < 2 {
		return "", nil, errors.New("a diff block is diff OLD NEW, or diff OLD NEW NAME... with declarations")
	}
	old, new, names := words[0], words[1], words[2:]
	oldText, oldPlaces, err := b.goText(append([]string{old}, names...))
	if err != nil {
		return "", nil, err
	}
	newText, newPlaces, err := b.goText(append([]string{new}, names...))
	if err != nil {
		return "", nil, err
	}
	d := difference(old, oldText, new, newText)
	if d == "" {
		return "", nil, fmt.Errorf("%s and %s do not differ", old, new)
	}
	return d + "\n", slices.Concat(oldPlaces, newPlaces), nil
}

// file returns the text of a block that shows a file as it is.
func (b *Book) file(words []string) (string, []Place, error) {
	if len(words) != 1 {
		return "", nil, errors.New("a text block names one file; to show other text unchecked, add the word illustration")
	}
	name := path.Clean(words[0])
	text, err := fs.ReadFile(b.files(), name)
	if err != nil {
		return "", nil, missing(words[0], err)
	}
	place := Place{Folder: path.Dir(name), File: name, Line: 1}
	return strings.TrimSuffix(string(text), "\n") + "\n", []Place{place}, nil
}

var goRun = regexp.MustCompile(`\bgo run \./(\S+)`)

// programs returns the folders of the programs that a transcript runs with go run,
// each once.
func (b *Book) programs(t *transcript.Transcript) (places []Place) {
	for _, c := range t.Commands {
		for _, match := range goRun.FindAllStringSubmatch(c.Script, -1) {
			place := Place{Folder: path.Clean(match[1])}
			// If it does not exist, running the command reports that.
			if _, err := fs.Stat(b.files(), place.Folder); err == nil && !slices.Contains(places, place) {
				places = append(places, place)
			}
		}
	}
	return places
}

// A source is a Go file.
type source struct {
	*ast.File
	*token.FileSet
	path, text string
}

// sources returns the Go files of a folder without its tests. The place may also
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

// missing says why a file cannot be read, with its name in the repository.
func missing(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", name)
	case errors.Is(err, fs.ErrInvalid):
		return fmt.Errorf("%s is outside the repository", name)
	}
	return err
}

// declaration returns the source of the declaration of name, or of Type.Method,
// with its comment.
func declaration(files []source, name string) (text string, place Place, err error) {
	for _, f := range files {
		for _, d := range f.Decls {
			foundText, foundPlace := f.find(d, name)
			if foundText == "" {
				continue
			}
			if text != "" {
				return "", Place{}, fmt.Errorf("both %s and %s declare %s; name one of the files", place.File, f.path, name)
			}
			text, place = foundText, foundPlace
		}
	}
	if text == "" {
		return "", Place{}, fmt.Errorf("nothing declares %s", name)
	}
	return text, place, nil
}

// find returns the source of a top-level declaration that declares name: all of
// it, or only the part of a group that declares name. The text is "" if the
// declaration does not declare name.
func (s source) find(d ast.Decl, name string) (string, Place) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		declared := d.Name.Name
		if d.Recv != nil {
			declared = receiver(d.Recv.List[0].Type) + "." + declared
		}
		if declared == name {
			return s.cutNode(d.Doc, d, name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			doc, declares := named(spec, name)
			if !declares {
				continue
			}
			if d.Lparen.IsValid() {
				text, place := s.cutNode(doc, spec, name)
				return strings.ReplaceAll(text, "\n\t", "\n"), place
			}
			return s.cutNode(d.Doc, d, name)
		}
	}
	return "", Place{}
}

// named reports whether one part of a type, const or var declaration declares
// name, and returns its comment.
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

// receiver returns the name of a method's type, without star and type parameters.
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

// cutNode returns the source of a node, with the comment above it and the one
// that ends its last line.
func (s source) cutNode(doc *ast.CommentGroup, n ast.Node, name string) (string, Place) {
	from := n.Pos()
	if doc != nil {
		from = doc.Pos()
	}
	text, place := s.cut(from, n.End(), name)
	rest, _, _ := strings.Cut(s.text[s.Position(n.End()).Offset:], "\n")
	return text + rest + "\n", place
}

// cut returns a part of the source, and its place.
func (s source) cut(from, to token.Pos, name string) (string, Place) {
	start, end := s.Position(from), s.Position(to)
	place := Place{Folder: path.Dir(s.path), File: s.path, Name: name, Line: start.Line}
	return s.text[start.Offset:end.Offset], place
}
