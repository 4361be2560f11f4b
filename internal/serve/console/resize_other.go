//go:build !unix

package console

// whenResized does nothing, because there is no signal for it.
func (c *Console) whenResized() {}
