package progtest

import "fopnp/internal/check/kernel"

// EachDescriptor calls visit with a copy of each open descriptor of the server:
// see kernel.EachDescriptor.
func (s *Server) EachDescriptor(visit func(fd int)) error {
	return kernel.EachDescriptor(s.Pid, visit)
}
