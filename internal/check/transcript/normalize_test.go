package transcript

import "testing"

func TestNormalize(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"('127.0.0.1', 41285)", "('127.0.0.1', PORT)"},
		{"('::1', 41285, 0, 0)", "('::1', PORT, 0, 0)"},
		{"('', 32768)", "('', PORT)"},
		{"('127.0.0.1', 1060) ('', 32767)", "('127.0.0.1', 1060) ('', 32767)"},
		{"[127.0.0.1:41285] hi, [::1]:41285", "[127.0.0.1:PORT] hi, [::1]:PORT"},
		{"127.0.0.1:1060 [::1]:11111 localhost:8080", "127.0.0.1:1060 [::1]:11111 localhost:8080"},
		{"Client (127.0.0.1, 41285) connected", "Client (127.0.0.1, PORT) connected"},
		{"started on port 41285", "started on port PORT"},
		{"started on port 9009", "started on port 9009"},
		{"localhost:50000, not 50000", "localhost:PORT, not 50000"},
		{"b'99999' ('x', 99999)", "b'99999' ('x', 99999)"},
		{"The time is Sat Apr  6 12:00:00 2013", "The time is CTIME"},
		{"Wed Jan 29 19:14:15 UTC 2014", "CTIME"},
		{"Date: Sat, 06 Apr 2013 12:00:00 GMT", "Date: DATE TIME GMT"},
		{"2013-04-06T12:00:00.5Z", "DATE TIME"},
		{"2013-04-06 12:00:00,123", "DATE TIME"},
		{"\n56388 13-04-06 12:00:00 50 0 0   0.0 UTC(NIST) * ", "\nDAY DATE TIME SEASON 0 0   0.0 UTC(NIST) * "},
		{"Date (YY-MM-DD) is 13-04-06, time is 12:00:00 (UTC)", "Date (YY-MM-DD) is DATE, time is TIME (UTC)"},
		{"ok\tfopnp\t0.123s", "ok\tfopnp\tDURATION"},
		{"ok\tfopnp\t(cached)", "ok\tfopnp\tDURATION"},
		{"12.3ms 5µs 7ns 1m2.5s", "DURATION DURATION DURATION DURATION"},
		{"ttl=60 time=0.123 ms", "ttl=60 time=DURATION"},
		{"ttl=60 time=123 ms", "ttl=60 time=DURATION"},
		{"rtt min/avg/max/mdev = 0.098/0.112/0.123/0.010 ms", "rtt min/avg/max/mdev = DURATION"},
		{"at most 100 ms", "at most 100 ms"},
		{"waited 8s of 60s", "waited 8s of 60s"},
	} {
		if got := Normalize(test.text); got != test.want {
			t.Errorf("Normalize(%q)\n is %q\nnot %q", test.text, got, test.want)
		}
		if again := Normalize(test.want); again != test.want {
			t.Errorf("Normalize(%q), a second time, is %q", test.want, again)
		}
	}
}
