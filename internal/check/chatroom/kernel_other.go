//go:build !linux

package chatroom

import "fopnp/internal/check/conform"

var (
	kernelChecks, repeated []check
	kernelNames            []string
)

// awaitRead does nothing, because only Linux tells what a server has read.
func awaitRead(*conform.Client) {}

// awaitArrival does nothing, because only Linux tells what has arrived.
func awaitArrival(*conform.Client) {}

// waiting returns 0, because only Linux tells what the kernel has taken.
func waiting(*conform.Client, int) int { return 0 }
