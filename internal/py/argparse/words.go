package argparse

// words are all the arguments after those that have a position.
type words struct {
	name, help string
	needed     bool // there must be one
	given      []string
}

// inUsage returns what the usage shows for the words.
func (w *words) inUsage() string {
	if w.needed {
		return w.name + " [" + w.name + " ...]"
	}
	return "[" + w.name + " ...]"
}

// metavar returns what the help shows for the words.
func (w *words) metavar() string {
	if w.needed {
		return w.name
	}
	return w.inUsage()
}

// Words declares that any number of further arguments may follow, or none. In
// argparse, this is nargs='*'.
func (p *Parser) Words(name, help string) *[]string {
	p.words = &words{name: name, help: help}
	return &p.words.given
}

// NeededWords declares that one or more further arguments must follow. In
// argparse, this is nargs='+'.
func (p *Parser) NeededWords(name, help string) *[]string {
	p.words = &words{name: name, help: help, needed: true}
	return &p.words.given
}
