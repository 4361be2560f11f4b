// Package zenload asks Zen servers questions and measures what that costs them:
// the workloads of package zenbench, made real. It needs Linux, whose kernel
// tells what it has spent on a process and where its memory went; elsewhere the
// package is empty.
package zenload
