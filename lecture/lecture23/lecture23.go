// Package lecture23 holds what the listings of lecture 23 need and are not
// about.
//
// Source: Lecture 23, 16.3 Basic Network Services
package lecture23
