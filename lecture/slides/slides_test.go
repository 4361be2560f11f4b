//go:build unix || windows

package slides_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/script"
	"fopnp/internal/check/weave"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	weave.Main()
	os.Exit(progtest.Main(m))
}

func TestREADME(t *testing.T) {
	t.Parallel()
	weave.TestPage(t, "lecture/slides/README.md", nil)
}

func TestScripts(t *testing.T) { script.Run(t, "../../testdata/lecture/slides") }

func TestComplaints(t *testing.T) { conform.Complaints(t, "lecture/slides") }

func TestWholeLines(t *testing.T) { progtest.WholeLines(t, "lecture/slides") }

// The page names each Example of the calls, and no other.
func TestExamplesOnPage(t *testing.T) {
	names := func(form string, files ...string) (names []string) {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(form).FindAllStringSubmatch(string(text), -1) {
				names = append(names, match[1])
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	tests, _ := filepath.Glob("*_test.go")
	page := names(`\b(Example_\w+)`, "README.md")
	if diff := cmp.Diff(page, names(`(?m)^func (Example_\w+)\(`, tests...)); diff != "" || page == nil {
		t.Errorf("the examples (-on the page +in the tests):\n%s", diff)
	}
}
