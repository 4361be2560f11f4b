package weave

import (
	"errors"
	"strings"

	"fopnp/internal/check/transcript"
)

// play runs the transcripts of a page, those of a section in one session, and
// brings their blocks up to date.
func (b *Book) play(p *Page) {
	s := stage{config: transcript.Config{Root: b.Root, Bin: b.Bin, Env: b.Env}, page: p}
	for _, block := range p.Blocks {
		if block.Transcript == nil {
			continue
		}
		if s.session != nil && s.section != block.Section {
			s.end()
		}
		if s.session == nil {
			if err := s.begin(block); err != nil {
				p.Problems = append(p.Problems, Problem{
					Path: p.Path, Line: block.Line, What: err.Error(),
					Skip: errors.Is(err, errors.ErrUnsupported),
				})
				continue
			}
		}
		outputs, problems := s.session.Play(block.Transcript)
		p.reportAll(problems)
		if outputs != nil {
			p.rewrite(block, outputs)
		}
	}
	s.end()
	s.leave()
	p.sortProblems()
}

// rewrite brings a console block up to date: its commands have printed outputs.
func (p *Page) rewrite(b *Block, outputs []string) {
	t := b.Transcript
	var fresh, was, is strings.Builder
	for i, c := range t.Commands {
		fresh.WriteString(c.Typed + outputs[i])
		was.WriteString(c.Typed + t.Essence(c.Output))
		is.WriteString(c.Typed + t.Essence(outputs[i]))
	}
	p.replace(b, fresh.String(), was.String(), is.String())
	if b.Text == fresh.String() {
		for i := range t.Commands {
			t.Commands[i].Output = outputs[i]
		}
	}
}

func (p *Page) reportAll(problems []transcript.Problem) {
	for _, problem := range problems {
		p.report(problem.Line, problem.What)
	}
}

// A stage is where the sessions of a page run.
type stage struct {
	config  transcript.Config
	page    *Page
	home    *transcript.Home    // nil if there is none that a session can use
	session *transcript.Session // nil if none runs
	section int                 // whose session it is
}

// begin starts the session of a section, whose first console block is b.
func (s *stage) begin(b *Block) (err error) {
	if s.home == nil {
		if s.home, err = s.config.NewHome(); err != nil {
			return err
		}
	}
	s.section = b.Section
	s.session, err = s.home.Start(b.Line)
	return err
}

// end ends the session, if one runs. The next can have its home if it can be
// cleaned.
func (s *stage) end() {
	if s.session == nil {
		return
	}
	s.page.reportAll(s.session.End())
	s.session = nil
	if !s.home.Clean() {
		s.leave()
	}
}

func (s *stage) leave() {
	if s.home != nil {
		s.home.Remove()
		s.home = nil
	}
}
