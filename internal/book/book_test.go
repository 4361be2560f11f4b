package book

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/weave"
)

// load returns the book of this repository. All tests share it.
var load = sync.OnceValues(func() (*Book, error) {
	root, err := progtest.Root()
	if err != nil {
		return nil, err
	}
	return Load(root)
})

func loaded(t testing.TB) *Book {
	t.Helper()
	b, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// export returns the folder of the exported book. All tests share it, and none
// changes it.
var export = sync.OnceValues(func() (string, error) {
	b, err := load()
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "book")
	if err != nil {
		return "", err
	}
	removeExport = func() { os.RemoveAll(folder) }
	return folder, b.Export(filepath.Join(folder, "html")) // which Export makes
})

var removeExport = func() {}

func exported(t *testing.T) string {
	t.Helper()
	folder, err := export()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "html")
}

// An element is an HTML element of a page, without its content.
type element struct {
	name       string
	attributes map[string]string
}

// elements returns the elements of a page.
func elements(t *testing.T, page []byte) (all []element) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict = false
	d.AutoClose = xml.HTMLAutoClose
	d.Entity = xml.HTMLEntity
	for {
		token, err := d.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, is := token.(xml.StartElement); is {
			e := element{start.Name.Local, map[string]string{}}
			for _, a := range start.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			all = append(all, e)
		}
	}
}

// Everything that a page of the export links to is in the export, down to the
// fragment. No page requests anything from elsewhere, and none can run anything.
func TestExport(t *testing.T) {
	t.Parallel()
	folder := exported(t)
	files := os.DirFS(folder)
	pages := map[string][]element{}
	ids := map[string]map[string]bool{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".html" {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		pages[name] = elements(t, text)
		ids[name] = map[string]bool{}
		for _, e := range pages[name] {
			id, has := e.attributes["id"]
			if has && ids[name][id] {
				t.Errorf("%s: two elements have the id %s", name, id)
			}
			ids[name][id] = has
		}
		return nil
	})
	if err != nil || len(pages) < 300 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}

	resolves := func(from, to string) error {
		u, err := url.Parse(to)
		if err != nil || u.IsAbs() || u.Host != "" {
			return errors.New("is elsewhere")
		}
		name := from
		if u.Path != "" {
			name = path.Join(path.Dir(from), u.Path)
		}
		if _, err := fs.Stat(files, name); err != nil {
			return err
		}
		if u.Fragment != "" && !ids[name][u.Fragment] {
			return fmt.Errorf("%s has no element with the id %s", name, u.Fragment)
		}
		return nil
	}
	links := 0
	for name, page := range pages {
		for _, e := range page {
			for attribute, value := range e.attributes {
				switch {
				case attribute == "href" && e.name == "a" && strings.Contains(value, "://"):
					continue // only if the reader follows it
				case attribute == "href", attribute == "src", attribute == "action":
					links++
					if err := resolves(name, value); err != nil {
						t.Errorf("%s: %s %q: %v", name, attribute, value, err)
					}
				case attribute == "style", strings.HasPrefix(attribute, "on"),
					attribute == "srcset", attribute == "data-page", attribute == "class" && value == "run":
					t.Errorf("%s: a %s has %s=%q", name, e.name, attribute, value)
				}
			}
			if slices.Contains([]string{"style", "iframe", "form", "object", "base", "img"}, e.name) {
				t.Errorf("%s has a %s", name, e.name)
			}
		}
	}
	if links < 10000 {
		t.Errorf("the pages have only %d links", links)
	}

	index, err := fs.ReadFile(files, indexAddress)
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	index = bytes.TrimSuffix(bytes.TrimPrefix(index, []byte("window.bookIndex = ")), []byte(";\n"))
	if err := json.Unmarshal(index, &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := resolves("index.html", e.URL); err != nil {
			t.Errorf("the search finds %s: %v", e.URL, err)
		}
	}
}

// Every README of the repository is a chapter.
func TestChapters(t *testing.T) {
	t.Parallel()
	b := loaded(t)
	if first := b.chapters[0].path; first != "README.md" {
		t.Errorf("the book begins with %s", first)
	}
	err := fs.WalkDir(b.files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && len(name) > 1 && (d.Name()[0] == '.' || d.Name() == "testdata"):
			return fs.SkipDir
		case d.Name() == "README.md" && !slices.ContainsFunc(b.chapters, func(c *chapter) bool { return c.path == name }):
			t.Errorf("no chapter links to %s", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Each diagram has a drawing, and each drawing a diagram. A drawing has no styles of
// its own, and its colours are those of the style sheet.
func TestDrawings(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, source := range loaded(t).Diagrams() {
		want[DrawingName(source)] = true
		if _, drawn := drawing(source); !drawn {
			t.Errorf("this diagram is not drawn; see internal/book/draw:\n%s", source)
		}
	}
	entries, err := drawings.ReadDir("diagrams")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !want[e.Name()] {
			t.Errorf("no page has the diagram of %s; run internal/book/draw again", e.Name())
		}
		svg, err := drawings.ReadFile("diagrams/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range elements(t, svg) {
			for name, value := range e.attributes {
				if name == "style" || name == "class" || strings.Contains(value, "#") && !strings.HasPrefix(value, "url(#") {
					t.Errorf("a %s has %s=%q", e.name, name, value)
				}
			}
		}
	}
}

// small returns a book of one page.
func small(t *testing.T, readme string) *Book {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "README.md"), []byte(readme), 0o666); err != nil {
		t.Fatal(err)
	}
	b := &Book{weaver: weave.Book{Root: folder}, files: os.DirFS(folder), pages: map[string]page{}, terms: map[string]string{}}
	if err := b.addChapter("README.md"); err != nil {
		t.Fatal(err)
	}
	return b
}

