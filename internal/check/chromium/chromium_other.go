//go:build wasm

package chromium

// Close does nothing, because no browser can be started.
func Close() {}
