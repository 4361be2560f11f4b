package weave

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"fopnp/internal/check/transcript"
)

// play runs the transcripts of a page, those of a section in one session, and
// brings their blocks up to date. It runs them twice: in a bash that reads them as
// a script, which says what the blocks should show, and in one at a terminal,
// which must show the same.
func (b *Book) play(p *Page) {
	config := transcript.Config{Root: b.Root, Bin: b.Bin, Env: b.Env, Limit: b.Limit}
	script := stage{config: config, page: p}
	config.Terminal = true
	terminal := stage{config: config, page: p}
	var both sync.WaitGroup
	both.Go(script.play)
	both.Go(terminal.play)
	both.Wait()

	p.Problems = append(p.Problems, script.problems...)
	for _, block := range p.Blocks {
		if outputs := script.outputs[block]; outputs != nil {
			p.compare(block.Transcript, outputs, terminal.outputs[block])
			p.rewrite(block, outputs)
		}
	}
	for _, problem := range terminal.problems {
		if !problem.Skip && !slices.Contains(script.problems, problem) {
			problem.What = "at a terminal: " + problem.What
			p.Problems = append(p.Problems, problem)
		}
	}
	p.sortProblems()
}

// compare reports commands that print something else when they are typed at a
// terminal. It reports nothing if those outputs are nil.
func (p *Page) compare(t *transcript.Transcript, outputs, atTerminal []string) {
	for i := range atTerminal {
		was, is := t.Essence(outputs[i]), t.Essence(atTerminal[i])
		if was != is {
			p.report(t.Commands[i].Line, "at a terminal, this command prints something else\n"+difference(
				"in a script", was, "at a terminal", is))
		}
	}
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

// A stage is where the sessions of a page run.
type stage struct {
	config  transcript.Config
	page    *Page               // is not changed
	home    *transcript.Home    // nil if there is none that a session can use
	session *transcript.Session // nil if none runs
	section int                 // whose session it is
	host    string              // where it runs
	missing string              // the program that the section needs and the system does not have

	outputs  map[*Block][]string // of each block all of whose outputs are known
	problems []Problem
}

// play runs the transcripts of the page.
func (s *stage) play() {
	s.outputs = map[*Block][]string{}
	for _, block := range s.page.Blocks {
		if block.Transcript == nil {
			continue
		}
		if s.section != block.Section {
			s.end()
			s.section, s.missing = block.Section, ""
		}
		if s.missing == "" {
			s.missing = block.Transcript.Missing()
		}
		if s.missing != "" {
			s.problems = append(s.problems, Problem{
				Path: s.page.Path, Line: block.Line, Skip: true,
				What: fmt.Sprintf("not run, because this system has no %s", s.missing),
			})
			continue
		}
		if s.session != nil && s.host != block.Transcript.Host {
			s.report([]transcript.Problem{{Line: block.Line, What: "this block is on another host than the first one of its section"}})
			continue
		}
		if s.session == nil {
			if err := s.begin(block); err != nil {
				s.problems = append(s.problems, Problem{
					Path: s.page.Path, Line: block.Line, What: err.Error(),
					Skip: errors.Is(err, errors.ErrUnsupported),
				})
				continue
			}
		}
		outputs, problems := s.session.Play(block.Transcript)
		s.report(problems)
		if outputs != nil {
			s.outputs[block] = outputs
		}
	}
	s.end()
	s.leave()
}

func (s *stage) report(problems []transcript.Problem) {
	for _, problem := range problems {
		s.problems = append(s.problems, Problem{Path: s.page.Path, Line: problem.Line, What: problem.What})
	}
}

// begin starts the session of a section, whose first console block is b.
func (s *stage) begin(b *Block) (err error) {
	if s.home == nil {
		if s.home, err = s.config.NewHome(); err != nil {
			return err
		}
	}
	s.host = b.Transcript.Host
	s.session, err = s.home.StartOn(s.host, b.Line)
	return err
}

// end ends the session, if one runs. The next session gets the same home if the
// home can be cleaned.
func (s *stage) end() {
	if s.session == nil {
		return
	}
	s.report(s.session.End())
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
