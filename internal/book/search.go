package book

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// An entry is a place that a search can find.
type entry struct {
	URL   string `json:"url"`   // relative to the root of the book
	Page  string `json:"page"`  // where it is
	Title string `json:"title"` // the heading, or the listing
	Text  string `json:"text"`
}

// index returns a script with everything that a search can find. It is a script,
// and not plain data, because a page opened as a file may load scripts, but may not
// read other files.
func (b *Book) index() ([]byte, error) {
	var entries []entry
	for _, c := range b.chapters {
		for _, s := range c.sections {
			entries = append(entries, entry{relative("", target{c.address(), s.id}), c.title(), s.title, s.text()})
		}
	}
	for _, f := range b.folders {
		words := strings.Fields(f.comment)
		for _, file := range f.files {
			words = append(words, declared(file.code)...)
		}
		entries = append(entries, entry{relative("", target{f.address(), ""}), f.path, f.title(), strings.Join(words, " ")})
	}
	data, err := json.Marshal(entries)
	return append(append([]byte("window.bookIndex = "), data...), ";\n"...), err
}

// declared returns the names of the functions and types that a Go file declares.
func declared(code string) (names []string) {
	f, err := parser.ParseFile(token.NewFileSet(), "", code, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names = append(names, d.Name.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if t, is := spec.(*ast.TypeSpec); is {
					names = append(names, t.Name.Name)
				}
			}
		}
	}
	return names
}
