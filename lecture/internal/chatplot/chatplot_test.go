package chatplot

import (
	"testing"

	"fopnp/internal/check/layout"
	"fopnp/lecture/internal/chatbench"
)

// No text of a picture overlaps another text, lies on a curve or an axis, or is
// cut off. This must hold whatever the benchmark measures.
func TestLayout(t *testing.T) {
	stored, err := chatbench.Load("../../bench")
	if err != nil {
		t.Fatal(err)
	}
	for name, measurements := range layout.Variants(stored.Measurements) {
		data := &chatbench.Data{}
		data.Measurements = measurements
		for file, draw := range Pictures {
			svg, err := draw(data)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, file, err)
			}
			layout.Check(t, name+", "+file, svg, 20)
		}
	}
}

// Every server has a style of its own.
func TestStyles(t *testing.T) {
	servers := map[any]string{}
	for _, server := range chatbench.Servers {
		style, ok := styles[server]
		if other := servers[style.Color]; !ok || other != "" {
			t.Errorf("%s has no style, or that of %s", server, other)
		}
		servers[style.Color] = server
	}
}
