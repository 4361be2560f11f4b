package bench

import (
	"flag"
	"testing"
)

func TestSelected(t *testing.T) {
	bench := flag.Lookup("test.bench")
	before := bench.Value.String()
	defer bench.Value.Set(before)
	for _, test := range []struct {
		pattern string
		want    bool
	}{
		{".", true},
		{"Talk", true},
		{"Talk/loud", true},
		{"Talk/loud/clients=1$/quick", true},
		{"Talk/././quick/more", true},
		{"Files", false},
		{"Talk/quiet", false},
		{"Talk/loud/clients=2", false},
		{"Talk/././slow", false},
	} {
		bench.Value.Set(test.pattern)
		if got := Selected("BenchmarkTalk/loud/clients=1/server=quick"); got != test.want {
			t.Errorf("-bench %s: got %v", test.pattern, got)
		}
	}
	bench.Value.Set("Talk/loud/clients=2/quick")
	if !Selected("BenchmarkTalk/loud//server=quick") {
		t.Error("a pattern does not select the empty part of a name")
	}
}
