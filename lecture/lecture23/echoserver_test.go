package lecture23_test

import (
	"slices"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/lecture/internal/echotest"
)

func TestEchoserver(t *testing.T) {
	t.Parallel()
	conform.Run(t, echotest.OneRecv("echoserver"),
		slices.Concat(conform.Checks, echotest.OneRecvChecks))
}
