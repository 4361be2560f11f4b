package netns

// A Refusal is the error of a system that does not grant namespaces.
type Refusal struct {
	Err    error  // what the kernel said
	Cause  string // why, as a sentence without its full stop
	Remedy string // what the user can do; it may have several lines
}

func (r *Refusal) Error() string { return r.Err.Error() + ": " + r.Cause }

func (r *Refusal) Unwrap() error { return r.Err }
