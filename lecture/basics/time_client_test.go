package basics_test

import (
	"strings"
	"testing"

	"fopnp/internal/check/progtest"
)

// Time_client reads what a server sends in any pieces until the server hangs
// up, but not more than 1024 bytes. It prints that without its line end, and
// escapes what would control the terminal. Here the test is the server: it
// sends pieces, and each only when the client has read the one before it.
func TestTimeClient(t *testing.T) {
	const line = "Wed Jan 29 19:14:15 2014\r\n"
	const shown = "The time got from the server is Wed Jan 29 19:14:15 2014\n"
	for name, test := range map[string]progtest.Reply{
		"line":         {Pieces: []string{line}, Stdout: shown},
		"two pieces":   {Pieces: []string{line[:11], line[11:]}, Stdout: shown},
		"byte by byte": {Pieces: strings.Split(line, ""), Stdout: shown},
		"line feed":    {Pieces: []string{line[:24] + "\n"}, Stdout: shown},
		"no line end":  {Pieces: []string{line[:24]}, Stdout: shown},
		"two lines":    {Pieces: []string{line + "late\r\n\r\n"}, Stdout: shown[:len(shown)-1] + `\r\nlate\r\n` + "\n"},
		"hostile":      {Pieces: []string{"\x1b[2J\xff caf\u00e9 \u202e\r\n"}, Stdout: `The time got from the server is \x1b[2J\xff café \xe2\x80\xae` + "\n"},
		"nothing":      {Problem: "no time from ADDR: socket closed"},

		// What comes after 1024 bytes does not count, and the client does not
		// wait for it.
		"long":        {Pieces: []string{strings.Repeat("x", 3000)}, Stdout: "The time got from the server is " + strings.Repeat("x", 1024) + "\n"},
		"long, stays": {Pieces: []string{line[:24], strings.Repeat("x", 1000)}, Stays: true, Stdout: shown[:len(shown)-1] + strings.Repeat("x", 1000) + "\n"},

		// How can the client know that no more will come?
		"stays":  {Pieces: []string{line}, Stays: true, Problem: `no time from ADDR: received b'Wed Jan 29 19:14:15 2014\r\n' then timed out`},
		"silent": {Stays: true, Problem: "no time from ADDR: timed out"},
	} {
		t.Run(name, func(t *testing.T) { test.Test(t, "time_client") })
	}
}
