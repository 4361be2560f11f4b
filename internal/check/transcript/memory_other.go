//go:build !linux

package transcript

// InMemory returns "": homes are in the system's folder for temporary files.
func InMemory() string { return "" }
