package zentest

import "fopnp/internal/check/conform"

// Inetd are the servers of chapter 7 that inetd starts. The conformance suite has
// a super-server of its own for them.
var Inetd = []conform.Server{
	startedBy("nowait", "in_zen1", 0, map[string]string{
		"out of descriptors":     "the super-server accepts clients",
		"descriptors are closed": "a process that has served its client ends",
	}),
	startedBy("wait", "in_zen2", 1, nil),
}

// startedBy returns the row of a server that a super-server starts in a mode.
func startedBy(mode, name string, atOnce int, notFor map[string]string) conform.Server {
	s := likeSingle(name, atOnce)
	s.Command = conform.SuperServer(mode, name)
	s.Children = true
	s.Others = []string{`Waited 8 seconds with no further connections; shutting down`}
	s.NotFor = map[string]string{
		"announcement":            "the super-server announces itself",
		"announcement/name":       "the super-server announces itself",
		"quiet":                   "the super-server announces itself",
		"port in use":             "the super-server listens",
		"port not permitted":      "the super-server listens",
		"unresolvable host":       "the super-server listens",
		"options before the host": "it gets no host",
		"options after the host":  "it gets no host",
		"wrong call/":             "it gets neither host nor port; its script makes a wrong call",
		"help":                    "its script asks for it",
	}
	for check, why := range notFor {
		s.NotFor[check] = why
	}
	return s
}
