// Package lecture23 holds supporting code for the listings of lecture 23.
//
// Source: Lecture 23, 16.3 Basic Network Services
package lecture23
