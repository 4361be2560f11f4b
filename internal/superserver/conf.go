package superserver

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Service is one entry of an inetd.conf.
type Service struct {
	Line     int      // where the entry begins, counted from 1
	Hosts    []string // addresses or names to listen at, or "*" for all; none for unix
	Name     string   // a port number, a name in /etc/services, or the path of a unix socket
	Type     string   // "stream" or "dgram"
	Protocol string   // "tcp" or "udp", perhaps followed by 4, 6 or 46, or else "unix"

	// Sizes of the socket's buffers in bytes, or 0 for what the system chooses.
	SendBuffer, ReceiveBuffer int

	Wait        bool   // the program gets the listening socket
	Max         int    // how many times per minute the program may start, or 0 for the default
	User, Group string // the user and group that the program runs as; Group may be ""
	Program     string // a path, or "internal"
	Args        []string
}

// internal stands for the program of services that the super-server provides
// itself.
const internal = "internal"

// Parse parses an inetd.conf. It returns the correct entries. The error has one
// line for each wrong entry, which begins with file and the line number.
//
// An entry has six fields or more, separated by blanks:
//
//	[HOST[,HOST...]:]SERVICE stream|dgram PROTOCOL wait|nowait[.MAX] USER[:GROUP] PROGRAM [ARGUMENT...]
//
// The first argument is argv[0], the name by which the program is called. A
// line that begins with a blank continues the entry above it. Any other line is
// a comment if its first field begins with #. A line with only HOST: applies to
// all following entries that name no host. There is no quoting, so an argument
// cannot contain blanks.
//
// Source: inetd(8) of OpenBSD, as Debian has it
func Parse(file, text string) ([]Service, error) {
	var services []Service
	var faults []error
	hosts := []string{"*"}
	for _, e := range entries(text) {
		if given, found := strings.CutSuffix(e.fields[0], ":"); found && len(e.fields) == 1 {
			hosts = splitHosts(given)
			continue
		}
		service, err := parseEntry(e.fields, hosts)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, e.line, err))
			continue
		}
		service.Line = e.line
		services = append(services, service)
	}
	return services, errors.Join(faults...)
}

// An entry is a line of the file together with its continuation lines.
type entry struct {
	line   int
	fields []string
}

func entries(text string) (all []entry) {
	continues := false // the entry above
	for i, line := range strings.Split(text, "\n") {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' })
		switch {
		case len(fields) == 0 || line[0] == '#':
			continues = false
		case continues && (line[0] == ' ' || line[0] == '\t'):
			last := &all[len(all)-1]
			last.fields = append(last.fields, fields...)
		case fields[0][0] == '#':
			continues = false
		default:
			all = append(all, entry{i + 1, fields})
			continues = true
		}
	}
	return all
}

func parseEntry(fields, hosts []string) (s Service, err error) {
	if len(fields) < 6 {
		return s, fmt.Errorf("%s: an entry needs 6 fields, and this one has %d", fields[0], len(fields))
	}
	s = Service{Name: fields[0], Type: fields[1], Program: fields[5], Args: fields[6:]}
	buffers := ""
	s.Protocol, buffers, _ = strings.Cut(fields[2], ",")
	protocols := map[string][]string{
		"stream": {"tcp", "tcp4", "tcp6", "tcp46", "unix"},
		"dgram":  {"udp", "udp4", "udp6", "udp46", "unix"},
	}[s.Type]
	switch {
	case protocols == nil:
		return s, fmt.Errorf("%s: the socket type %q is neither stream nor dgram", s.Name, s.Type)
	case !slices.Contains(protocols, s.Protocol):
		return s, fmt.Errorf("%s: there is no %s socket of protocol %q", s.Name, s.Type, s.Protocol)
	}
	if s.Protocol != "unix" {
		s.Hosts = hosts
		if i := strings.LastIndexByte(s.Name, ':'); i >= 0 {
			s.Hosts, s.Name = splitHosts(s.Name[:i]), s.Name[i+1:]
		}
		if s.Name == "" {
			return s, fmt.Errorf("%s: the service has no name", fields[0])
		}
	}
	if err := s.parseBuffers(buffers); err != nil {
		return s, fmt.Errorf("%s: %w", s.Name, err)
	}
	if err := s.parseWait(fields[3]); err != nil {
		return s, fmt.Errorf("%s: %w", s.Name, err)
	}
	separator := "."
	if strings.Contains(fields[4], ":") {
		separator = ":"
	}
	s.User, s.Group, _ = strings.Cut(fields[4], separator)
	if s.User == "" {
		return s, fmt.Errorf("%s: %q names no user", s.Name, fields[4])
	}
	if s.Program != internal && s.Program[0] != '/' {
		return s, fmt.Errorf("%s: the program %q is not an absolute path", s.Name, s.Program)
	}
	if s.Program != internal && len(s.Args) == 0 {
		s.Args = []string{path.Base(s.Program)}
	}
	return s, nil
}

// splitHosts splits a list of hosts. An empty list means all addresses.
func splitHosts(list string) (hosts []string) {
	for host := range strings.SplitSeq(list, ",") {
		if host = strings.Trim(host, "[]"); host != "" {
			hosts = append(hosts, host)
		}
	}
	if hosts == nil {
		return []string{"*"}
	}
	return hosts
}

// parseBuffers parses "sndbuf=16384,rcvbuf=64k". 1k is 1024 bytes, 1m 1024k.
func (s *Service) parseBuffers(text string) error {
	if text == "" {
		return nil
	}
	for option := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(option, "=")
		size := map[string]*int{"sndbuf": &s.SendBuffer, "rcvbuf": &s.ReceiveBuffer}[name]
		if size == nil {
			return fmt.Errorf("the option %q is neither sndbuf nor rcvbuf", option)
		}
		digits := strings.TrimRight(value, "km")
		shift := map[string]int{"": 0, "k": 10, "m": 20}[value[len(digits):]]
		n, err := strconv.ParseUint(digits, 10, 31-shift)
		if err != nil || n == 0 || len(value) > len(digits)+1 {
			return fmt.Errorf("the buffer size %q is not a number of bytes", value)
		}
		*size = int(n) << shift
	}
	return nil
}

func (s *Service) parseWait(field string) error {
	mode, limit, limited := strings.Cut(field, ".")
	if mode != "wait" && mode != "nowait" {
		return fmt.Errorf("%q is neither wait nor nowait", mode)
	}
	s.Wait = mode == "wait"
	if !limited {
		return nil
	}
	n, err := strconv.ParseUint(limit, 10, 31)
	if err != nil || n == 0 {
		return fmt.Errorf("the limit %q is not a number of starts a minute", limit)
	}
	s.Max = int(n)
	return nil
}
