package book

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"

	"fopnp/internal/check/weave"
)

// A word is a piece of a line that has one colour.
type word struct {
	class string // of the style sheet; "" for the colour of the text
	text  string
}

// classes are the colours of code. A token whose type is not here has the
// colour of its subcategory or category, or else that of the text.
var classes = map[chroma.TokenType]string{
	chroma.Keyword:       "k",
	chroma.KeywordType:   "t",
	chroma.NameBuiltin:   "t",
	chroma.NameFunction:  "f",
	chroma.LiteralString: "s",
	chroma.LiteralNumber: "m",
	chroma.Comment:       "c",
}

func class(t chroma.TokenType) string {
	for _, t := range []chroma.TokenType{t, t.SubCategory(), t.Category()} {
		if c, found := classes[t]; found {
			return c
		}
	}
	return ""
}

// lines returns the lines of a text, divided into words by its language. The
// caller must not change them: the pages of a listing, of its pairs and of its
// chapter share them.
func lines(language, text string) [][]word {
	key := [2]string{language, text}
	if divided, found := dividedBefore.Load(key); found {
		return divided.([][]word)
	}
	divided := divide(language, text)
	dividedBefore.Store(key, divided)
	return divided
}

// dividedBefore caches what lines has returned, by language and text. It cannot
// outgrow the book, because all texts come from there.
var dividedBefore sync.Map

func divide(language, text string) [][]word {
	var all [][]word
	for line := range strings.Lines(text) {
		all = append(all, []word{{text: strings.TrimSuffix(line, "\n")}})
	}
	lexer := lexers.Get(language)
	if lexer == nil {
		return all
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, text)
	if err != nil {
		return all
	}
	coloured := [][]word{nil}
	for _, token := range tokens.Tokens() {
		for i, piece := range strings.Split(token.Value, "\n") {
			if i > 0 {
				coloured = append(coloured, nil)
			}
			if piece != "" {
				last := &coloured[len(coloured)-1]
				*last = append(*last, word{class(token.Type), piece})
			}
		}
	}
	return coloured[:min(len(coloured), len(all))]
}

// write renders words.
func write(out *strings.Builder, line []word) {
	for _, w := range line {
		if w.class == "" {
			out.WriteString(escape(w.text))
			continue
		}
		fmt.Fprintf(out, `<span class="%s">%s</span>`, w.class, escape(w.text))
	}
}

// highlighted returns a text in the colours of its language, as HTML.
func highlighted(language, text string) string {
	var out strings.Builder
	for _, line := range lines(language, text) {
		write(&out, line)
		out.WriteByte('\n')
	}
	return out.String()
}

// numbered returns a file in the colours of its language, with an element for each
// line.
func numbered(language, name, text string, id func(string) string) string {
	var out strings.Builder
	for i, line := range lines(language, text) {
		fmt.Fprintf(&out, `<span class="line" id="%s">`, id(lineID(name, i+1)))
		write(&out, line)
		out.WriteString("\n</span>")
	}
	return out.String()
}

// lineID returns the id of a line of a file.
func lineID(file string, line int) string {
	return fmt.Sprintf("%s-%d", file[strings.LastIndex(file, "/")+1:], line)
}

// differences renders the text of a diff block, whose first two lines name both
// sides.
func differences(text string) string {
	var out strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		n++
		class := "line"
		switch {
		case n <= 2 || line[0] == '@':
			class += " hunk"
		case line[0] == '-':
			class += " gone"
		case line[0] == '+':
			class += " new"
		}
		fmt.Fprintf(&out, `<span class="%s">%s</span>`, class, escape(line))
	}
	return out.String()
}

// commands renders the commands of a console block and what they print.
func commands(block *weave.Block) string {
	var out strings.Builder
	n := 0 // commands so far
	command := func(typed string) {
		fmt.Fprintf(&out, `<span class="command" data-command="%d">`, n)
		for line := range strings.Lines(typed) {
			prompt := line[:min(2, len(line))]
			fmt.Fprintf(&out, `<span class="line"><span class="prompt">%s</span>%s</span>`,
				escape(prompt), escape(line[len(prompt):]))
		}
		out.WriteString("</span>")
		n++
	}
	if block.Transcript != nil {
		for _, c := range block.Transcript.Commands {
			command(c.Typed)
			out.WriteString(escape(c.Output))
		}
		return out.String()
	}
	// Without bash we cannot know where a command ends, unless it says so.
	rows := slices.Collect(strings.Lines(block.Text))
	for len(rows) > 0 {
		if !strings.HasPrefix(rows[0], "$ ") {
			out.WriteString(escape(rows[0]))
			rows = rows[1:]
			continue
		}
		typed := rows[0]
		for rows = rows[1:]; len(rows) > 0 && strings.HasPrefix(rows[0], "> "); rows = rows[1:] {
			typed += rows[0]
		}
		command(typed)
	}
	return out.String()
}
