package layout

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/measured"
)

// Check fails the test if a text of a picture is hidden or cut off, or if the
// picture has fewer than a number of texts.
func Check(t *testing.T, name string, svg []byte, texts int) {
	t.Helper()
	l, err := Parse(svg)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, fault := range l.Faults() {
		t.Errorf("%s: %s", name, fault)
	}
	if len(l.labels) < texts || len(l.shapes) < 10 {
		t.Errorf("%s: only %d texts and %d shapes", name, len(l.labels), len(l.shapes))
	}
}

// Variants returns measurements as they are, and the same with other values,
// because the layout of a picture must be good whatever a benchmark measures.
func Variants(stored []measured.Measurement) map[string][]measured.Measurement {
	all := map[string][]measured.Measurement{
		"as measured":   stored,
		"servers alike": changed(stored, func(float64) float64 { return 20 }),
	}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		all[fmt.Sprintf("changed by chance, %d", seed)] = changed(stored, func(v float64) float64 {
			return v * math.Exp(random.NormFloat64())
		})
	}
	return all
}

// changed returns measurements with other values.
func changed(stored []measured.Measurement, change func(float64) float64) (all []measured.Measurement) {
	for _, m := range stored {
		figures := map[string]measured.Figure{}
		for unit, f := range m.Figures {
			if unit != measured.ClientsServed {
				v := change(f.Median)
				f = measured.Figure{Min: v, Median: v, Max: v}
			}
			figures[unit] = f
		}
		m.Figures = figures
		all = append(all, m)
	}
	return all
}

// TestPictures checks that each picture in a folder shows the data, and with
// -update draws those that do not.
func TestPictures[Data any](t *testing.T, folder string, data Data, pictures map[string]func(Data) ([]byte, error)) {
	for name, draw := range pictures {
		svg, err := draw(data)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, svg) {
			continue
		}
		if !*progtest.Update {
			t.Errorf("%s is not what the data show", path)
		} else if err := os.WriteFile(path, svg, 0o644); err != nil {
			t.Error(err)
		}
	}
}
