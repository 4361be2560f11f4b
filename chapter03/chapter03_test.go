//go:build unix || windows

// Package chapter03 has no code of its own. Its tests run the chapter's page and
// scripts, and show that tcp_deadlock does deadlock.
package chapter03

import (
	"os"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/script"
	"fopnp/internal/check/weave"
)

func TestMain(m *testing.M) {
	weave.Main()
	os.Exit(progtest.Main(m))
}

func TestREADME(t *testing.T) {
	t.Parallel()
	weave.TestPage(t, "chapter03/README.md", nil)
}

func TestScripts(t *testing.T) { script.Run(t, "../testdata/chapter03") }

func TestComplaints(t *testing.T) { conform.Complaints(t, "chapter03") }

func TestWholeLines(t *testing.T) { progtest.WholeLines(t, "chapter03") }
