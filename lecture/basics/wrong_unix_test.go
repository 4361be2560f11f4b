//go:build unix

package basics_test

import (
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/conform/wrong"
)

// says returns the defect of a server that sends the time of another clock, or
// in another layout.
func says(offset time.Duration, layout string) wrong.Defect {
	return wrong.Defect{Says: func(now time.Time) string { return now.Add(offset).Format(layout) }}
}

var wrongTimeServers = map[string]wrong.Defect{
	"none":            says(0, "Mon Jan _2 15:04:05 2006\r\n"),
	"fast":            says(time.Hour, "Mon Jan _2 15:04:05 2006\r\n"),
	"slow":            says(-time.Hour, "Mon Jan _2 15:04:05 2006\r\n"),
	"no line end":     says(0, "Mon Jan _2 15:04:05 2006"),
	"line feed":       says(0, "Mon Jan _2 15:04:05 2006\n"),
	"two line feeds":  says(0, "Mon Jan _2 15:04:05 2006\n\n"),
	"two lines":       says(0, "Mon Jan _2 15:04:05 2006\r\n\r\n"),
	"day of the year": says(0, "Mon Jan __2 15:04:05 2006\r\n"),
	"zone":            says(0, time.UnixDate+"\r\n"),
	"date first":      says(0, "2006 Jan _2 15:04:05 Mon\r\n"),
	"no text":         says(0, ""),
}

func init() { wrong.Main(wrongTimeServers) }

// TestWrongTimeServers runs isTimeLine against every server, of which only one
// is right.
func TestWrongTimeServers(t *testing.T) {
	t.Parallel()
	announcement := conform.Named(conform.Checks, "announcement")[0]
	for defect := range wrongTimeServers {
		t.Run(defect, func(t *testing.T) {
			t.Parallel()
			if err := announcement.Run(wrong.Server(timeServer, defect)); (err == nil) != (defect == "none") {
				t.Error(err)
			} else {
				t.Log(err)
			}
		})
	}
}
