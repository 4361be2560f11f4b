package picture

import (
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct{ heights, want []vg.Length }{
		{[]vg.Length{10, 50, 90}, []vg.Length{10, 50, 90}},
		{[]vg.Length{50, 50}, []vg.Length{45, 55}},
		{[]vg.Length{40, 48, 50}, []vg.Length{36, 46, 56}},
		{[]vg.Length{20, 41, 41, 44}, []vg.Length{20, 32, 42, 52}},
		{[]vg.Length{0, 0, 100, 100}, []vg.Length{5, 15, 85, 95}},
	} {
		got := slices.Clone(c.heights)
		spread(got, 10, 5, 95)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.heights, diff)
		}
	}
}

var all = map[string]Style{
	"Gray": Gray, "Vermilion": Vermilion, "Blue": Blue, "Green": Green, "Purple": Purple, "Ochre": Ochre, "Sky": Sky,
}

// Every colour stands out from a white page and from a dark one. Shapes have the
// contrast that the Web Content Accessibility Guidelines ask for, 3. For texts they
// ask for 4.5, but no colour has more than about 4.3 on both pages.
func TestContrast(t *testing.T) {
	white, dark := color.RGBA{0xff, 0xff, 0xff, 0xff}, color.RGBA{0x0d, 0x11, 0x17, 0xff}
	for _, ground := range []color.RGBA{white, dark} {
		if c := contrast(Ink, ground); c < 4 {
			t.Errorf("Ink on %v has a contrast of %.1f", ground, c)
		}
		for name, style := range all {
			if c := contrast(style.Color, ground); c < 3 {
				t.Errorf("%s on %v has a contrast of %.1f", name, ground, c)
			}
		}
	}
}

// contrast returns the guidelines' contrast ratio of two colours.
func contrast(a, b color.RGBA) float64 {
	luminance := func(c color.RGBA) float64 {
		linear := func(v uint8) float64 {
			if s := float64(v) / 255; s > 0.04045 {
				return math.Pow((s+0.055)/1.055, 2.4)
			} else {
				return s / 12.92
			}
		}
		return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
	}
	high, low := luminance(a), luminance(b)
	if high < low {
		high, low = low, high
	}
	return (high + 0.05) / (low + 0.05)
}

// Every style has a colour and a marker of its own.
func TestStyles(t *testing.T) {
	var colors, glyphs []any
	for name, style := range all {
		if slices.Contains(colors, any(style.Color)) || slices.Contains(glyphs, any(style.Glyph)) {
			t.Errorf("%s does not differ from all others: %v", name, style)
		}
		colors, glyphs = append(colors, style.Color), append(glyphs, style.Glyph)
	}
}
