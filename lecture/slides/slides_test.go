//go:build unix || windows

package slides_test

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
	weave.TestPage(t, "lecture/slides/README.md", nil)
}

func TestScripts(t *testing.T) { script.Run(t, "../../testdata/lecture/slides") }

func TestComplaints(t *testing.T) { conform.Complaints(t, "lecture/slides") }

func TestWholeLines(t *testing.T) { progtest.WholeLines(t, "lecture/slides") }
