package basics_test

import (
	"testing"

	"fopnp/lecture/internal/echotest"
)

func TestEchoServer(t *testing.T) {
	t.Parallel()
	echotest.RunOneClient(t, "echo_server")
}
