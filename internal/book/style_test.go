package book

import (
	"fmt"
	"math"
	"testing"
)

// In both themes, text has a contrast of at least 4.5 to 1 with its background, and
// the lines of pictures 3 to 1.
func TestContrast(t *testing.T) {
	style, err := assets.ReadFile("assets/book.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string][2]string{}
	for _, m := range colourOf.FindAllStringSubmatch(string(style), -1) {
		colours[m[1]] = [2]string{m[2], m[3]}
	}
	check := func(least float64, text []string, grounds ...string) {
		for _, name := range text {
			for _, ground := range grounds {
				for i, theme := range []string{"light", "dark"} {
					a, b := colours["--"+name][i], colours["--"+ground][i]
					if a == "" || b == "" {
						t.Fatalf("the style sheet has no %s or no %s", name, ground)
					}
					if c := contrast(t, a, b); c < least {
						t.Errorf("%s: %s on %s has a contrast of %.2f", theme, name, ground, c)
					}
				}
			}
		}
	}
	code := []string{"ink", "keyword", "type", "function", "string", "number", "comment"}
	check(4.5, []string{"ink", "soft", "link"}, "paper", "panel", "tint")
	check(4.5, []string{"link"}, "new", "gone")
	check(4.5, code, "panel", "new", "gone", "tint")
	check(4.5, []string{"ink"}, "new-word", "gone-word", "box", "group", "note")
	check(3, []string{"edge", "arrow"}, "paper")
	check(3, []string{"plot-1", "plot-2", "plot-3", "plot-4", "plot-5", "plot-6"}, "paper")
}

// contrast returns the contrast of two colours as the WCAG define it.
func contrast(t *testing.T, a, b string) float64 {
	luminance := func(colour string) float64 {
		var rgb [3]int
		if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
			t.Fatalf("%s: %v", colour, err)
		}
		var l [3]float64
		for i, c := range rgb {
			l[i] = float64(c) / 255
			if l[i] <= 0.04045 {
				l[i] /= 12.92
			} else {
				l[i] = math.Pow((l[i]+0.055)/1.055, 2.4)
			}
		}
		return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
