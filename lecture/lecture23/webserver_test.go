package lecture23_test

import (
	"testing"

	"fopnp/lecture/internal/webtest"
)

// The web server meets its contract.
func TestWebserver(t *testing.T) {
	t.Parallel()
	webtest.Run(t, "webserver")
}
