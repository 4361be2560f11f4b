package lecture23_test

import (
	"runtime"
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
	for name, test := range map[string]struct {
		pieces  []string
		stays   bool // the server does not hang up
		stdout  string
		problem string
	}{
		"line":           {pieces: []string{nist}, stdout: shown},
		"two pieces":     {pieces: []string{nist[:11], nist[11:]}, stdout: shown},
		"byte by byte":   {pieces: letters, stdout: shown},
		"no health":      {pieces: []string{"1 25-10-18 06:49:19"}, stdout: shown},
		"leap second":    {pieces: []string{"57753 16-12-31 23:59:60 00 1 0"}, stdout: "Date (YY-MM-DD) is 16-12-31, time is 23:59:60 (UTC)\n"},
		"health":         {pieces: []string{"60966 25-10-18 06:49:19 16 0 1   0.0"}, stdout: shown, problem: "time from ADDR may be wrong: health 1"},
		"worse health":   {pieces: []string{"60966 25-10-18 06:49:19 16 0 2   0.0"}, stdout: shown, problem: "time from ADDR may be wrong: health 2"},
		"no leap second": {pieces: []string{"1 16-12-31 22:59:60"}, problem: "no time from ADDR: received b'1 16-12-31 22:59:60'"},
		"no date":        {pieces: []string{"1 25-02-29 06:49:19"}, problem: "no time from ADDR: received b'1 25-02-29 06:49:19'"},
		"no time":        {pieces: []string{"1 25-10-18 24:00:00"}, problem: "no time from ADDR: received b'1 25-10-18 24:00:00'"},
		"half a line":    {pieces: []string{nist[:11]}, problem: `no time from ADDR: received b'\n60966 25-1'`},
		"hostile": {pieces: []string{"1 25-10-18 \x1b[2J\xff'\r\nNo\u0085\u202e"},
			problem: `no time from ADDR: received b"1 25-10-18 \x1b[2J\xff'\r\nNo\xc2\x85\xe2\x80\xae"`},
		"hostile beside the time": {pieces: []string{"\x1b[2J 25-10-18 06:49:19 \x1b[2J\n\xff"}, stdout: shown},
		"blanks":                  {pieces: []string{" \n "}, problem: `no time from ADDR: received b' \n '`},
		"nothing":                 {problem: "no time from ADDR: socket closed"},

		// What comes after 1024 bytes does not count, and the client does not
		// wait for it.
		"long":        {pieces: []string{nist + strings.Repeat("x", 2000)}, stdout: shown},
		"long, stays": {pieces: []string{nist, strings.Repeat("x", 1024-len(nist))}, stays: true, stdout: shown},
		"too late": {pieces: []string{strings.Repeat(" ", 1024), "1 25-10-18 06:49:19"},
			problem: "no time from ADDR: received b'" + strings.Repeat(" ", 1024) + "'"},
		"cut": {pieces: []string{strings.Repeat("x", 1009) + nist[6:]},
			problem: "no time from ADDR: received b'" + strings.Repeat("x", 1009) + " 25-10-18 06:49'"},

		// How can the client know that no more will come?
		"stays":        {pieces: []string{nist}, stays: true, problem: `no time from ADDR: received b'\n60966 25-10-18 06:49:19 16 0 0   0.0 UTC(NIST) * \n' then timed out`},
		"silent":       {stays: true, problem: "no time from ADDR: timed out"},
		"half, silent": {pieces: []string{nist[:1]}, stays: true, problem: `no time from ADDR: received b'\n' then timed out`},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS != "linux" && len(test.pieces) > 1 {
				t.Skip("only Linux shows what a client has read")
			}
			t.Parallel()
			patience := "0"
			if strings.HasSuffix(test.problem, "timed out") {
				patience = "2" // enough for what is sent to arrive
			}
			client, port := progtest.PerformWith(t, progtest.SendPieces(test.pieces, test.stays), "gettime", "-t", patience)
			problem := ""
			if test.problem != "" {
				problem = "gettime: " + strings.ReplaceAll(test.problem, "ADDR", "('127.0.0.1', "+port+")") + "\n"
			}
			client.Prints(t, test.stdout, problem)
			if status := client.Cmd.ProcessState.ExitCode(); (status == 0) != (test.stdout != "") {
				t.Errorf("its status is %d", status)
			}
		})
	}
}
