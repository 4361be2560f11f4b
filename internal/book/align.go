package book

import (
	"slices"
	"strings"
	"unicode"
)

// A row is a line of each side, or of one of them.
type row struct {
	kind        string // same, changed, other, gone, new
	left, right int    // the numbers of the lines, or 0
	a, b        []word
}

// sideBySide returns all lines of two Go sources beside each other.
func sideBySide(a, b string) (rows []row) {
	as, bs := lines("go", a), lines("go", b)
	at, bt := textsOf(as), textsOf(bs)
	aw, bw := splitAll(at), splitAll(bt)
	i, j := 0, 0
	emit := func(kind string, left, right bool) {
		r := row{kind: kind}
		if left {
			r.left, r.a = i+1, as[i]
			i++
		}
		if right {
			r.right, r.b = j+1, bs[j]
			j++
		}
		if kind == "changed" {
			r.a, r.b = markChanges(r.a, r.b)
		}
		rows = append(rows, r)
	}
	// until shows the lines of both sides before a pair.
	until := func(p match) {
		for i < p.i && j < p.j {
			emit("other", true, true)
		}
		for i < p.i {
			emit("gone", true, false)
		}
		for j < p.j {
			emit("new", false, true)
		}
	}
	matches := align(len(as), len(bs), func(i, j int) int { return resemblance(aw[i], bw[j]) })
	for _, p := range matches {
		until(p)
		if at[p.i] == bt[p.j] {
			emit("same", true, true)
		} else {
			emit("changed", true, true)
		}
	}
	until(match{len(as), len(bs)})
	return rows
}

func textsOf(lines [][]word) []string {
	texts := make([]string, len(lines))
	for i, line := range lines {
		for _, w := range line {
			texts[i] += w.text
		}
	}
	return texts
}

// A match says that element i of one sequence belongs to element j of the other.
type match struct{ i, j int }

// align returns the matches, in order, whose scores have the greatest sum. Elements
// with the score 0 do not match.
func align(n, m int, score func(i, j int) int) (matches []match) {
	// best(i, j) is the greatest sum for the elements from i and from j on.
	width := m + 1
	sums, scores := make([]int, (n+1)*width), make([]int, (n+1)*width)
	best := func(i, j int) int { return sums[i*width+j] }
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			sum := max(best(i+1, j), best(i, j+1))
			if s := score(i, j); s > 0 {
				scores[i*width+j] = s
				sum = max(sum, best(i+1, j+1)+s)
			}
			sums[i*width+j] = sum
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case scores[i*width+j] > 0 && best(i, j) == best(i+1, j+1)+scores[i*width+j]:
			matches = append(matches, match{i, j})
			i, j = i+1, j+1
		case best(i, j) == best(i+1, j):
			i++
		default:
			j++
		}
	}
	return matches
}

// A splitLine is a line to compare: its words, without the blanks at both ends,
// and their total length.
type splitLine struct {
	text   string // with the blanks
	words  []string
	length int
}

func splitAll(lines []string) []splitLine {
	all := make([]splitLine, len(lines))
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		all[i] = splitLine{line, split(trimmed), len(trimmed)}
	}
	return all
}

// resemblance returns how well two lines match: twice the length of their common
// words, or 0 if that is less than half of both lines' length. Identical lines get
// 2 more, even if they are empty.
func resemblance(a, b splitLine) int {
	if a.text == b.text {
		return 2 + 2*a.length
	}
	all := a.length + b.length
	if 4*min(a.length, b.length) < all {
		return 0 // even if one is a part of the other
	}
	most := 0 // an upper bound, whatever the order of the words
	for _, w := range a.words {
		if slices.Contains(b.words, w) {
			most += 2 * len(w)
		}
	}
	if 2*most < all {
		return 0
	}
	common := 0
	for _, p := range sameWords(a.words, b.words) {
		common += 2 * len(a.words[p.i])
	}
	if 2*common < all {
		return 0
	}
	return common
}

func sameWords(a, b []string) []match {
	return align(len(a), len(b), func(i, j int) int {
		if a[i] != b[j] {
			return 0
		}
		return len(a[i])
	})
}

// split divides a line into names and numbers, runs of blanks, and single other
// characters.
func split(line string) (words []string) {
	kind := func(r rune) int {
		switch {
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return 1
		case unicode.IsSpace(r):
			return 2
		}
		return 3
	}
	last := 0
	for _, r := range line {
		k := kind(r)
		if k == last && k != 3 {
			words[len(words)-1] += string(r)
		} else {
			words = append(words, string(r))
		}
		last = k
	}
	return words
}

// markChanges marks the words that only one of two lines has.
func markChanges(a, b []word) (markedA, markedB []word) {
	at, bt := split(textsOf([][]word{a})[0]), split(textsOf([][]word{b})[0])
	inA, inB := make([]bool, len(at)), make([]bool, len(bt))
	for _, p := range sameWords(at, bt) {
		inA[p.i], inB[p.j] = true, true
	}
	return mark(a, at, inA), mark(b, bt, inB)
}

// mark adds the class "changed" to the parts of a line for which same is false. The
// parts make up the line.
func mark(line []word, parts []string, same []bool) (marked []word) {
	part, rest := 0, ""
	if len(parts) > 0 {
		rest = parts[0]
	}
	for _, w := range line {
		for text := w.text; text != ""; {
			n := min(len(text), len(rest))
			class := w.class
			if !same[part] {
				class = strings.TrimSpace(class + " changed")
			}
			if k := len(marked) - 1; k >= 0 && marked[k].class == class {
				marked[k].text += text[:n]
			} else {
				marked = append(marked, word{class, text[:n]})
			}
			text, rest = text[n:], rest[n:]
			if rest == "" && part+1 < len(parts) {
				part++
				rest = parts[part]
			}
		}
	}
	return marked
}
