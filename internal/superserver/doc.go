// Package superserver is a small inetd, for machines without one. It reads an
// inetd.conf, listens on the ports of all services in it, and starts a program
// when a client connects. Its configuration, options, signals and log lines
// follow Debian's openbsd-inetd.
//
// It differs in five ways. It skips a wrong entry, and logs the file and the
// line. If it cannot start a program, it closes the waiting client's connection,
// but does not suspend the service for ten minutes. Without /dev/log, it logs
// to stderr. An option chooses the file for the process ID. There are no RPC
// services and no TCP wrappers.
//
// Source: inetd(8)
package superserver
