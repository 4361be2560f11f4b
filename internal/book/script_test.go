package book

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The contents at the top of the script name its sections, in their order.
func TestScriptContents(t *testing.T) {
	script, err := assets.ReadFile("assets/book.js")
	if err != nil {
		t.Fatal(err)
	}
	names := func(pattern string) (all []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(script), -1) {
			all = append(all, m[1])
		}
		return all
	}
	contents, sections := names(`(?m)^//\t(\w+) `), names(`(?m)^// --- (.+) ---$`)
	if len(sections) == 0 || !cmp.Equal(contents, sections) {
		t.Errorf("the contents are %s, and the sections are %s", strings.Join(contents, ", "), strings.Join(sections, ", "))
	}
}
