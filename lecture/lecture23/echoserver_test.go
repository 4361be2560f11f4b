package lecture23_test

import (
	"testing"

	"fopnp/lecture/internal/echotest"
)

func TestEchoserver(t *testing.T) {
	t.Parallel()
	echotest.RunOneRecv(t, "echoserver")
}
