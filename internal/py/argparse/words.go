package argparse

// words are all the arguments after those that have a position.
type words struct {
	name, help string
	given      []string
}

func (w *words) metavar() string { return "[" + w.name + " ...]" }

// Words declares that any number of further arguments may follow, or none. In
// argparse, this is nargs='*'.
func (p *Parser) Words(name, help string) *[]string {
	p.words = &words{name: name, help: help}
	return &p.words.given
}
