//go:build unix

package lecture23_test

import (
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/conform/wrong"
	"fopnp/lecture/lecture23"
)

// says returns the defect of a server that sends part of a right line, between
// what it puts before and after it.
func says(before string, from, to int, after string) wrong.Defect {
	return wrong.Defect{Says: func(now time.Time) string {
		line := string(lecture23.NISTLine(now))
		return before + line[from:to] + after
	}}
}

// at returns the defect of a server whose clock is wrong.
func at(offset time.Duration) wrong.Defect {
	return wrong.Defect{Says: func(now time.Time) string { return string(lecture23.NISTLine(now.Add(offset))) }}
}

var wrongDaytimes = map[string]wrong.Defect{
	"none":                says("", 0, len(nist), ""),
	"local time":          at(2 * time.Hour),
	"slow":                at(-2 * time.Hour),
	"no line feed first":  says("", 1, len(nist), "\n"),
	"no last line feed":   says("", 0, len(nist)-1, ""),
	"no blank at the end": says("", 0, len(nist)-2, "\n"),
	"carriage return":     says("", 0, len(nist)-1, "\r\n"),
	"another day":         says("\n40587", 6, len(nist), ""),
	"no day":              says("\n00000", 6, len(nist), ""),
	"two lines":           says("", 0, len(nist), nist),
	"narrow msADV":        says("", 0, 31, " 0.0 UTC(NIST) * \n"),
	"not healthy":         says("", 0, 30, "1   0.0 UTC(NIST) * \n"),
	"leap second":         says("", 0, 28, "1 0   0.0 UTC(NIST) * \n"),
	"ctime":               {Says: func(now time.Time) string { return now.Format(time.ANSIC) }},
	"nothing":             {Says: func(time.Time) string { return "" }},
	"clocks change": {Says: func(now time.Time) string {
		line := lecture23.NISTLine(now)
		if line[25] == '9' {
			line[25] = '0'
		}
		line[25]++ // the tens of the fourth field
		return string(line)
	}},
}

func init() { wrong.Main(wrongDaytimes) }

// TestWrongDaytimes runs isNISTLine against every server, of which only one is
// right.
func TestWrongDaytimes(t *testing.T) {
	t.Parallel()
	announcement := conform.Named(conform.Checks, "announcement")[0]
	for defect := range wrongDaytimes {
		t.Run(defect, func(t *testing.T) {
			t.Parallel()
			server := wrong.Server(daytime, defect)
			if err := announcement.Run(server); (err == nil) != (defect == "none") {
				t.Error(err)
			} else {
				t.Log(err)
			}
		})
	}
}
