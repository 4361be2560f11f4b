package basics_test

import (
	"testing"

	"fopnp/lecture/internal/filetest"
)

func TestFileServer(t *testing.T) {
	t.Parallel()
	filetest.Run(t, "file_server")
}
