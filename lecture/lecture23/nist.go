package lecture23

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"fopnp/internal/py/pyfmt"
)

// NISTLine returns the line that a NIST time server sends at the time now, such
// as:
//
//	"\n60966 25-10-18 06:49:19 16 0 0   0.0 UTC(NIST) * \n"
//
// The first field is the Modified Julian Date, the number of a day. Date and
// time are UTC. The fourth field counts the days until the clocks of the United
// States change: see daylightSaving. The next three say that no leap second is
// coming, that the server is healthy, and how many milliseconds early it sends
// the line, to make up for the time that the line takes.
//
// Go's clock has no leap seconds, so the line never has 23:59:60.
//
// Source: NIST Internet Time Service, Daytime Protocol (RFC-867)
func NISTLine(now time.Time) []byte {
	now = now.UTC()
	return fmt.Appendf(nil, "\n%05d %s %02d 0 0 %5.1f UTC(NIST) * \n",
		modifiedJulianDate(now), now.Format(nistDate+" "+nistTime),
		daylightSaving(now), 0.0)
}

const nistDate, nistTime = "06-01-02", "15:04:05"

// modifiedJulianDate returns the number of t's day in UTC. Day 0 is 17 November
// 1858.
func modifiedJulianDate(t time.Time) int {
	const day = 24 * time.Hour
	const ofUnixEpoch = 40587
	return int(t.Truncate(day).Unix()/int64(day/time.Second)) + ofUnixEpoch
}

// daylightSaving returns what the line says about the clocks of the United
// States: 0 in the winter and 50 in the summer. In the 48 days before a change,
// it counts the days that are left, from 99 down to 51 before the summer and
// from 49 down to 1 before the winter. At 51 and 1, the clocks change today.
// They do so at two in the morning, which is a different moment in each time
// zone. The count goes down at midnight UTC.
func daylightSaving(t time.Time) int {
	const notice = 48 // days
	today := modifiedJulianDate(t)
	toSummer := modifiedJulianDate(sunday(t.Year(), time.March, 2)) - today
	toWinter := modifiedJulianDate(sunday(t.Year(), time.November, 1)) - today
	switch {
	case 0 <= toSummer && toSummer <= notice:
		return 51 + toSummer
	case 0 <= toWinter && toWinter <= notice:
		return 1 + toWinter
	case toSummer < 0 && toWinter > 0:
		return 50
	}
	return 0
}

// sunday returns the n-th Sunday of a month, in UTC.
func sunday(year int, month time.Month, n int) time.Time {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	untilSunday := (7 - int(first.Weekday())) % 7
	return first.AddDate(0, 0, untilSunday+7*(n-1))
}

// NISTTime is what a NIST time server says.
type NISTTime struct {
	Date   string // YY-MM-DD, a day that exists
	Time   string // HH:MM:SS, in UTC, up to 23:59:60 with a leap second
	Health uint64 // 0 is healthy; above that, the time may be wrong
}

// ParseNISTLine parses the line of a time server. Its fields are separated by
// white space. The second must be a date, the third a time. The sixth is the
// health, which is 0 if that field is missing or no number. The line may have
// any other fields. If there is no date and time in it, the error quotes the
// line.
func ParseNISTLine(line []byte) (NISTTime, error) {
	fields := strings.Fields(string(line))
	if len(fields) < 3 || !fits(nistDate, fields[1]) ||
		!fits(nistTime, fields[2]) && fields[2] != "23:59:60" {
		return NISTTime{}, fmt.Errorf("received %s", pyfmt.Bytes(line))
	}
	t := NISTTime{Date: fields[1], Time: fields[2]}
	// ParseUint takes 99999999999999999999x for a large number, too.
	if len(fields) > 5 && strings.Trim(fields[5], "0123456789") == "" {
		// the largest number if it is too large
		t.Health, _ = strconv.ParseUint(fields[5], 10, 64)
	}
	return t, nil
}

// fits reports whether a word is a time exactly as in layout. Parse alone also
// accepts signs and fractions of a second.
func fits(layout, word string) bool {
	t, err := time.Parse(layout, word)
	return err == nil && t.Format(layout) == word
}
