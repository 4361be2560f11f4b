package literate

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// A page in testdata is a repository and what becomes of it: of README.md (or
// of another file of that name), what is in "woven" if it is to change at all,
// and the problems in "problems".
func TestPages(t *testing.T) {
	pages, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages:", err)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			switch {
			case strings.HasPrefix(name, "console"):
				needsBash(t)
			case name == "network":
				needsNetwork(t)
			}
			archive, err := txtar.ParseFile(page)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			var readme string
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
				if path.Base(f.Name) == "README.md" {
					readme = f.Name
				}
			}
			book := library(t, files)

			got, problems := book.Weave(readme, []byte(files[readme]))
			want, changes := files["woven"]
			if !changes {
				want = files[readme]
			}
			if d := differ(want, string(got)); d != "" {
				t.Errorf("the woven text (- as wanted, + as woven):\n%s", d)
			}
			if d := differ(files["problems"], list(problems)); d != "" {
				t.Errorf("the problems (- as wanted, + as reported):\n%s", d)
			}

			// What was stale is so no more, and nothing else has changed.
			again, problems2 := book.Weave(readme, got)
			if d := differ(string(got), string(again)); d != "" {
				t.Errorf("woven again:\n%s", d)
			}
			if len(problems2) != count(problems, func(p Problem) bool { return !p.Stale }) {
				t.Errorf("problems of the woven text: %s", list(problems2))
			}
		})
	}
}

// differ says line by line how got is not as wanted.
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
