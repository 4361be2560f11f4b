package transcript

import (
	"regexp"
	"strconv"
	"strings"
)

// When a program asks for any port, Linux chooses one from here on.
const firstEphemeralPort = 32768

const clock = `\d\d:\d\d:\d\d(?:[.,]\d+)?`

var (
	// ('127.0.0.1', 41285), ('::1', 41285, 0, 0), 127.0.0.1:41285, [::1]:41285
	// (127.0.0.1, 41285), started on port 41285, and 127.0.0.1.41285, as tcpdump
	// prints it
	port = regexp.MustCompile(`(\('[^']*', |\(\d+\.\d+\.\d+\.\d+, |started on port |\d\.\d+\.\d+\.\d+[:.]|[0-9a-f:]\]:|\blocalhost:)(\d+)\b`)

	// The longer forms come first. Otherwise the clock would be taken out of
	// their middle.
	changing = []struct {
		form *regexp.Regexp
		name string
	}{
		// Sat Apr  6 12:00:00 2013
		{regexp.MustCompile(`\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d ` + clock + `(?: [A-Z]{3,4})? \d{4}\b`), "CTIME"},
		// Sat, 06 Apr 2013
		{regexp.MustCompile(`\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4}\b`), "DATE"},
		// 2013-04-06T12:00:00Z
		{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT` + clock + `(?:Z|[+-]\d\d:\d\d)`), "DATE TIME"},
		// 56388 13-04-06 12:00:00 50, as a daytime server has them: the day's
		// number, and a field that depends on the season
		{regexp.MustCompile(`\b\d{5} \d\d-\d\d-\d\d ` + clock + ` \d\d\b`), "DAY DATE TIME SEASON"},
		// 2013-04-06, or 13-04-06 as a daytime server has it
		{regexp.MustCompile(`\b(?:\d\d)?\d\d-\d\d-\d\d\b`), "DATE"},
		{regexp.MustCompile(`\b` + clock + `\b`), "TIME"},
		// 0.123 ms and 0.098/0.112/0.123 ms, as ping and traceroute print them
		{regexp.MustCompile(`\b(?:\d+\.\d+/)*\d+\.\d+ ms\b`), "DURATION"},
		// time=123 ms, as ping prints it from a tenth of a second on
		{regexp.MustCompile(`\btime=\d+ ms\b`), "time=DURATION"},
		// 0.123s, 12.3ms, 1m2.5s; but not 60s, which a program's author chose
		{regexp.MustCompile(`\b(?:\d+h)?(?:\d+m)?(?:\d+\.\d+s|\d+(?:\.\d+)?(?:ns|µs|ms))\b|\(cached\)`), "DURATION"},
	}
)

// Normalize returns text with names in the place of what changes from one run to
// the next: PORT for a port that the system chose, and DATE, TIME, CTIME or
// DURATION for dates, times and durations. Ports below 32768 stay, because a
// program is known by them. Durations in whole seconds stay, too.
func Normalize(text string) string {
	text = port.ReplaceAllStringFunc(text, func(s string) string {
		m := port.FindStringSubmatch(s)
		if n, err := strconv.Atoi(m[2]); err != nil || n < firstEphemeralPort || n > 65535 {
			return s
		}
		return m[1] + "PORT"
	})
	for _, c := range changing {
		text = c.form.ReplaceAllString(text, c.name)
	}
	return text
}

// Screen returns output as a terminal shows it when the program has ended. A
// program that reports progress returns to the start of a line and writes over
// it. Screen keeps only the last text of such a line, without the blanks at its
// end. Every line ends in a line feed.
func Screen(output string) string {
	var shown strings.Builder
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		if i := strings.LastIndexByte(line, '\r'); i >= 0 {
			line = strings.TrimRight(line[i+1:], " ")
		}
		shown.WriteString(line + "\n")
	}
	return shown.String()
}
