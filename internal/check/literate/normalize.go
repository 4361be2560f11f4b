package literate

import (
	"regexp"
	"strconv"
)

// The ports from here on are those that the system hands out by itself.
const firstEphemeralPort = 32768

const clock = `\d\d:\d\d:\d\d(?:[.,]\d+)?`

var (
	// ('127.0.0.1', 41285), ('::1', 41285, 0, 0), 127.0.0.1:41285, [::1]:41285
	port = regexp.MustCompile(`(\('[^']*', |\d\.\d+\.\d+\.\d+:|[0-9a-f:]\]:|\blocalhost:)(\d+)\b`)

	// The longer forms come first, lest the clock be taken out of their middle.
	passing = []struct {
		form *regexp.Regexp
		name string
	}{
		// Sat Apr  6 12:00:00 2013
		{regexp.MustCompile(`\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d ` + clock + `(?: [A-Z]{3,4})? \d{4}\b`), "CTIME"},
		// Sat, 06 Apr 2013
		{regexp.MustCompile(`\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4}\b`), "DATE"},
		// 2013-04-06T12:00:00Z
		{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT` + clock + `(?:Z|[+-]\d\d:\d\d)`), "DATE TIME"},
		// 2013-04-06, or 13-04-06 as a daytime server has it
		{regexp.MustCompile(`\b(?:\d\d)?\d\d-\d\d-\d\d\b`), "DATE"},
		{regexp.MustCompile(`\b` + clock + `\b`), "TIME"},
		// 0.123s, 12.3ms, 1m2.5s; not 60s, which somebody has chosen
		{regexp.MustCompile(`\b(?:\d+h)?(?:\d+m)?(?:\d+\.\d+s|\d+(?:\.\d+)?(?:ns|µs|ms))\b|\(cached\)`), "DURATION"},
	}
)

// Normalize returns text with names in the place of all that changes from one
// run to the next: the ports that the system chose (a port that a program is
// known by stays), dates and times, and how long something took.
func Normalize(text string) string {
	text = port.ReplaceAllStringFunc(text, func(s string) string {
		m := port.FindStringSubmatch(s)
		if n, err := strconv.Atoi(m[2]); err != nil || n < firstEphemeralPort || n > 65535 {
			return s
		}
		return m[1] + "PORT"
	})
	for _, p := range passing {
		text = p.form.ReplaceAllString(text, p.name)
	}
	return text
}
