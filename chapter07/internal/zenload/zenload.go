// Package zenload runs the workloads of package zenbench: it asks Zen servers
// questions and measures what that costs them. It needs Linux, whose kernel
// reports the CPU time and the memory of a process. On other systems, the
// package is empty.
package zenload
