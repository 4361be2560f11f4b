//go:build !linux

package webtest

var kernelChecks []check
