// Package basics holds supporting code for the listings of the basics.
//
// Source: Network Programming - Server & Client A: Basics
package basics
