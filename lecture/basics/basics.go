// Package basics holds what the listings of the basics need and are not about.
//
// Source: Network Programming - Server & Client A: Basics
package basics
