package argparse

// words are all the arguments behind those that have a place.
type words struct {
	name, help string
	given      []string
}

func (w *words) metavar() string { return "[" + w.name + " ...]" }

// Words declares that the caller may give any number of arguments more, or none:
// argparse's nargs='*'.
func (p *Parser) Words(name, help string) *[]string {
	p.words = &words{name: name, help: help}
	return &p.words.given
}
