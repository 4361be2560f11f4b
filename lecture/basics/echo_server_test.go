package basics_test

import (
	"slices"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/lecture/internal/echotest"
)

func TestEchoServer(t *testing.T) {
	t.Parallel()
	conform.Run(t, echotest.OneClient("echo_server"),
		slices.Concat(conform.Checks, echotest.OneClientChecks))
}
