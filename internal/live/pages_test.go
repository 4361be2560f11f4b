//go:build unix

package live

import (
	"fmt"
	"slices"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/weave"
)

// special are the pages that need all that a session can do: a server and its log,
// hosts of the playground, and without a private network, programs that send a lot. The
// other pages' own tests also type their blocks at a terminal, but without a browser.
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
				// On private networks, two readers share the sections of a page, because
				// many commands only wait for their network.
				readers := 2
				if b.shared() || progtest.All() { // then the pages fill the server's places
					readers = 1
				}
				for n := range readers {
					t.Run(fmt.Sprintf("reader %d", n+1), func(t *testing.T) {
						if !b.shared() {
							t.Parallel()
						}
						runBlocks(t, b, name, func(section int) bool { return section%readers == n })
					})
				}
			})
		}
	})
}

// runBlocks runs the blocks of a page that are in some of its sections, as one reader.
func runBlocks(t *testing.T, b *book, name string, isOurs func(section int) bool) {
	c := b.visit(t)
	defer c.conn.CloseNow()
	page := b.pages[name]
	commands := 0
	blocked := map[int]bool{} // sections
	for i, block := range page.Blocks {
		if block.Transcript == nil || !isOurs(block.Section) {
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
