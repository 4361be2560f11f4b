// Package superserver is a small inetd, for machines that have none. It reads
// an inetd.conf, listens for all services in it, and starts a program when a
// client comes. It follows Debian's openbsd-inetd, in the configuration, the
// options, the signals and the lines that it logs.
//
// It differs in five ways. A wrong entry is skipped, and the log names its file
// and line. A program that cannot be started costs the waiting client its
// connection, and not the service ten minutes. Without /dev/log the log is
// stderr. The file of the process id can be chosen. There are no RPC services
// and no TCP wrappers.
//
// Source: inetd(8)
package superserver
