// Package webload runs the workloads of package webbench: it asks servers for
// files and measures what that costs them. It needs Linux, whose kernel reports
// the CPU time and the memory of a process. On other systems, the package is
// empty.
package webload
