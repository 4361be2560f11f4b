//go:build !linux

package listings_test

import (
	"testing"

	"fopnp/internal/check/progtest"
)

func listensAt(*testing.T, *progtest.Server, string) {}
