//go:build !linux

package conform

var unaskedKernelChecks []Check
