// Package chatload runs the workloads of package chatbench: it fills chats with
// clients and measures what that costs the servers. It needs Linux, whose kernel
// reports the CPU time and the memory of a process. On other systems, the
// package is empty.
package chatload
