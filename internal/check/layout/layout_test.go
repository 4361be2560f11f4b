package layout

import (
	"fmt"
	"strings"
	"testing"
)

// Faults finds a text that overlaps another, lies on a shape or is cut off.
func TestFaults(t *testing.T) {
	const style = `style="font-size:10px" textLength="50"`
	svg := func(inside string) []byte {
		return []byte(`<svg viewBox="0 0 200 100"><g transform="scale(1, -1) translate(0, -100)">` + inside + `</g></svg>`)
	}
	text := func(x, y int, s string) string {
		return fmt.Sprintf(`<text x="%d" y="%d" transform="scale(1, -1)" %s>%s</text>`, x, y-100, style, s)
	}
	const line, area = `style="fill:none;stroke:#000000"`, `style="fill:#000000"`
	for inside, want := range map[string]string{
		text(10, 20, "a") + text(10, 32, "b"):                                                  "",
		text(10, 20, "a") + text(55, 25, "b"):                                                  `"b" overlaps "a"`,
		text(10, 20, "a") + text(10, 26, "b"):                                                  `"b" overlaps "a"`,
		text(160, 20, "a"):                                                                     `"a" is cut off`,
		text(10, 4, "a"):                                                                       `"a" is cut off`,
		text(10, 50, "a") + `<path d="M0,40L100,60" ` + line + `/>`:                            `"a" lies on the shape that begins at {0 60}`,
		text(10, 50, "a") + `<path d="M0,40L200,90" ` + line + `/>`:                            `"a" lies on the shape that begins at {0 60}`,
		text(10, 50, "a") + `<path d="M0,70L200,70" ` + line + `/>`:                            "",
		text(10, 50, "a") + `<path d="M0,0L200,0L200,99L0,99Z" ` + area + `/>`:                 `"a" lies on the shape that begins at {0 100}`,
		text(10, 50, "a") + `<path d="M0,0L200,0L200,99L0,99Z" ` + line + `/>`:                 "",
		text(10, 50, "a") + `<path d="M65,50A3,3 0 1 1 59,50A3,3 0 1 1 65,50Z" ` + line + `/>`: `"a" lies on the shape that begins at {65 50}`,
		text(10, 50, "a") + `<path d="M69,50A3,3 0 1 1 63,50A3,3 0 1 1 69,50Z" ` + line + `/>`: "",
		text(10, 50, "a") + `<g transform="rotate(90)">` + text(10, 50, "b") + `</g>`:          `"b" is cut off`,
	} {
		l, err := Parse(svg(inside))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(l.Faults(), "; "); got != want {
			t.Errorf("%s: got %s, want %s", inside, got, want)
		}
	}
}
