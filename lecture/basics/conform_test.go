package basics_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

var timeServer = conform.Server{
	Name:   "time_server",
	AtOnce: 1,
	Lines: conform.Lines{
		Accepted: "Got a connection from ADDR",
		Error:    "time_server: client ADDR: WHY",
	},
	Protocol: conform.Protocol{
		Exchange: conform.Exchange{Hear: isTimeLine},
		Once:     true,
		Longest:  -1,
	},
	Quiet: true,
}

func TestTimeServer(t *testing.T) {
	t.Parallel()
	conform.Run(t, timeServer, slices.Concat(conform.Checks, conform.Unasked))
}

// isTimeLine receives a line, which must have the time at which the server sent
// it.
func isTimeLine(c *conform.Client) {
	line := make([]byte, len(time.ANSIC+"\r\n"))
	n, err := c.Receive(line)
	if err == nil {
		err = checkTimeLine(string(line), time.Local, c.Began)
	}
	if err != nil {
		c.Failf("%q: %w", line[:n], err)
	}
}

// checkTimeLine returns an error unless a line is the ctime text of a time zone
// for a second since the client began.
func checkTimeLine(line string, zone *time.Location, began time.Time) error {
	const layout = "Mon Jan _2 15:04:05 2006\r\n"
	sent, err := time.ParseInLocation(layout, line, zone)
	if err != nil {
		return err
	}
	if now := time.Now(); sent.Before(began.Truncate(time.Second)) || sent.After(now) {
		return fmt.Errorf("want a time between %v and %v", began, now)
	}
	if want := sent.Format(layout); line != want {
		return fmt.Errorf("want %q", want)
	}
	return nil
}

// Time_server sends the time of its machine's time zone. In one of the zones, it
// is the fifth of a month: a one-digit day is padded with a blank.
func TestTimeServerZone(t *testing.T) {
	t.Parallel()
	fifth := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)
	for begin, offset := range map[string]time.Duration{
		"":               5*time.Hour + 45*time.Minute,
		"Mon Jan  5 12:": time.Until(fifth).Truncate(time.Second),
	} {
		server := progtest.StartInZone(t, offset, "time_server")
		began := time.Now()
		line, err := io.ReadAll(progtest.Dial(t, server))
		if err == nil {
			err = checkTimeLine(string(line), time.FixedZone("XYZ", int(offset/time.Second)), began)
		}
		if err != nil || !strings.HasPrefix(string(line), begin) {
			t.Errorf("%q: %v, want it to begin with %q", line, err, begin)
		}
	}
}
