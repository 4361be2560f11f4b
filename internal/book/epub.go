package book

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed epub.css
var epubStyle string

// An item is a page of an EPUB.
type item struct {
	ID, File, Title string
	SVG             bool // it has a picture
	Sections        []anchor
	Body            template.HTML
}

// WriteEPUB writes the chapters and the listings to a file in the EPUB format, for
// e-book readers, which may have no fonts and no colours but their own.
func (b *Book) WriteEPUB(name string) error {
	var out bytes.Buffer
	if err := b.writeEPUB(&out); err != nil {
		return err
	}
	return os.WriteFile(name, out.Bytes(), 0o666)
}

func (b *Book) writeEPUB(out io.Writer) error {
	items, err := b.items()
	if err != nil {
		return err
	}
	z := zip.NewWriter(out)
	// An e-book reader recognizes the file by its first bytes, so this entry is
	// not compressed.
	w, err := z.CreateHeader(&zip.FileHeader{Name: "mimetype", Method: zip.Store})
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, "application/epub+zip"); err != nil {
		return err
	}
	about := map[string]any{"Name": name, "Items": items, "Now": time.Now().UTC().Format(time.RFC3339)}
	for _, part := range []struct{ name, text string }{
		{"META-INF/container.xml", epubContainer},
		{"EPUB/book.opf", epubPackage},
		{"EPUB/nav.xhtml", epubContents},
	} {
		if err := addXML(z, part.name, part.text, about); err != nil {
			return err
		}
	}
	for _, i := range items {
		if err := addXML(z, "EPUB/"+i.File, epubPage, i); err != nil {
			return err
		}
	}
	if w, err = z.Create("EPUB/book.css"); err == nil {
		_, err = io.WriteString(w, printed(epubStyle))
	}
	if err != nil {
		return err
	}
	return z.Close()
}

// items returns the pages of an EPUB with their bodies.
func (b *Book) items() (items []item, err error) {
	pages := b.epubPages()
	number := map[string]int{} // of an item, by the address of its page
	for n, p := range pages {
		number[p.address()] = n
		items = append(items, newItem(p))
	}
	v := &view{
		Book: b,
		href: func(to target) string {
			n, found := number[to.address]
			switch {
			case !found: // for example, a pair; see view.bare
				return items[0].File
			case to.fragment == "":
				return items[n].File
			}
			return items[n].File + "#" + to.fragment
		},
		id:   func(name string) string { return name },
		bare: true,
	}
	for n, p := range pages {
		body, err := p.body(v)
		if err != nil {
			return nil, err
		}
		items[n].SVG = strings.Contains(body, "<svg")
		items[n].Body = template.HTML(printed(body))
	}
	return items, nil
}

// newItem returns the item of a page, without its body.
func newItem(p page) item {
	i := item{Title: p.title(), File: epubName(p)}
	i.ID = strings.TrimSuffix(i.File, ".xhtml")
	if c, is := p.(*chapter); is {
		for _, s := range c.sections {
			if s.level == 2 {
				i.Sections = append(i.Sections, anchor{s.id, s.title})
			}
		}
	}
	return i
}

// addXML adds an XML file that a template makes from data. An error of the template
// names the file.
func addXML(z *zip.Writer, name, text string, data any) error {
	t, err := template.New(name).Parse(text)
	if err != nil {
		return err
	}
	w, err := z.Create(name)
	if err != nil {
		return err
	}
	// The template must not escape this, as it would in HTML.
	if _, err := io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?>`+"\n"); err != nil {
		return err
	}
	return t.Execute(w, data)
}

// epubPages returns the pages of an EPUB: all but those that show two listings side
// by side.
func (b *Book) epubPages() (pages []page) {
	for _, c := range b.chapters {
		pages = append(pages, c)
	}
	for _, f := range b.folders {
		pages = append(pages, f)
	}
	for _, t := range b.texts {
		pages = append(pages, t)
	}
	return pages
}

// epubName returns the name of a page's file. All are in one folder.
func epubName(p page) string {
	return "p-" + strings.ReplaceAll(strings.TrimSuffix(p.address(), path.Ext(p.address())), "/", "-") + ".xhtml"
}

var (
	colourOf  = regexp.MustCompile(`(?m)^\t(--[a-z0-9-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\);`)
	variable  = regexp.MustCompile(`var\((--[a-z0-9-]+)\)`)
	lightness = lightColours()
)

// lightColours returns the light colours of the style sheet.
func lightColours() map[string]string {
	style, err := assets.ReadFile("assets/book.css")
	if err != nil {
		panic(err) // it is embedded
	}
	colours := map[string]string{}
	for _, m := range colourOf.FindAllStringSubmatch(string(style), -1) {
		colours[m[1]] = m[2]
	}
	return colours
}

// printed returns a text with light colours in place of variables.
func printed(text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		if colour := lightness[variable.FindStringSubmatch(v)[1]]; colour != "" {
			return colour
		}
		return "inherit"
	})
}

const (
	epubContainer = `<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
`
	epubPackage = `<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:fopnp:book</dc:identifier>
<dc:title>{{.Name}}</dc:title>
<dc:language>en</dc:language>
<meta property="dcterms:modified">{{.Now}}</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="style" href="book.css" media-type="text/css"/>
{{range .Items}}<item id="{{.ID}}" href="{{.File}}" media-type="application/xhtml+xml"{{if .SVG}} properties="svg"{{end}}/>
{{end}}</manifest>
<spine>
{{range .Items}}<itemref idref="{{.ID}}"/>
{{end}}</spine>
</package>
`
	epubContents = `<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>Contents</title></head>
<body><nav epub:type="toc"><h1>{{.Name}}</h1>
<ol>
{{range .Items}}{{$file := .File}}<li><a href="{{$file}}">{{.Title}}</a>{{if .Sections}}<ol>
{{range .Sections}}<li><a href="{{$file}}#{{.ID}}">{{.Title}}</a></li>
{{end}}</ol>{{end}}</li>
{{end}}</ol></nav></body>
</html>
`
	epubPage = `<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en">
<head><title>{{.Title}}</title><link rel="stylesheet" href="book.css"/></head>
<body>
{{.Body}}</body>
</html>
`
)