// A page shows Markdown, and of raw HTML only anchors, as in <a id="place">.
func TestNoRawHTML(t *testing.T) {
	t.Parallel()
	b := small(t, "# Title <script>alert(1)</script>\n\n"+
		"<script>alert(2)</script>\n\n"+
		"Text <a id=\"place\"></a> <img src=x onerror=alert(3)> [link](javascript:alert(4)) <a id=\"x\" onclick=\"alert(5)\">\n\n"+
		"```text illustration\n<script>alert(6)</script> \x1b[31m\n```\n\n"+
		"| a | b |\n|---|---|\n| <b>c</b> | `<i>` |\n")
	body, err := b.chapters[0].body(b.on("index.html", false))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range elements(t, []byte(body)) {
		if slices.Contains([]string{"script", "img", "i", "b"}, e.name) || e.attributes["onclick"] != "" ||
			strings.HasPrefix(e.attributes["href"], "javascript") {
			t.Errorf("the page has %+v", e)
		}
	}
	for _, want := range []string{`<span id="place"></span>`, "&lt;script&gt;alert(6)", "␛[31m"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s:\n%s", want, body)
		}
	}
}

// The page separates a command from its output, even a command of several
// lines.
func TestConsole(t *testing.T) {
	t.Parallel()
	b := small(t, "# Title\n\n```console\n$ echo It is \\\n> one line.\nIt is one line.\n$ true\n```\n\n"+
		"```console illustration\n$ go run ./book\n> not output\n```\n")
	for _, live := range []bool{false, true} {
		body, err := b.chapters[0].body(b.on("index.html", live))
		if err != nil {
			t.Fatal(err)
		}
		want := `<span class="command" data-command="0"><span class="line"><span class="prompt">$ </span>echo It is \
</span><span class="line"><span class="prompt">&gt; </span>one line.
</span></span>It is one line.
<span class="command" data-command="1">`
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
		figure := `<figure class="code console" data-page="README.md" data-block="0" data-section="1">`
		if strings.Contains(body, figure) != live || strings.Count(body, "data-block") > 1 || strings.Count(body, `class="run"`) > 1 {
			t.Errorf("live is %v:\n%s", live, body)
		}
	}
}

// The rows of two listings are those of both files, in order.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	const a = "package main\n\nfunc main() {\n\tlistener := listen(1)\n\tserveAll(listener, timeout)\n}\n"
	const b = "package main\n\nfunc main() {\n\tlistener := listen(10)\n\tgo wait(listener)\n\tstart(4)\n}\n"
	var got strings.Builder
	for _, r := range sideBySide(a, b) {
		side := func(line []word) (s string) {
			for _, w := range line {
				if strings.Contains(w.class, "changed") {
					s += "[" + w.text + "]"
				} else {
					s += w.text
				}
			}
			return s
		}
		fmt.Fprintf(&got, "%s %d %d %q %q\n", r.kind, r.left, r.right, side(r.a), side(r.b))
	}
	const want = `same 1 1 "package main" "package main"
same 2 2 "" ""
same 3 3 "func main() {" "func main() {"
changed 4 4 "\tlistener := listen([1])" "\tlistener := listen([10])"
other 5 5 "\tserveAll(listener, timeout)" "\tgo wait(listener)"
new 0 6 "" "\tstart(4)"
same 6 7 "}" "}"
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// Any two listings can be compared, in either order, and nothing of either is lost.
func TestPairs(t *testing.T) {
	t.Parallel()
	b := loaded(t)
	all := b.programs("")
	for i, x := range all {
		y := all[(i+7)%len(all)]
		if x == y || pairAddress(x, y) != pairAddress(y, x) || b.pair(pairAddress(x, y)) == nil {
			t.Errorf("%s and %s have no page", x.title(), y.title())
			continue
		}
		var left, right strings.Builder
		for _, r := range sideBySide(x.files[0].body(), y.files[0].body()) {
			if r.left > 0 {
				left.WriteString(textsOf([][]word{r.a})[0] + "\n")
			}
			if r.right > 0 {
				right.WriteString(textsOf([][]word{r.b})[0] + "\n")
			}
		}
		if left.String() != x.files[0].body() || right.String() != y.files[0].body() {
			t.Errorf("%s and %s: a side is not its file", x.title(), y.title())
		}
	}
	for _, address := range []string{"compare/srv_single--srv_single.html", "compare/srv_threaded--srv_single.html", "compare/a--b.html", "compare/srv_single.html"} {
		if b.pair(address) != nil {
			t.Errorf("%s has a page", address)
		}
	}
}

// epubcheck accepts the EPUB.
func TestEPUB(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "book.epub")
	if err := loaded(t).WriteEPUB(file); err != nil {
		t.Fatal(err)
	}
	const jar = "/usr/share/java/epubcheck.jar"
	if _, err := os.Stat(jar); err != nil {
		t.Skip("epubcheck is not installed")
	}
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip("java is not installed")
	}
	if out, err := exec.CommandContext(t.Context(), java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", jar, "--failonwarnings", file).CombinedOutput(); err != nil {
		t.Errorf("epubcheck: %v\n%s", err, out)
	}
}
