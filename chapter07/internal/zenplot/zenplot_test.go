package zenplot

import (
	"image/color"
	"math"
	"slices"
	"testing"

	"fopnp/chapter07/internal/zenbench"
)

// Whatever is drawn stands out from a white page and from a dark one, by the
// contrast that the Web Content Accessibility Guidelines ask of pictures, and
// words by nearly that which they ask of text: no colour has more on both.
func TestContrast(t *testing.T) {
	white, dark := color.RGBA{0xff, 0xff, 0xff, 0xff}, color.RGBA{0x0d, 0x11, 0x17, 0xff}
	for _, ground := range []color.RGBA{white, dark} {
		if c := contrast(ink, ground); c < 4 {
			t.Errorf("ink on %v has a contrast of %.1f", ground, c)
		}
		for server, style := range styles {
			if c := contrast(style.color, ground); c < 3 {
				t.Errorf("%s on %v has a contrast of %.1f", server, ground, c)
			}
		}
	}
}

// contrast is what the guidelines call so.
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

// No two servers look the same, in colour or without.
func TestStyles(t *testing.T) {
	var colors, glyphs []any
	for _, server := range zenbench.Servers {
		style, ok := styles[server]
		if !ok || slices.Contains(colors, any(style.color)) || slices.Contains(glyphs, any(style.glyph)) {
			t.Errorf("%s has no style of its own: %v", server, style)
		}
		colors, glyphs = append(colors, style.color), append(glyphs, style.glyph)
	}
}
