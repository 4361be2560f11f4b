//go:build unix

package webtest

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

// If this environment variable is set, the test binary is the wrong server. The
// value is its defect.
const isServer = "WEBTEST_DEFECT"

func TestMain(m *testing.M) {
	if defect, is := os.LookupEnv(isServer); is {
		os.Exit(serveWrong(defect, os.Args[1:]))
	}
	progtest.Parallel()
	os.Exit(m.Run())
}

// server returns the row of a server with a defect, or with none.
func server(defect string, site *Site) conform.Server {
	s := Server("wrong", site)
	s.Command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], append([]string{"-root", site.root}, args...)...)
		cmd.Env = append(os.Environ(), isServer+"="+defect)
		return cmd
	}
	return s
}

func newSite(t *testing.T) *Site {
	t.Helper()
	site, err := NewSite(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// Without a defect every check passes.
func TestCorrect(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	conform.Run(t, server("", site), Checks(site))
}

// defects names, for each check, the defects that break its rule. If there are
// several, each alone breaks it. The checks of package conform are here if they
// do something else for a server with one request per connection. Package
// zentest has all of them.
var defects = map[string]string{
	"nothing":                               "silence is a fault",
	"wrong call/two hosts":                  "wrong call has status 1",
	"wrong call/folder is missing":          "wrong call has status 1",
	"half-close":                            "half-close loses",
	"GET":                                   "bare line feeds, HTTP/1.1",
	"HEAD":                                  "HEAD gets the file",
	"HEAD/not there":                        "HEAD gets the reason",
	"HTTP/1.1":                              "Host in one spelling",
	"header":                                "CR is needed",
	"length in bytes":                       "length in characters",
	"every byte":                            "text only",
	"types":                                 "types in small letters only, text is the default",
	"index":                                 "no index",
	"empty file":                            "empty file is missing, never says sent",
	"range":                                 "knows ranges",
	"request a byte at a time":              "segments are requests",
	"request in two segments":               "segments are requests",
	"several requests":                      "answers all",
	"lines":                                 "says sent too early, says sent for HEAD, keeps the slash, never says sent",
	"lines/escaped":                         "names are not escaped",
	"not there":                             "absent is empty",
	"query":                                 "query is part of the name",
	"decoded":                               "never decodes, plus is a space, decodes twice",
	"no listing":                            "lists folders",
	"dots in names":                         "no dots at all",
	"dot/file":                              "dot files are files",
	"dot/folder":                            "dot files are files",
	"dot/itself":                            "dot files are files",
	"dot/nothing":                           "dots are forbidden",
	"escape/dots":                           "dots lead up",
	"escape/absolute":                       "absolute names",
	"escape/encoded dots":                   "dots before decoding",
	"escape/encoded slash":                  "dots before decoding",
	"escape/encoded absolute":               "absolute names",
	"escape/encoded twice":                  "decodes twice",
	"escape/backslash":                      "backslash is a slash",
	"escape/drive":                          "drives are folders",
	"escape/URL":                            "dots lead up",
	"405":                                   "other methods get files, 405 without Allow, methods in any case",
	"405/body":                              "closes with input unread",
	"431/longest header":                    "most is 16383",
	"431/one byte more":                     "most is 16385",
	"431/request line":                      "no most",
	"431/1 MiB":                             "closes with input unread, no most",
	"400/empty line":                        "any request line",
	"400/no request line":                   "any request line",
	"400/HTTP/0.9":                          "waits for the header, waits for HTTP/0.9",
	"400/version":                           "any version",
	"400/percent-encoding":                  "bad percent-encoding stays",
	"400/zero byte":                         "zero byte passes",
	"400/no Host":                           "Host is optional",
	"half a request/in the request line":    "half gets no answer",
	"half a request/after the request line": "half gets no answer, half is a whole",
	"half a request/in the header":          "half gets no answer, half is a whole",
	"half a request/before the empty line":  "half gets no answer, half is a whole",
	"half a request/long":                   "half not named",
	"half a request/silence":                "half not named",
	"half a request/reset":                  "half not named",
	"half a request/stop":                   "half not named",
	"vanishes":                              "opens it again",
	"shrinks":                               "says sent too early, shrinking is no fault, zeros for what is gone",
	"grows":                                 "sends what is there",
	"client leaves":                         "reset is an end, says sent too early",
	"a large file":                          "whole file in memory",
	"takes nothing":                         "sends for ever",
	"takes a bit at a time":                 "one time for all",
	"2000 idle clients":                     "a thousand places",
	"stop/lets a file arrive":               "stops at once",
	"stop/takes nothing":                    "stops late",
	"links":                                 "follows links",
	"links/inside":                          "no links",
	"not plain/pipe":                        "opens pipes",
	"not plain/device":                      "devices are files",
	"out of descriptors/file":               "no descriptor is not there",
	"descriptors are closed/files":          "files stay open",
	"descriptors are closed":                "connections stay open",
	"too long":                              "no most",
	"reset":                                 "faults are silent",
	"half a request":                        "half not named",
	"unread input":                          "closes with input unread",
}

// Every check fails a server that breaks its rule.
func TestWrong(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	for _, check := range Checks(site) {
		isGeneral := slices.ContainsFunc(conform.Checks, func(c conform.Check) bool { return c.Name == check.Name })
		if defects[check.Name] == "" {
			if !isGeneral {
				t.Errorf("%s: no defect is known that this check finds", check.Name)
			}
			continue
		}
		for _, defect := range strings.Split(defects[check.Name], ", ") {
			t.Run(check.Name+"/"+defect, func(t *testing.T) {
				t.Parallel()
				s := server(defect, site)
				s.Patience = 2 * time.Second
				err := check.Run(s)
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
