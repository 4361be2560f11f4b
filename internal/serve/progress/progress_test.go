package progress

import (
	"strings"
	"testing"
)

// The last count is on the screen when End returns, and nothing comes after it.
func TestEnd(t *testing.T) {
	for _, test := range []struct {
		pieces []int
		want   string
	}{
		{nil, "\n"},
		{[]int{16}, "\r  16 bytes sent \n"},
		{[]int{16, 16, 16}, "\r  48 bytes sent \n"},
	} {
		var c Counter
		var screen strings.Builder
		c.showOn(&screen, "bytes sent")
		for _, n := range test.pieces {
			c.Add(n)
		}
		c.End()
		if got := screen.String(); !strings.HasSuffix(got, test.want) {
			t.Errorf("%v: the screen shows %q, want %q", test.pieces, got, test.want)
		}
	}
}

// While nothing moves, the counter shows the exact count, once.
func TestShowWhileItStands(t *testing.T) {
	var c Counter
	lines := make(chan string)
	c.showOn(lineWriter(lines), "bytes sent")
	c.Add(7)
	if got := <-lines; got != "\r  7 bytes sent " {
		t.Errorf("shows %q", got)
	}
	go c.End()
	if got := <-lines; got != "\n" {
		t.Errorf("then shows %q", got)
	}
}

type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}
