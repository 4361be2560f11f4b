//go:build unix || windows

package tincanchat_test

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

func TestScripts(t *testing.T) { script.Run(t, "../../testdata/lecture/tincanchat") }

func TestComplaints(t *testing.T) { conform.Complaints(t, "lecture/tincanchat") }

func TestWholeLines(t *testing.T) { progtest.WholeLines(t, "lecture/tincanchat") }

func TestREADME(t *testing.T) {
	t.Parallel()
	weave.TestPage(t, "lecture/tincanchat/README.md", nil)
}
