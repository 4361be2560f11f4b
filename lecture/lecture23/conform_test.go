package lecture23_test

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/lecture/lecture23"
)

var daytime = conform.Server{
	Name:  "daytime",
	Lines: conform.Lines{Error: "daytime: client ADDR: WHY"},
	Protocol: conform.Protocol{
		Exchange: conform.Exchange{Hear: isNISTLine},
		Once:     true,
		Longest:  -1,
	},
	Quiet: true,
}

func TestDaytime(t *testing.T) {
	t.Parallel()
	conform.Run(t, daytime, slices.Concat(conform.Checks, conform.Unasked))
}

// isNISTLine receives a NIST line, which must have the time at which the server
// sent it.
func isNISTLine(c *conform.Client) {
	line := make([]byte, len(nist))
	n, err := c.Receive(line)
	if err == nil {
		err = checkNISTLine(string(line), c.Began)
	}
	if err != nil {
		c.Failf("%q: %w", line[:n], err)
	}
}

// checkNISTLine returns an error unless all fields of a line belong to one
// second since the client began.
func checkNISTLine(line string, began time.Time) error {
	var day int
	var date, clock string
	if _, err := fmt.Sscan(line, &day, &date, &clock); err != nil {
		return err
	}
	sent, err := time.Parse("06-01-02 15:04:05", date+" "+clock)
	if err != nil {
		return err
	}
	if now := time.Now(); sent.Before(began.Truncate(time.Second)) || sent.After(now) {
		return fmt.Errorf("want a time between %v and %v", began, now)
	}
	if want := string(lecture23.NISTLine(sent)); line != want {
		return fmt.Errorf("want %q", want)
	}
	return nil
}

// Daytime sends UTC, whatever the time zone of its machine.
func TestDaytimeZone(t *testing.T) {
	t.Parallel()
	server := progtest.StartInZone(t, 5*time.Hour+45*time.Minute, "daytime")
	began := time.Now()
	line, err := io.ReadAll(progtest.Dial(t, server))
	if err == nil {
		err = checkNISTLine(string(line), began)
	}
	if err != nil {
		t.Errorf("%q: %v", line, err)
	}
}
