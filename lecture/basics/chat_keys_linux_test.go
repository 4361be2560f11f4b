package basics_test

import (
	"testing"

	"fopnp/internal/check/progtest"
)

// Whatever is typed or pasted arrives at once, and not with the next key. What
// the editor cannot show arrives as it was typed, as it does through a pipe. But
// a tab arrives as a space.
func TestOddKeys(t *testing.T) {
	t.Parallel()
	me, server := atTerminal(t, 80)
	me.Shows(connected + "[Me]")
	for _, line := range []struct{ keys, said string }{
		{"caf\u00e9 \u4e16\u754c \U0001f600", "caf\u00e9 \u4e16\u754c \U0001f600"},
		{"Gr\xfc\xdfe", "Gr\xfc\xdfe"}, // the terminal is not set to UTF-8
		{"\xff", "\xff"},
		{"one\x00two", "one\x00two"},
		{"\ufffd", "\ufffd"},
		{"a\tb", "a b"},
		{"\x1b[200~pasted", "pasted"},
	} {
		me.Type(line.keys + "\r")
		progtest.Hears(t, server, line.said+"\n")
	}
	me.Type("\x1b[201~half of \xe4\xb8")
	me.Contains("half of")
	me.Type("\x96\r")
	progtest.Hears(t, server, "half of \u4e16\n")
	me.Type("\xe4") // half a character, and no more
	me.Type("\r")
	progtest.Hears(t, server, "\xe4\n")
	me.Type("the last\r\x04")
	progtest.Hears(t, server, "the last\n")
	me.Exits(0)
}
