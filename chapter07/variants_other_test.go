//go:build !linux

package chapter07

func variant() {}

func superServer() {}
