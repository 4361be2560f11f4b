package weave

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"fopnp/internal/check/transcript/tiny"
	"fopnp/internal/netns"
)

func TestMain(m *testing.M) {
	Main()
	tiny.Main(nil)
	os.Exit(m.Run())
}

// An archive in testdata is a repository, and what Weave makes of its page, which
// is the file named README.md:
//
//	woven     the page as it should be, if that differs from what is written
//	problems  the problems, a line for each
//	document  the blocks as Read returns them, if that is tested
func TestPages(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no pages:", err)
	}
	for _, file := range archives {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book, readme, want := unpack(t, file)

			page := weave(t, book, readme)
			for _, p := range page.Problems {
				if p.Skip && name != "needs" {
					t.Skip(p)
				}
			}
			if slices.Contains([]string{"needs", "network", "terminal"}, name) && netns.Supported() != nil {
				t.Skip(netns.Supported())
			}
			if blocks, ok := want["document"]; ok {
				document, err := book.Read(readme)
				if err != nil {
					t.Fatal(err)
				}
				if d := differ(blocks, describe(document)); d != "" {
					t.Errorf("the document (- as wanted, + as read):\n%s", d)
				}
			}
			woven, changes := want["woven"]
			if !changes {
				woven = string(page.Source)
			}
			if d := differ(woven, string(page.Woven())); d != "" {
				t.Errorf("the woven text (- as wanted, + as woven):\n%s", d)
			}
			if d := differ(want["problems"], list(page.Problems)); d != "" {
				t.Errorf("the problems (- as wanted, + as reported):\n%s", d)
			}
			checkBlocks(t, page)

			// The woven text is up to date, and keeps the other problems.
			if err := os.WriteFile(filepath.Join(book.Root, readme), page.Woven(), 0o666); err != nil {
				t.Fatal(err)
			}
			again := weave(t, book, readme)
			if d := differ(string(page.Woven()), string(again.Woven())); d != "" {
				t.Errorf("woven again:\n%s", d)
			}
			isLeft := func(p Problem) bool { return !p.Stale }
			if len(again.Problems) != count(page.Problems, isLeft) {
				t.Errorf("problems of the woven text:\n%s", list(again.Problems))
			}
		})
	}
}

