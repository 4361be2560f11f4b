// Package webtest is the conformance suite of web servers that speak HTTP/1.0,
// one request for each connection: what package conform needs to know about the
// protocol and about each server, and the checks that only this protocol has.
package webtest

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

// maxHeader is how many bytes the request line and the header may have.
const maxHeader = 16 << 10

// protocol is what a web client says and hears.
var protocol = conform.Protocol{
	Exchange: conform.Exchange{
		Ask: "GET /page.txt HTTP/1.0\r\n\r\n",
		Hear: conform.Answer("HTTP/1.0 200 OK\r\n" +
			"Content-Type: text/plain; charset=utf-8\r\n" +
			"Content-Length: 5\r\n" +
			"\r\n" +
			page),
	},
	Unfinished: "GET /page.txt HTTP/1.0\r\nHost: localh",
	Once:       true,
	Longest:    maxHeader,
	Refuse: conform.Answer("HTTP/1.0 431 Request Header Fields Too Large\r\n" +
		"Content-Type: text/plain\r\n" +
		"Content-Length: 36\r\n" +
		"\r\n" +
		"431 Request Header Fields Too Large\n"),
}

// Server returns the row of a web server that serves the files of site.
func Server(name string, site *Site) conform.Server {
	return conform.Server{
		Name: name,
		Command: func(args ...string) *exec.Cmd {
			args = append([]string{"-root", site.root}, args...)
			return exec.Command(filepath.Join(progtest.Bin(), name), args...)
		},
		Lines: conform.Lines{
			Half:  name + ": client ADDR: received BYTES then socket closed",
			Error: name + ": client ADDR: WHY",
			Others: []string{
				"Web server is ready",
				"requested file:  .*",
				"file was found and sent",
			},
		},
		Protocol: protocol,
		Quiet:    true,
	}
}

// Checks returns the checks of a web server that serves the files of site: those
// of every server, and those of the protocol.
func Checks(site *Site) []conform.Check {
	checks := append(slices.Clone(conform.Checks),
		conform.WrongCall("two hosts", "127.0.0.1", "127.0.0.2"),
		conform.WrongCall("folder is missing", "-root"))
	for _, own := range [][]check{
		answerChecks, lineChecks, nameChecks, refusalChecks, halfChecks, sendChecks, kernelChecks,
	} {
		for _, c := range own {
			checks = append(checks, c.of(site))
		}
	}
	return checks
}

// Run puts a server through all checks.
func Run(t *testing.T, name string) {
	site, err := NewSite(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	conform.Run(t, Server(name, site), Checks(site))
}

// A check is a check of a server whose files it knows.
type check struct {
	name  string
	run   func(*trial)
	alone bool     // it needs a server of its own
	args  []string // the options of that server
	env   string   // a variable of its environment
	tries int      // how often the server may try, because a busy machine can make it late; 0 means once
}

// A trial is the run of a server that serves the files of a site.
type trial struct {
	*conform.Trial
	*Site
}

func shared(name string, run func(*trial)) check { return check{name: name, run: run} }

func alone(name string, run func(*trial), args ...string) check {
	return check{name: name, run: run, alone: true, args: args}
}

// of returns the check of a server that serves the files of site.
func (c check) of(site *Site) conform.Check {
	run := func(t *conform.Trial) { c.run(&trial{t, site}) }
	if !c.alone {
		return conform.Shared(c.name, run)
	}
	check := conform.Alone(c.name, run, c.args...).Tries(max(1, c.tries))
	if c.env != "" {
		tries := check.Run
		check.Run = func(s conform.Server) error { return tries(s.With(c.env)) }
	}
	return check
}
