package basics_test

import (
	"runtime"
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
	for name, test := range map[string]struct {
		pieces  []string
		stays   bool // the server does not hang up
		stdout  string
		problem string
	}{
		"line":         {pieces: []string{line}, stdout: shown},
		"two pieces":   {pieces: []string{line[:11], line[11:]}, stdout: shown},
		"byte by byte": {pieces: strings.Split(line, ""), stdout: shown},
		"line feed":    {pieces: []string{line[:24] + "\n"}, stdout: shown},
		"no line end":  {pieces: []string{line[:24]}, stdout: shown},
		"two lines":    {pieces: []string{line + "late\r\n\r\n"}, stdout: shown[:len(shown)-1] + `\r\nlate\r\n` + "\n"},
		"hostile":      {pieces: []string{"\x1b[2J\xff caf\u00e9 \u202e\r\n"}, stdout: `The time got from the server is \x1b[2J\xff café \xe2\x80\xae` + "\n"},
		"nothing":      {problem: "no time from ADDR: socket closed"},

		// What comes after 1024 bytes does not count, and the client does not
		// wait for it.
		"long":        {pieces: []string{strings.Repeat("x", 3000)}, stdout: "The time got from the server is " + strings.Repeat("x", 1024) + "\n"},
		"long, stays": {pieces: []string{line[:24], strings.Repeat("x", 1000)}, stays: true, stdout: shown[:len(shown)-1] + strings.Repeat("x", 1000) + "\n"},

		// How can the client know that no more will come?
		"stays":  {pieces: []string{line}, stays: true, problem: `no time from ADDR: received b'Wed Jan 29 19:14:15 2014\r\n' then timed out`},
		"silent": {stays: true, problem: "no time from ADDR: timed out"},
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
			client, port := progtest.PerformWith(t, progtest.SendPieces(test.pieces, test.stays), "time_client", "-t", patience)
			problem := ""
			if test.problem != "" {
				problem = "time_client: " + strings.ReplaceAll(test.problem, "ADDR", "('127.0.0.1', "+port+")") + "\n"
			}
			client.Prints(t, test.stdout, problem)
			if status := client.Cmd.ProcessState.ExitCode(); (status == 0) != (test.stdout != "") {
				t.Errorf("its status is %d", status)
			}
		})
	}
}
