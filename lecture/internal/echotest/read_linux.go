package echotest

import "fopnp/internal/check/conform"

// waitUntilRead waits until the server has read all that c has sent.
func waitUntilRead(c *conform.Client) { c.WaitUntilRead() }
