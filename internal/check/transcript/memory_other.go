//go:build !linux

package transcript

// inMemory returns "": homes are in the system's folder for temporary files.
func inMemory() string { return "" }
