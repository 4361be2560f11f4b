package zenplot

import (
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"

	"fopnp/chapter07/internal/zenbench"
)

// No text of a picture overlaps another text, lies on a curve, a bar or an axis, or
// is cut off. This must hold whatever the benchmark measures.
func TestLayout(t *testing.T) {
	texts := map[string]int{"throughput.svg": 20, "latency.svg": 28, "cpu.svg": 62, "memory.svg": 12, "timeline.svg": 57} // at least
	for name, data := range manyData(t) {
		for file, draw := range Pictures {
			svg, err := draw(data)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, file, err)
			}
			l, err := parseLayout(svg)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, file, err)
			}
			for _, fault := range l.faults() {
				t.Errorf("%s, %s: %s", name, file, fault)
			}
			if len(l.labels) < texts[file] || len(l.shapes) < 10 {
				t.Errorf("%s, %s: only %d texts and %d shapes", name, file, len(l.labels), len(l.shapes))
			}
		}
	}
}

// manyData returns the chapter's data, and the same with other numbers.
func manyData(t *testing.T) map[string]*zenbench.Data {
	stored, err := zenbench.Load("../../bench")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*zenbench.Data{
		"as measured":    stored,
		"servers alike":  changed(stored, func(float64) float64 { return 20 }),
		"without steady": {Timelines: stored.Timelines},
	}
	for _, m := range stored.Measurements {
		if m.Workload != "steady" {
			all["without steady"].Measurements = append(all["without steady"].Measurements, m)
		}
	}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		all[fmt.Sprintf("changed by chance, %d", seed)] = changed(stored, func(v float64) float64 {
			return v * math.Exp(random.NormFloat64())
		})
	}
	return all
}

// changed returns data with other values.
func changed(data *zenbench.Data, change func(float64) float64) *zenbench.Data {
	c := &zenbench.Data{Timelines: data.Timelines}
	for _, m := range data.Measurements {
		figures := map[string]zenbench.Figure{}
		for unit, f := range m.Figures {
			if unit != zenbench.ClientsServed {
				v := change(f.Median)
				f = zenbench.Figure{Min: v, Median: v, Max: v}
			}
			figures[unit] = f
		}
		m.Figures = figures
		c.Measurements = append(c.Measurements, m)
	}
	return c
}

// TestLayout would find a text that overlaps another, lies on a shape or is cut off.
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
		l, err := parseLayout(svg(inside))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(l.faults(), "; "); got != want {
			t.Errorf("%s: got %s, want %s", inside, got, want)
		}
	}
}

// The bars say how many clients a server served, if it did not serve all.
func TestPartServed(t *testing.T) {
	data := &zenbench.Data{}
	for _, clients := range []int{1, 4, 100} {
		for _, server := range zenbench.Servers {
			served := clients
			if most := zenbench.AtOnce(server); most > 0 {
				served = min(served, most)
			}
			value := func(v float64) zenbench.Figure { return zenbench.Figure{Min: v, Median: v, Max: v} }
			data.Measurements = append(data.Measurements, zenbench.Measurement{
				Workload: "steady", Clients: clients, Server: server, Figures: map[string]zenbench.Figure{
					zenbench.CPU: value(7), zenbench.ClientsServed: value(float64(served)),
				}})
		}
	}
	svg, err := cpu(data)
	if err != nil {
		t.Fatal(err)
	}
	l, err := parseLayout(svg)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, label := range l.labels {
		count[label.text]++
	}
	for text, want := range map[string]int{"7.0": 18, "7.0 (1 served)": 2, "7.0 (4 served)": 1, "not measured": 7} {
		if count[text] != want {
			t.Errorf("%d bars say %q, want %d", count[text], text, want)
		}
	}
}

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

// Every colour stands out from a white page and from a dark one. Shapes have the
// contrast that the Web Content Accessibility Guidelines ask for, 3. For texts they
// ask for 4.5, but no colour has more than about 4.3 on both pages.
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

// Every server has a colour and a marker of its own.
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