// unpack writes the repository of an archive into a new folder. It returns the
// repository, the path of its page, and the files that say what is wanted. The
// repository's only program is tiny.
func unpack(t *testing.T, file string) (book *Book, readme string, want map[string]string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	book = &Book{Root: t.TempDir(), Bin: t.TempDir(), Measured: measurements}
	book.Env = []string{"GORACE=atexit_sleep_ms=0"} // or each tiny ends a second late
	if err := tiny.Link(book.Bin); err != nil {
		t.Log(err) // where it fails, transcripts do not run either
	}
	want = map[string]string{}
	for _, f := range archive.Files {
		switch f.Name {
		case "woven", "problems", "document":
			want[f.Name] = string(f.Data)
			continue
		}
		if path.Base(f.Name) == "README.md" {
			readme = f.Name
		}
		to := filepath.Join(book.Root, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return book, readme, want
}

func measurements(words ...string) (string, error) {
	switch strings.Join(words, " ") {
	case "value":
		return "4.6 µs", nil
	case "table":
		return "| cost |\n|---:|\n| 4.6 µs |\n", nil
	case "timeline":
		return "1 ####\n", nil
	}
	return "", fmt.Errorf("never measured %q", words)
}

func weave(t *testing.T, book *Book, path string) *Page {
	t.Helper()
	document, err := book.Weave(path)
	if err != nil {
		t.Fatal(err)
	}
	return document.Pages[0]
}

// describe returns the blocks of a document, a line for each and one for each of
// its places, and then the bindings.
func describe(d *Document) string {
	var s strings.Builder
	for _, p := range d.Pages {
		for _, b := range p.Blocks {
			fmt.Fprintf(&s, "%s:%d: section %d: %q %s, %d lines of %q\n",
				p.Path, b.Line, b.Section, b.Kind, b.Form, strings.Count(b.Text, "\n"), b.Info)
			for _, place := range b.Places {
				fmt.Fprintf(&s, "\t%q in %q, %q:%d\n", place.Name, place.Folder, place.File, place.Line)
			}
			if b.Transcript != nil {
				for _, c := range b.Transcript.Commands {
					fmt.Fprintf(&s, "\t%d: %q prints %q\n", c.Line, c.Script, c.Output)
				}
			}
		}
	}
	var folders []string
	for folder, bindings := range d.Bindings() {
		line := folder + " is shown at"
		for _, b := range bindings {
			line += fmt.Sprintf(" %s:%d", b.Page.Path, b.Block.Line)
		}
		folders = append(folders, line)
	}
	slices.Sort(folders)
	return s.String() + strings.Join(folders, "\n") + "\n"
}

// checkBlocks checks what a renderer relies on: the fenced code blocks of the
// woven text are those of the document, and a transcript is the text of its block.
func checkBlocks(t *testing.T, p *Page) {
	t.Helper()
	woven := p.Woven()
	var inText, inDocument []string
	root := goldmark.New().Parser().Parse(text.NewReader(woven))
	ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if n, ok := n.(*ast.FencedCodeBlock); ok && entering {
			inside := ""
			for i := range n.Lines().Len() {
				line := n.Lines().At(i)
				inside += string(line.Value(woven))
			}
			inText = append(inText, inside)
		}
		return ast.WalkContinue, nil
	})
	for _, b := range p.Blocks {
		if b.Form == Fence {
			inDocument = append(inDocument, b.Text)
		}
		if b.Transcript != nil {
			all := ""
			for _, c := range b.Transcript.Commands {
				all += c.Typed + c.Output
			}
			if d := differ(b.Text, all); d != "" {
				t.Errorf("line %d: the transcript (- as text, + by its commands):\n%s", b.Line, d)
			}
		}
	}
	if d := cmp.Diff(inText, inDocument); d != "" {
		t.Errorf("the fenced blocks (- of the woven text, + of the document):\n%s", d)
	}
}

// Read runs no command, even where Weave would.
func TestReadRunsNothing(t *testing.T) {
	book, readme, _ := unpack(t, "testdata/console_problems.txtar")
	book.Bin = filepath.Join(book.Root, "nowhere")
	t.Setenv("TMPDIR", filepath.Join(book.Root, "nowhere")) // no home can be made
	document, err := book.Read(readme)
	if err != nil {
		t.Fatal(err)
	}
	if problems := document.Pages[0].Problems; len(problems) > 0 {
		t.Errorf("reading found problems that only running can find:\n%s", list(problems))
	}
}

// Two pages make one document.
func TestPagesTogether(t *testing.T) {
	book, readme, _ := unpack(t, "testdata/pages.txtar")
	if err := os.WriteFile(filepath.Join(book.Root, "other.md"), []byte("```go two main\n```\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	document, err := book.Weave(readme, "other.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range document.Bindings()["two"] {
		got = append(got, fmt.Sprintf("%s:%d", b.Page.Path, b.Block.Line))
	}
	if want := []string{"book/README.md:9", "book/README.md:24", "other.md:1"}; !slices.Equal(got, want) {
		t.Errorf("two is shown at %v, want %v", got, want)
	}
	if _, err := book.Weave("none.md"); err == nil || err.Error() != "none.md does not exist" {
		t.Errorf("the error for a page that does not exist is %v", err)
	}
}

// differ says line by line how got differs from want.
func differ(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}

func list(problems []Problem) string {
	var s strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&s, p)
	}
	return s.String()
}

func count(problems []Problem, is func(Problem) bool) (n int) {
	for _, p := range problems {
		if is(p) {
			n++
		}
	}
	return n
}
