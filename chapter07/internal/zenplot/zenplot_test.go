package zenplot

import (
	"testing"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/check/layout"
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
			layout.Check(t, name+", "+file, svg, texts[file])
		}
	}
}

// manyData returns the chapter's data, and the same with other numbers.
func manyData(t *testing.T) map[string]*zenbench.Data {
	stored, err := zenbench.Load("../../bench")
	if err != nil {
		t.Fatal(err)
	}
	with := func(measurements []zenbench.Measurement) *zenbench.Data {
		d := &zenbench.Data{Timelines: stored.Timelines}
		d.Measurements = measurements
		return d
	}
	all := map[string]*zenbench.Data{}
	for name, measurements := range layout.Variants(stored.Measurements) {
		all[name] = with(measurements)
	}
	var some []zenbench.Measurement
	for _, m := range stored.Measurements {
		if m.Workload != "steady" {
			some = append(some, m)
		}
	}
	all["without steady"] = with(some)
	return all
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
	l, err := layout.Parse(svg)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, text := range l.Texts {
		count[text]++
	}
	for text, want := range map[string]int{"7.0": 18, "7.0 (1 served)": 2, "7.0 (4 served)": 1, "not measured": 7} {
		if count[text] != want {
			t.Errorf("%d bars say %q, want %d", count[text], text, want)
		}
	}
}

// Every server has a style of its own.
func TestStyles(t *testing.T) {
	servers := map[any]string{}
	for _, server := range zenbench.Servers {
		style, ok := styles[server]
		if other := servers[style.Color]; !ok || other != "" {
			t.Errorf("%s has no style, or that of %s", server, other)
		}
		servers[style.Color] = server
	}
}
