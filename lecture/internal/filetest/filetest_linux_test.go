package filetest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

// If this environment variable is set, the test binary is the wrong server. The
// value is its defect.
const isServer = "FILETEST_DEFECT"

func TestMain(m *testing.M) {
	if defect, is := os.LookupEnv(isServer); is {
		serveWrong(defect, os.Args[1:])
		os.Exit(0)
	}
	progtest.Parallel()
	os.Exit(m.Run())
}

// wrongServer returns the row of a server with a defect, or with none.
func (f *folder) wrongServer(defect string) conform.Server {
	s := f.server("wrong", "")
	s.Command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], append(args, "-root", f.dir)...)
		cmd.Env = append(os.Environ(), isServer+"="+defect)
		return cmd
	}
	return s
}

// Without a defect every check passes.
func TestCorrect(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	conform.Run(t, f.wrongServer(""), f.checks())
}

// defects names, for each check, the defects that break its rule. If there are
// several, each alone breaks it.
var defects = map[string]string{
	"offsets":                        "length of the rest, ignores the offset",
	"offsets/wrong":                  "beyond is the end, signs, no number is 0, huge is 0",
	"names":                          "first word, trims, one folder",
	"names/wrong":                    "C strings, repairs UTF-8, trims, reason quotes",
	"names/outside":                  "joins names, cleans names",
	"names/no request":               "lazy about requests, no reason",
	"names/longest":                  "refuses long requests, one byte too many",
	"links/inside":                   "follows no links",
	"links/outside":                  "joins local names",
	"request a byte at a time":       "a segment is a request",
	"not plain":                      "waits for a writer, anything is plain",
	"changes/between":                "knows files by name, knows files by size, knows files by time",
	"changes/while hashed":           "looks once",
	"sent/file vanishes":             "opens it for each piece",
	"sent/file shrinks":              "fills up, faults are silent",
	"sent/file grows":                "sends what is there",
	"sent/client crashes":            "exits when a client is gone, faults are silent",
	"sent/client never reads":        "sends for ever, always done, never done",
	"many at once":                   "shares the file",
	"idle crowd":                     "fat clients, one at a time",
	"a large file":                   "much memory",
	"stop/while sending":             "stops at once",
	"stop/while sending/never reads": "stops late, faults are silent",
	"files are closed":               "leaves files open",
	"stop/while hashing":             "hashes to the end",
	"hash/once":                      "never remembers",
	"hash/again":                     "knows files by inode",
}

// Every check fails a server that breaks its rule.
func TestWrong(t *testing.T) {
	for _, check := range new(folder).checks() {
		if defects[check.Name] == "" {
			t.Errorf("%s: no defect is known that this check finds", check.Name)
		}
		for _, defect := range strings.Split(defects[check.Name], ", ") {
			t.Run(check.Name+"/"+defect, func(t *testing.T) {
				if progtest.Race && (defect == "much memory" || defect == "fat clients") {
					t.Skip("the race detector needs so much memory itself")
				}
				t.Parallel()
				f := newFolder(t)
				s := f.wrongServer(defect)
				if s.Patience = 2 * time.Second; check.Name == "a large file" {
					s.Patience = progtest.Patience
				}
				err := conform.Named(f.checks(), check.Name)[0].Run(s) // not check, which has no folder
				if errors.Is(err, conform.ErrSkipped) {
					t.Skip(err)
				}
				if err == nil {
					t.Errorf("the defect %q was not found", defect)
				}
				t.Log(err)
			})
		}
	}
}
