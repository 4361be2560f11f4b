//go:build !linux

package zentest

import "fopnp/internal/check/conform"

var linuxChecks []conform.Check
