package lecture23_test

import (
	"strings"
	"testing"

	"fopnp/internal/check/progtest"
)

const nist = "\n60966 25-10-18 06:49:19 16 0 0   0.0 UTC(NIST) * \n"

const shown = "Date (YY-MM-DD) is 25-10-18, time is 06:49:19 (UTC)\n"

// Gettime reads the line of a server in any pieces until the server hangs up,
// but not more than 1024 bytes. Here the test is the server: it sends pieces,
// and each only when the client has read the one before it.
func TestGettime(t *testing.T) {
	letters := strings.Split(nist, "")
	for name, test := range map[string]progtest.Reply{
		"line":           {Pieces: []string{nist}, Stdout: shown},
		"two pieces":     {Pieces: []string{nist[:11], nist[11:]}, Stdout: shown},
		"byte by byte":   {Pieces: letters, Stdout: shown},
		"no health":      {Pieces: []string{"1 25-10-18 06:49:19"}, Stdout: shown},
		"leap second":    {Pieces: []string{"57753 16-12-31 23:59:60 00 1 0"}, Stdout: "Date (YY-MM-DD) is 16-12-31, time is 23:59:60 (UTC)\n"},
		"health":         {Pieces: []string{"60966 25-10-18 06:49:19 16 0 1   0.0"}, Stdout: shown, Problem: "time from ADDR may be wrong: health 1"},
		"worse health":   {Pieces: []string{"60966 25-10-18 06:49:19 16 0 2   0.0"}, Stdout: shown, Problem: "time from ADDR may be wrong: health 2"},
		"no leap second": {Pieces: []string{"1 16-12-31 22:59:60"}, Problem: "no time from ADDR: received b'1 16-12-31 22:59:60'"},
		"no date":        {Pieces: []string{"1 25-02-29 06:49:19"}, Problem: "no time from ADDR: received b'1 25-02-29 06:49:19'"},
		"no time":        {Pieces: []string{"1 25-10-18 24:00:00"}, Problem: "no time from ADDR: received b'1 25-10-18 24:00:00'"},
		"half a line":    {Pieces: []string{nist[:11]}, Problem: `no time from ADDR: received b'\n60966 25-1'`},
		"hostile": {Pieces: []string{"1 25-10-18 \x1b[2J\xff'\r\nNo\u0085\u202e"},
			Problem: `no time from ADDR: received b"1 25-10-18 \x1b[2J\xff'\r\nNo\xc2\x85\xe2\x80\xae"`},
		"hostile beside the time": {Pieces: []string{"\x1b[2J 25-10-18 06:49:19 \x1b[2J\n\xff"}, Stdout: shown},
		"blanks":                  {Pieces: []string{" \n "}, Problem: `no time from ADDR: received b' \n '`},
		"nothing":                 {Problem: "no time from ADDR: socket closed"},

		// What comes after 1024 bytes does not count, and the client does not
		// wait for it.
		"long":        {Pieces: []string{nist + strings.Repeat("x", 2000)}, Stdout: shown},
		"long, stays": {Pieces: []string{nist, strings.Repeat("x", 1024-len(nist))}, Stays: true, Stdout: shown},
		"too late": {Pieces: []string{strings.Repeat(" ", 1024), "1 25-10-18 06:49:19"},
			Problem: "no time from ADDR: received b'" + strings.Repeat(" ", 1024) + "'"},
		"cut": {Pieces: []string{strings.Repeat("x", 1009) + nist[6:]},
			Problem: "no time from ADDR: received b'" + strings.Repeat("x", 1009) + " 25-10-18 06:49'"},

		// How can the client know that no more will come?
		"stays":        {Pieces: []string{nist}, Stays: true, Problem: `no time from ADDR: received b'\n60966 25-10-18 06:49:19 16 0 0   0.0 UTC(NIST) * \n' then timed out`},
		"silent":       {Stays: true, Problem: "no time from ADDR: timed out"},
		"half, silent": {Pieces: []string{nist[:1]}, Stays: true, Problem: `no time from ADDR: received b'\n' then timed out`},
	} {
		t.Run(name, func(t *testing.T) { test.Test(t, "gettime") })
	}
}
