//go:build unix || windows

// Package chapter07 has no code of its own. Its tests run the chapter's page
// and scripts. They do to the servers what clients on the internet may do to
// them (zen_test.go), run the inetd pair under the super-servers that start it,
// and check what each server costs.
package chapter07

import (
	"flag"
	"os"
	"testing"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/chapter07/internal/zenplot"
	"fopnp/internal/check/conform"
	"fopnp/internal/check/layout"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/script"
	"fopnp/internal/check/weave"
)

func TestMain(m *testing.M) {
	variant()
	superServer()
	conform.Main()
	weave.Main()
	flag.Set("test.benchtime", "1x") // BenchmarkZen measures before its sub-benchmarks begin
	os.Exit(progtest.Main(m))
}

func TestREADME(t *testing.T) {
	t.Parallel()
	data, err := zenbench.Load("bench")
	if err != nil {
		t.Fatal(err)
	}
	weave.TestPage(t, "chapter07/README.md", data.Say)
}

func TestScripts(t *testing.T) { script.Run(t, "../testdata/chapter07") }

func TestComplaints(t *testing.T) { conform.Complaints(t, "chapter07") }

// The pictures show the data that are in the same folder.
func TestPictures(t *testing.T) {
	data, err := zenbench.Load("bench")
	if err != nil {
		t.Fatal(err)
	}
	layout.TestPictures(t, "bench", data, zenplot.Pictures)
}

func TestWholeLines(t *testing.T) { progtest.WholeLines(t, "chapter07") }
