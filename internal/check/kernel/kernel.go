// Package kernel asks Linux what it knows about other processes and about the
// sockets of this machine: what a test cannot learn from what a program prints
// and sends. On other systems the package is empty.
package kernel
