// Package fopnp has no code of its own: its tests build every listing once and
// hold them against their texts. The scripts in testdata/ prove what each
// listing does (script_test.go), and the READMEs are run and compared with what
// they print (readme_test.go).
package fopnp

import (
	"os"
	"testing"

	"fopnp/internal/literate"
	"fopnp/internal/progtest"
)

func TestMain(m *testing.M) {
	literate.Main()
	os.Exit(progtest.Main(m))
}
