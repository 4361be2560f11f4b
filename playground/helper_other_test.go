//go:build windows || (unix && !linux)

package main

func becomeHelper() {}
