package lecture23

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"fopnp/internal/py/pyfmt"
)

func TestNISTLine(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]string{
		"2025-10-18T06:49:19Z":        "\n60966 25-10-18 06:49:19 16 0 0   0.0 UTC(NIST) * \n",
		"2025-10-18T08:49:19.9+02:00": "\n60966 25-10-18 06:49:19 16 0 0   0.0 UTC(NIST) * \n",
		"1970-01-01T00:00:00Z":        "\n40587 70-01-01 00:00:00 00 0 0   0.0 UTC(NIST) * \n",
		"1969-12-31T23:59:59Z":        "\n40586 69-12-31 23:59:59 00 0 0   0.0 UTC(NIST) * \n",
		"2000-01-01T00:00:00Z":        "\n51544 00-01-01 00:00:00 00 0 0   0.0 UTC(NIST) * \n",

		// The day is UTC's in every field, however late it is here.
		"2025-12-31T23:59:59Z":      "\n61040 25-12-31 23:59:59 00 0 0   0.0 UTC(NIST) * \n",
		"2026-01-01T00:00:00Z":      "\n61041 26-01-01 00:00:00 00 0 0   0.0 UTC(NIST) * \n",
		"2025-12-31T19:00:00-05:00": "\n61041 26-01-01 00:00:00 00 0 0   0.0 UTC(NIST) * \n",
		"2026-03-07T19:00:00-05:00": "\n61107 26-03-08 00:00:00 51 0 0   0.0 UTC(NIST) * \n",
		"2026-03-09T00:30:00+01:00": "\n61107 26-03-08 23:30:00 51 0 0   0.0 UTC(NIST) * \n",
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if line := string(NISTLine(at)); line != want {
			t.Errorf("at %s: %q, want %q", now, line, want)
		}
	}
}

// The fourth field counts the days to a change of the clocks. In each of these
// years, the change is on another day of the month.
func TestDaylightSaving(t *testing.T) {
	t.Parallel()
	for _, year := range []struct {
		year           int
		summer, winter int // the day of March, and of November
	}{
		{2015, 8, 1}, {2020, 8, 1}, {2021, 14, 7}, {2022, 13, 6}, {2023, 12, 5},
		{2024, 10, 3}, {2025, 9, 2}, {2026, 8, 1}, {2027, 14, 7}, {2028, 12, 5},
	} {
		summer := time.Date(year.year, time.March, year.summer, 0, 0, 0, 0, time.UTC)
		winter := time.Date(year.year, time.November, year.winter, 0, 0, 0, 0, time.UTC)
		for _, test := range []struct {
			change time.Time
			days   int // after the change
			want   string
		}{
			{summer, -49, "00"}, {summer, -48, "99"}, {summer, -47, "98"}, {summer, -2, "53"},
			{summer, -1, "52"}, {summer, 0, "51"}, {summer, 1, "50"}, {summer, 2, "50"},
			{winter, -49, "50"}, {winter, -48, "49"}, {winter, -47, "48"}, {winter, -2, "03"},
			{winter, -1, "02"}, {winter, 0, "01"}, {winter, 1, "00"}, {winter, 2, "00"},
			{summer, 100, "50"}, {winter, 50, "00"},
		} {
			first := test.change.AddDate(0, 0, test.days)
			for _, at := range []time.Time{first, first.AddDate(0, 0, 1).Add(-1)} {
				if got := strings.Fields(string(NISTLine(at)))[3]; got != test.want {
					t.Errorf("%v, %+d days from the change of %v: %s, want %s", at, test.days, test.change, got, test.want)
				}
			}
		}
	}
}

// In each year, every value of the two countdowns has exactly one day.
func TestDaylightSavingYear(t *testing.T) {
	t.Parallel()
	for year := 2007; year < 2107; year++ {
		days := map[int]int{}
		for day := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == year; day = day.AddDate(0, 0, 1) {
			days[daylightSaving(day)]++
		}
		for tt := range 100 {
			if tt != 0 && tt != 50 && days[tt] != 1 {
				t.Errorf("%d has %d days with %02d", year, days[tt], tt)
			}
		}
	}
}

func TestParseNISTLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]NISTTime{
		"\n60966 25-10-18 06:49:19 16 0 0   0.0 UTC(NIST) * \n": {"25-10-18", "06:49:19", 0},
		"\n60966 25-10-18 06:49:19 16 0 1 123.4 UTC(NIST) * \n": {"25-10-18", "06:49:19", 1},
		"60966 25-10-18 06:49:19 16 0 4":                        {"25-10-18", "06:49:19", 4},
		"60966\r\n25-10-18\t06:49:19":                           {"25-10-18", "06:49:19", 0},
		"x 00-02-29 00:00:00":                                   {"00-02-29", "00:00:00", 0},
		"57753 16-12-31 23:59:60 00 1 0 0.0 UTC(NIST) *":        {"16-12-31", "23:59:60", 0},

		// The sixth field is the health only if it is a number. In an older
		// form of the line it is a correction, as on 18 April 1990.
		"47999 90-04-18 21:39:15 50 0 +.1 045.0 UTC(NIST) *":  {"90-04-18", "21:39:15", 0},
		"60966 25-10-18 06:49:19 16 0 -1 0.0":                 {"25-10-18", "06:49:19", 0},
		"60966 25-10-18 06:49:19 16 0 99999999999999999999 0": {"25-10-18", "06:49:19", 1<<64 - 1},
	} {
		if got, err := ParseNISTLine([]byte(line)); got != want || err != nil {
			t.Errorf("%q: %v, %v, want %v", line, got, err, want)
		}
	}
	for _, line := range []string{
		"", "\n", "60966", "60966 25-10-18", "Mon Nov 24 06:49:19 2025\r\n",
		"25-10-18 06:49:19 16", "60966 06:49:19 25-10-18",
		"60966 25-02-29 06:49:19", "60966 25-04-31 06:49:19", "60966 25-13-01 06:49:19",
		"60966 25-00-01 06:49:19", "60966 25-10-00 06:49:19", "60966 25-10-32 06:49:19",
		"60966 2025-10-18 06:49:19", "60966 5-10-18 06:49:19", "60966 25-1-18 06:49:19",
		"60966 +5-10-18 06:49:19", "60966 -5-10-18 06:49:19", "60966 25/10/18 06:49:19",
		"60966 25-10-18x 06:49:19", "60966 25-10-18 06:49:19Z", "60966 25-10-18 06:49:19.5",
		"60966 25-10-18 6:49:19", "60966 25-10-18 6:49:19.", "60966 25-10-18 06:49",
		"60966 25-10-18 24:00:00", "60966 25-10-18 06:60:00", "60966 25-10-18 06:49:60",
		"60966 25-10-18 23:59:61", "60966 25-10-18 00:00:60", "60966 25-10-18 06.49.19",
		"60966 25-10-18 \x1b[2J49:19", "60966 25-10-1\u0668 06:49:19", "60966 25-10-18\x0006:49:19",
	} {
		got, err := ParseNISTLine([]byte(line))
		want := "received " + pyfmt.Bytes([]byte(line))
		if got != (NISTTime{}) || err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v, want the error %q", line, got, err, want)
		}
	}
}

// exists reports whether a date and a time exist, without package time.
func exists(date, clock string) bool {
	d := regexp.MustCompile(`^(\d\d)-(\d\d)-(\d\d)$`).FindStringSubmatch(date)
	c := regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$`).MatchString(clock)
	if d == nil || !c && clock != "23:59:60" {
		return false
	}
	year, _ := strconv.Atoi(d[1])
	month, _ := strconv.Atoi(d[2])
	day, _ := strconv.Atoi(d[3])
	days := []int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	if year%4 == 0 { // from 1969 to 2068
		days[2] = 29
	}
	return 1 <= month && month <= 12 && 1 <= day && day <= days[month]
}

// FuzzParseNISTLine checks the contract of ParseNISTLine: it returns a date and
// a time that exist, or an error that quotes the line in one line of printable
// ASCII.
func FuzzParseNISTLine(f *testing.F) {
	for _, line := range []string{
		"\n60966 25-10-18 06:49:19 16 0 0   0.0 UTC(NIST) * \n", "57753 16-12-31 23:59:60 00 1 2",
		"Mon Nov 24 06:49:19 2025\r\n", "60966 +5-02-29 06:49:19.5", "", "\x1b[2J\xff",
		"60966 \u202525-10-18\u00a006:49:19",
		"60966 25-10-18 06:49:19 16 0 18446744073709551616.0", "60966 25-10-18 06:49:19 16 0 99999999999999999999x",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := ParseNISTLine(line)
		fields := strings.Fields(string(line))
		valid := len(fields) >= 3 && exists(fields[1], fields[2])
		if valid != (err == nil) {
			t.Fatalf("%q: %v, %v", line, got, err)
		}
		if valid && (got.Date != fields[1] || got.Time != fields[2]) {
			t.Errorf("%q: %v", line, got)
		}
		if !valid && (got != (NISTTime{}) || err.Error() != "received "+pyfmt.Bytes(line)) {
			t.Errorf("%q: %v, %v", line, got, err)
		}
		healthy := len(fields) < 6 || !regexp.MustCompile(`^\d*[1-9]\d*$`).MatchString(fields[5])
		if valid && healthy != (got.Health == 0) {
			t.Errorf("%q has health %d", line, got.Health)
		}
	})
}

// FuzzNISTLine checks the contract of NISTLine from 1969 to 2068, where two
// digits of the year are enough: the line has its form, its day number and its
// date are the same day, and ParseNISTLine understands it.
func FuzzNISTLine(f *testing.F) {
	for _, now := range []int64{0, -1, 86399, 86400, 1760770159, 1772928000, 1793491199} {
		f.Add(now)
	}
	form := regexp.MustCompile(`^\n\d{5} \d\d-\d\d-\d\d \d\d:\d\d:\d\d \d\d 0 0   0\.0 UTC\(NIST\) \* \n$`)
	first := time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	last := time.Date(2069, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - 1
	f.Fuzz(func(t *testing.T, now int64) {
		now = first + int64(uint64(now-first)%uint64(last-first))
		line := NISTLine(time.Unix(now, 0))
		got, err := ParseNISTLine(line)
		if err != nil || got.Health != 0 || !form.Match(line) {
			t.Fatalf("%q: %v, %v", line, got, err)
		}
		var day, second int64
		fmt.Sscan(string(line), &day)
		var h, m, s int64
		fmt.Sscanf(got.Time, "%d:%d:%d", &h, &m, &s)
		second = h*3600 + m*60 + s
		if (day-40587)*86400+second != now {
			t.Errorf("%q is not %d", line, now)
		}
		date, err := time.Parse("06-01-02", got.Date)
		if err != nil || date.Unix() != (day-40587)*86400 {
			t.Errorf("%q: the number and the date are not the same day", line)
		}
	})
}
