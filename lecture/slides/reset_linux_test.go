package slides_test

import (
	"testing"

	"fopnp/internal/check/conform"
)

// A client sends three lines and a half, and crashes. An upper-case server that
// reads them only then cannot send the first answer. Its line names all that it
// has read and will not answer.
func TestLinesAfterReset(t *testing.T) {
	t.Parallel()
	check := conform.Shared("reset/lines", func(t *conform.Trial) {
		c := t.Connect()
		c.Exchange()
		c.ResetUnread("one\ntwo\nthree\nhalf")
		c.ExpectEnding(c.Error, "WHY", `received b'two\nthree\nhalf' then `+
			`connection reset by peer before we sent b'ONE\n'`)
	})
	for _, server := range servers {
		if server.Goodbye == "" {
			continue // it answers one line, or none
		}
		server.Others = append(server.Others, "one")
		t.Run(server.Name, func(t *testing.T) {
			t.Parallel()
			conform.Run(t, server, []conform.Check{check})
		})
	}
}
