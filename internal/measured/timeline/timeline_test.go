package timeline

import (
	"fmt"
	"testing"
	"time"
)

func TestExtend(t *testing.T) {
	line := Extend(nil, 2, ' ')
	line = Extend(line, 4, '#')
	if got := string(Extend(line, 3, '.')); got != "  ##" {
		t.Errorf("got %q", got)
	}
}

func TestScale(t *testing.T) {
	text := func(column int) string { return fmt.Sprint(column, " ms") }
	for end, want := range map[int]string{
		0: "0", 5: "0", 6: "0     6 ms", 17: "0     6 ms  12 ms",
	} {
		if got := Scale(end, 6, text); got != want {
			t.Errorf("up to %d: %q, want %q", end, got, want)
		}
	}
	if got, want := Scale(4, 2, text), "0 2 ms 4 ms"; got != want {
		t.Errorf("where there is little room: %q, want %q", got, want)
	}
}

func TestMilliseconds(t *testing.T) {
	if got := Milliseconds(1_260*time.Microsecond, 100*time.Microsecond); got != 1.3 {
		t.Errorf("got %v", got)
	}
}
