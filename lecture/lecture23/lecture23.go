// Package lecture23 holds the supporting code of the listings of lecture 23.
//
// Source: Lecture 23, 16.3 Basic Network Services
package lecture23
