//go:build unix || windows

package lecture23_test

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

func TestScripts(t *testing.T) { script.Run(t, "../../testdata/lecture/lecture23") }

func TestComplaints(t *testing.T) { conform.Complaints(t, "lecture/lecture23") }

func TestWholeLines(t *testing.T) { progtest.WholeLines(t, "lecture/lecture23") }
