package book

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"

	"fopnp/internal/listings"
)

// A folder is the page of a program or a package: what it is, and its files.
type folder struct {
	*Book
	path    string // in the repository
	at      string // its address
	comment string // of the package
	main    bool   // it is a program
	files   []file
	listing *listings.Listing // nil if it is not in the table
}

// A file of a folder, without its tests.
type file struct {
	path string // in the repository
	code string
	from int // the number of lines before the package clause
}

var errNoCode = errors.New("has no Go files")

// addFolder adds the page of a folder, unless the book has it. The error is
// errNoCode if the folder has no Go files, or nothing but tests.
func (b *Book) addFolder(name string) error {
	f := &folder{Book: b, path: name, at: folderAddress(name)}
	if _, err := fs.Stat(b.files, path.Join(name, "README.md")); err == nil {
		f.at = codeAddress(name)
	}
	if b.pages[f.at] != nil {
		return nil
	}
	entries, err := fs.ReadDir(b.files, name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isSource(e.Name()) {
			continue
		}
		if err := f.read(path.Join(name, e.Name())); err != nil {
			return err
		}
	}
	if f.files == nil {
		return fmt.Errorf("%s %w", name, errNoCode)
	}
	if l, found := listings.Find(path.Base(name)); found && l.Folder() == name {
		f.listing = &l
		// Not every listing has a script of its own.
		if err := b.addText(l.Script()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	b.folders = append(b.folders, f)
	b.add(f)
	return nil
}

func (f *folder) read(name string) error {
	code, err := fs.ReadFile(f.Book.files, name)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, name, code, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		return err
	}
	if f.comment == "" {
		f.comment = parsed.Doc.Text()
	}
	f.main = parsed.Name.Name == "main"
	f.files = append(f.files, file{name, string(code), set.Position(parsed.Package).Line - 1})
	return nil
}

func (f *folder) address() string { return f.at }
func (f *folder) title() string   { return path.Base(f.path) }

func (f *folder) body(v *view) (string, error) {
	var out strings.Builder
	out.WriteString(`<div class="beside"><div class="prose">`)
	fmt.Fprintf(&out, "<h1>%s</h1>\n", escape(f.title()))
	out.WriteString(documentation(f.comment))
	f.facts(&out, v)

	sections := f.about(f.path)
	for _, s := range sections {
		text, err := v.prose(s.chapter, s.nodes)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "<section>\n%s<p class=\"from\">From <a href=\"%s\">%s</a></p></section>\n",
			text, v.href(target{s.chapter.address(), s.id}), escape(s.chapter.title()))
	}
	out.WriteString(`</div><div class="source">`)
	for _, file := range f.files {
		fmt.Fprintf(&out, `<figure class="code go numbered"><figcaption><span class="label">%s</span>`, escape(file.path))
		if !v.bare {
			out.WriteString(`<button type="button" class="copy" hidden>Copy</button>`)
		}
		fmt.Fprintf(&out, "</figcaption><pre><code>%s</code></pre></figure>\n", numbered("go", file.path, file.code, v.id))
	}
	out.WriteString("</div></div>\n")
	return out.String(), nil
}

// facts writes what the table of listings says about the program.
func (f *folder) facts(out *strings.Builder, v *view) {
	if f.listing == nil {
		return
	}
	l := *f.listing
	out.WriteString("<p class=\"facts\">")
	switch {
	case l.Kind == listings.Package:
		out.WriteString("Package: the programs of its chapter share this code.")
	case l.Port != 0:
		fmt.Fprintf(out, "%s, %s port %d%s.", sentenceCase(string(l.Kind)), strings.ToUpper(l.Network), l.Port, atOnce(l))
	default:
		fmt.Fprintf(out, "%s.", sentenceCase(string(l.Kind)))
	}
	if l.IsProgram() {
		fmt.Fprintf(out, " <code>go run ./%s -h</code> prints its options.", escape(f.path))
	}
	if p := f.pageOf(l.Script()); p != nil && !v.bare {
		fmt.Fprintf(out, ` <a href="%s">Its test script</a> checks what the page says about it.`, v.href(target{p.address(), ""}))
	}
	out.WriteString("</p>\n")
	if v.bare || !l.IsProgram() {
		return
	}
	var links []string
	for _, other := range f.programs(l.Shelf) {
		if other != f {
			links = append(links, fmt.Sprintf(`<a href="%s">%s</a>`, v.href(target{pairAddress(f, other), ""}), escape(other.title())))
		}
	}
	if links != nil {
		fmt.Fprintf(out, "<p class=\"facts\">Side by side with: %s.</p>\n", strings.Join(links, ", "))
	}
}

func atOnce(l listings.Listing) string {
	switch {
	case !l.IsServer() || l.AtOnce == 0:
		return ""
	case l.AtOnce == 1:
		return ", one conversation at a time"
	}
	return fmt.Sprintf(", %d conversations at once", l.AtOnce)
}

func sentenceCase(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// listing returns the program that the table has in a folder, or nil.
func (b *Book) listing(name string) *folder {
	for _, f := range b.folders {
		if f.path == name && f.listing != nil && f.listing.IsProgram() {
			return f
		}
	}
	return nil
}

// programs returns the programs of a shelf, or of all shelves if shelf is "", in
// the order of the table.
func (b *Book) programs(shelf string) (programs []*folder) {
	for _, f := range b.folders {
		if f.listing != nil && f.listing.IsProgram() && (shelf == "" || f.listing.Shelf == shelf) {
			programs = append(programs, f)
		}
	}
	return programs
}
