// Package zentest is the conformance suite of the Zen servers: what package
// conform needs to know about the protocol and about each server, and the checks
// that only this protocol has.
package zentest

import (
	"slices"
	"strings"
	"testing"

	"fopnp/internal/check/conform"
)

// protocol is what a Zen client says and hears.
var protocol = conform.Protocol{
	Exchange: conform.Exchange{
		Ask:  "Simple is better than?",
		Hear: conform.Answer("Complex."),
	},
	Flood: conform.Exchange{
		Ask:  "???????Simple is better than?",
		Hear: conform.Answer(strings.Repeat("Error: unknown aphorism.", 7) + "Complex."),
	},
	Unfinished: "Beautiful is better than",
}

// Servers are the servers of chapter 7.
var Servers = []conform.Server{
	likeSingle("srv_single", 1),
	likeSingle("srv_threaded", 4),
	{
		Name: "srv_async",
		Lines: conform.Lines{
			Accepted: "Accepted connection from ADDR",
			Closed:   "Client ADDR closed socket normally",
			Half:     "Client ADDR sent BYTES but then closed",
			Unsent:   "Client ADDR closed before we sent BYTES",
			Error:    "Client ADDR error: WHY",
		},
		Protocol: protocol,
	},
	{
		Name: "srv_asyncio1",
		Lines: conform.Lines{
			Accepted: "Accepted connection from ADDR",
			Closed:   "Client ADDR closed socket",
			Half:     "Client ADDR sent BYTES but then closed",
			Error:    "Client ADDR error: WHY",
		},
		Protocol: protocol,
	},
	{
		Name: "srv_asyncio2",
		Lines: conform.Lines{
			Accepted: "Accepted connection from ADDR",
			Closed:   "Client ADDR closed socket normally",
			Half:     "Client ADDR sent BYTES but then closed",
			Error:    "Client ADDR error: WHY",
		},
		Protocol: protocol,
	},
	{
		Name: "srv_legacy1",
		Lines: conform.Lines{
			Closed: "Client socket to ADDR has closed",
			Half:   "Client ADDR error: received BYTES then socket closed",
			Error:  "Client ADDR error: WHY",
		},
		Protocol: protocol,
		Quiet:    true,
	},
	{
		Name: "srv_legacy2",
		Lines: conform.Lines{
			Half:  "srv_legacy2: client ADDR: received BYTES then socket closed",
			Error: "srv_legacy2: client ADDR: WHY",
		},
		Protocol: protocol,
	},
}

// likeSingle returns the row of a server that prints the lines of srv_single.
func likeSingle(name string, atOnce int) conform.Server {
	return conform.Server{
		Name:   name,
		AtOnce: atOnce,
		Lines: conform.Lines{
			Accepted: "Accepted connection from ADDR",
			Closed:   "Client socket to ADDR has closed",
			Half:     "Client ADDR error: received BYTES then socket closed",
			Error:    "Client ADDR error: WHY",
		},
		Protocol: protocol,
	}
}

// Checks are the checks of a Zen server: those of every server, and those of the
// protocol.
var Checks = slices.Concat(conform.Checks, zenChecks, costChecks)

// Run puts a server through all checks.
func Run(t *testing.T, s conform.Server) { conform.Run(t, s, Checks) }
