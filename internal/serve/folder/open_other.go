//go:build !unix

package folder

const neverWait = 0
