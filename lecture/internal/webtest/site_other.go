//go:build !unix

package webtest

// addSpecial adds nothing: see site_unix.go.
func (s *Site) addSpecial() error { return nil }
