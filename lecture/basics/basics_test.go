//go:build unix || windows

package basics_test

import (
	"os"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/script"
	"fopnp/internal/check/weave"
	"fopnp/lecture/internal/webbench"
)

func TestMain(m *testing.M) {
	weave.Main()
	os.Exit(progtest.Main(m))
}

func TestREADME(t *testing.T) {
	t.Parallel()
	data, err := webbench.Load("../bench")
	if err != nil {
		t.Fatal(err)
	}
	weave.TestPage(t, "lecture/basics/README.md", data.Say)
}

func TestScripts(t *testing.T) { script.Run(t, "../../testdata/lecture/basics") }

func TestComplaints(t *testing.T) { conform.Complaints(t, "lecture/basics") }

func TestWholeLines(t *testing.T) { progtest.WholeLines(t, "lecture/basics") }
