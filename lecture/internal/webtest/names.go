package webtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

var nameChecks = func() []check {
	checks := []check{
		shared("not there", notThere),
		shared("query", query),
		shared("decoded", decoded),
		shared("no listing", noListing),
		shared("dots in names", dotsInNames),
	}
	for _, what := range slices.Sorted(maps.Keys(hidden)) {
		checks = append(checks, allMissing("dot/"+what, hidden[what]))
	}
	for _, what := range slices.Sorted(maps.Keys(escapes)) {
		checks = append(checks, allMissing("escape/"+what, escapes[what]))
	}
	return checks
}()

// allMissing returns the check that no target is there. SECRET in a target is
// the absolute path of a file that no server may send.
func allMissing(name string, targets []string) check {
	return shared(name, func(t *trial) {
		for _, target := range targets {
			t.missing(strings.ReplaceAll(target, "SECRET", t.outside()))
		}
	})
}

// A name that is not there gets an answer, and no second line.
func notThere(t *trial) {
	for _, target := range []string{
		"/nosuch", "/nosuch/", "/nosuch/deep.txt", "/page.txt/", "/page.txt/x", "/sub/nosuch", "/page", "/PAGE.TXT/x",
		"/" + strings.Repeat("x", 5000), "/" + strings.Repeat("x/", 5000),
	} {
		t.missing(target)
	}
}

// A query is not part of the name. An encoded question mark is.
func query(t *trial) {
	for _, query := range []string{"?", "?x", "?x=y&z=/../..", "?x?y", "?%00", "?%zz", "?://"} {
		t.sends("/page.txt"+query, page)
	}
	t.missing("/page.txt%3Fx")
}

// Percent-encoding is decoded, once.
func decoded(t *trial) {
	for _, target := range []string{
		"/with%20space.txt", "/%70age.txt", "/caf%C3%A9.txt", "/caf%c3%a9.txt", "/caf\u00e9.txt",
		"/a+b.txt", "/a%2Bb.txt", "/50%25.txt",
	} {
		t.sends(target, page)
	}
	t.sends("/sub%2Fdeep.txt", deep)
	t.missing("/a%20b.txt")    // a plus is not a space
	t.missing("/%2570age.txt") // is not decoded twice
	t.missing("/with+space.txt")
}

// A folder without index.html shows nothing of what is in it, and neither does a
// folder's name without the slash.
func noListing(t *trial) {
	for _, target := range []string{"/bare/", "/bare", "/sub", "/sub/deeper", "/sub/deeper/", "/sub?x"} {
		t.missing(target)
	}
}

// A dot may be in the middle or at the end of a part.
func dotsInNames(t *trial) {
	t.sends("/a.b/c.d.txt", page)
	t.sends("/dots..txt", page)
}

// hidden are targets with a part that begins with a dot.
var hidden = map[string][]string{
	"file":    {"/.hidden", "/%2ehidden", "/.hidden?x", "/sub/.hidden", "/sub/%2Ehidden"},
	"folder":  {"/.git/config", "/sub/.git/config", "/sub%2f.git/config", "/.git/"},
	"itself":  {"/./page.txt", "/sub/./deep.txt", "/sub/.", "/.", "/sub/%2e/deep.txt", "/./"},
	"nothing": {"/.nosuch", "/...", "/.../page.txt"},
}

// escapes are targets that lead out of the folder, or could on some system.
var escapes = map[string][]string{
	"dots": {
		"/../secret.txt", "/sub/../../secret.txt", "/sub/deeper/../../../secret.txt", "/nosuch/../../secret.txt",
		"/../more/", "/..", "/../", "/../www/page.txt", "/sub/../page.txt", "/sub/..", "../secret.txt", "/.././secret.txt",
		"/" + strings.Repeat("../", 40) + "etc/passwd",
	},
	"absolute":         {"//etc/passwd", "/SECRET", "//SECRET", "///etc/passwd", "/sub/SECRET"},
	"encoded dots":     {"/%2e%2e/secret.txt", "/%2E./secret.txt", "/.%2e/secret.txt", "/sub/%2e%2e/%2e%2e/secret.txt"},
	"encoded slash":    {"/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/%2e%2e%2Fmore%2f", "/sub%2f..%2f..%2fsecret.txt"},
	"encoded absolute": {"/%2fetc/passwd", "/%2Fetc%2Fpasswd", "/%2fSECRET"},
	"encoded twice":    {"/%252e%252e%252fsecret.txt", "/%252e%252e/secret.txt"},
	"backslash": {
		`/..\secret.txt`, `/sub\..\..\secret.txt`, `/..%5csecret.txt`, `/sub/..\..\secret.txt`, `/\..\secret.txt`,
		`/%2e%2e%5Csecret.txt`, `/sub\.git\config`,
	},
	"drive": {"/C:/secret.txt", `/C:\secret.txt`, "/c:secret.txt", "/file:///etc/passwd"},
	"URL":   {"http://localhost/../secret.txt", "http://localhost//etc/passwd", "file://localhost/etc/passwd", "file:///etc/passwd"},
}

// lineChecks are about what the server prints.
var lineChecks = []check{
	alone("lines", lines),
	alone("lines/escaped", linesEscaped),
}

// For each request there is a line with the name, and another one when the file
// was sent.
func lines(t *trial) {
	t.sends("/page.txt", page)
	t.sends("/", index)
	t.sends("/sub/?x", index)
	t.sends("/empty.txt", "")
	t.ask("HEAD /page.txt HTTP/1.0\r\n\r\n")
	t.missing("/nosuch")
	t.missing("/../secret.txt")
	t.missing("//etc/passwd")
	t.refuses("POST /page.txt HTTP/1.0\r\n\r\n", "405 Method Not Allowed")
	c, _ := t.refuses("GET / HTTP/1.1\r\n\r\n", badRequest)
	c.ExpectEnding(c.Error)
	t.sends("/sub/deep.txt", deep)
	t.prints(`requested file:  page\.txt
file was found and sent
requested file:  
file was found and sent
requested file:  sub/
file was found and sent
requested file:  empty\.txt
file was found and sent
requested file:  page\.txt
requested file:  nosuch
requested file:  \.\./secret\.txt
requested file:  /etc/passwd
requested file:  page\.txt
[^\n]*: client [^\n]*: HTTP/1\.1 without Host
requested file:  sub/deep\.txt
file was found and sent
`)
}

// A name is one line and controls no terminal.
func linesEscaped(t *trial) {
	t.missing("/a%0Afile%20was%20found%0d%0Aand%1b%5B2J")
	t.missing("/caf%C3%A9%80%22%27%5c")
	t.sends("/caf%C3%A9.txt", page)
	t.prints(`requested file:  a\\nfile was found\\r\\nand\\x1b\[2J
requested file:  café\\x80"'\\
requested file:  café\.txt
file was found and sent
`)
}

// prints waits until the server has printed lines after those with which it
// announced itself. It must not have printed anything else.
func (t *trial) prints(lines string) {
	t.WaitFor(fmt.Sprintf(`^Listening at [^\n]*\nWeb server is ready\n%s$`, lines))
}
