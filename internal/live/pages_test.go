//go:build unix

package live

import (
	"slices"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/weave"
)

// special are the pages that need all that a session can do: a server and its log, hosts
// of the playground, and without a private network, programs that send a lot. The tests of
// the other pages type their blocks at a terminal, too, but not at one of a browser.
var special = map[bool][]string{
	false: {"README.md", "playground/README.md"},
	true:  {"README.md", "chapter03/README.md"}, // on the system's network
}

// Every block of every page prints what is on the page when a reader runs it: the last
// block of each section runs all of them.
func TestEveryBlock(t *testing.T) {
	both(t, func(t *testing.T, b *book) {
		for _, name := range pages {
			t.Run(name, func(t *testing.T) {
				if !progtest.All() && !slices.Contains(special[b.shared()], name) {
					t.Skip("only with -all")
				}
				if !b.shared() {
					t.Parallel()
				}
				c := b.visit(t)
				defer c.conn.CloseNow()
				page := b.pages[name]
				commands := 0
				blocked := map[int]bool{} // sections
				for i, block := range page.Blocks {
					if block.Transcript == nil {
						continue
					}
					if what := lacks(b, block); what != "" && !blocked[block.Section] {
						blocked[block.Section] = true
						t.Logf("line %d: there is no %s", block.Line, what)
					}
					if blocked[block.Section] {
						continue
					}
					commands += len(block.Transcript.Commands)
					if isLast(b, page.Blocks[i+1:], block) {
						c.run(name, i)
					}
				}
				c.allAsPrinted(commands)
				t.Logf("%d commands as printed, in %d sessions", commands, c.sessions)
			})
		}
	})
}

// lacks returns what a block needs and this machine does not have, or "".
func lacks(b *book, block *weave.Block) string {
	if b.shared() && block.Transcript.Host != "" {
		return "playground"
	}
	return block.Transcript.Missing()
}

// isLast reports whether no block of those that follow can run in the section of this one.
func isLast(b *book, following []*weave.Block, block *weave.Block) bool {
	for _, next := range following {
		if next.Transcript != nil && next.Section == block.Section {
			return lacks(b, next) != ""
		}
	}
	return true
}
