// Package basics holds the supporting code of the listings of the basics.
//
// Source: Network Programming - Server & Client A: Basics
package basics
