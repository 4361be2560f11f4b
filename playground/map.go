package main

import (
	"fmt"
	"strings"

	"fopnp/internal/netlab"
)

// The map has this many columns and rows.
const columns, rows = 6, 5

// place returns a host's column and row on the map.
func place(h *netlab.Host) (column, row int) {
	at := places[h.Short()]
	return at.column, at.row
}

// ends returns the host that is alone in its column among the ends of a wire, and all
// other ends. If there is no such host, hub is nil.
func ends(w netlab.Wire) (hub *netlab.Host, others []*netlab.Host) {
	var count [columns]int
	for _, e := range w.Ends {
		column, _ := place(e.Host)
		count[column]++
	}
	for _, e := range w.Ends {
		if column, _ := place(e.Host); count[column] == 1 && hub == nil {
			hub = e.Host
		} else {
			others = append(others, e.Host)
		}
	}
	return hub, others
}

// servicesOf returns the names of a host's services with their ports, or without.
func servicesOf(h *netlab.Host, ports bool) string {
	var names []string
	for _, s := range h.Services {
		name := s.Name
		if ports {
			name += fmt.Sprint(" ", s.Port)
		}
		if ports && s.TLS > 0 {
			name += fmt.Sprint(" ", s.TLS)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// table returns a line for each host, with its name, addresses and services.
func table() string {
	var text strings.Builder
	line := func(name, addresses, services string) {
		text.WriteString(strings.TrimRight(fmt.Sprintf("%-17s %-22s %s", name, addresses, services), " ") + "\n")
	}
	line("host", "addresses", "services, besides SSH 22")
	for _, h := range playground.Hosts {
		line(h.Full(), strings.Trim(fmt.Sprint(h.Addresses()), "[]"), servicesOf(h, true))
	}
	return text.String()
}

// A drawing consists of words, and lines between them.
type drawing struct {
	text  [][]rune
	lines [][]int // in which directions lines leave each place: see the bits below
}

const (
	left = 1 << iota
	right
	up
	down
)

// strokes has a character for each set of directions.
var strokes = []rune(" ───╵┘└┴╷┐┌┬│┤├┼")

func newDrawing(width, height int) *drawing {
	d := &drawing{}
	for range height {
		d.text = append(d.text, []rune(strings.Repeat(" ", width)))
		d.lines = append(d.lines, make([]int, width))
	}
	return d
}

func (d *drawing) write(x, y int, word string) { copy(d.text[y][x:], []rune(word)) }

// across draws a line from one place to another in the same row.
func (d *drawing) across(y, from, to int) {
	for x := from; x < to; x++ {
		d.lines[y][x] |= right
		d.lines[y][x+1] |= left
	}
}

// along draws a line from one place to another in the same column.
func (d *drawing) along(x, from, to int) {
	for y := min(from, to); y < max(from, to); y++ {
		d.lines[y][x] |= down
		d.lines[y+1][x] |= up
	}
}

func (d *drawing) String() string {
	var text strings.Builder
	for y, row := range d.text {
		for x := range row {
			if row[x] == ' ' {
				row[x] = strokes[d.lines[y][x]]
			}
		}
		text.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return text.String()
}

// textMap draws the map as text. It shows the name of each host, with its address
// below. The lines are wires.
func textMap() string {
	const between, lines = 4, 3 // characters between two columns, lines for each row
	var start, width [columns]int
	for _, h := range playground.Hosts {
		column, _ := place(h)
		width[column] = max(width[column], len(h.Short()), len(h.Address().String()))
	}
	for i := 1; i < columns; i++ {
		start[i] = start[i-1] + width[i-1] + between
	}
	d := newDrawing(start[columns-1]+width[columns-1], lines*rows-1)
	for _, h := range playground.Hosts {
		column, row := place(h)
		d.write(start[column], lines*row, h.Short())
		d.write(start[column], lines*row+1, h.Address().String())
	}
	for _, w := range playground.Wires() {
		hub, others := ends(w)
		hubColumn, hubRow := place(hub)
		for _, h := range others {
			column, row := place(h)
			a, b, aRow, bRow := hub, h, hubRow, row // from left to right
			if column < hubColumn {
				a, b, aRow, bRow = h, hub, row, hubRow
			}
			aColumn, _ := place(a)
			bColumn, _ := place(b)
			turn := start[bColumn] - between/2 - 1
			d.across(lines*aRow, start[aColumn]+len(a.Short())+1, turn)
			d.along(turn, lines*aRow, lines*bRow)
			d.across(lines*bRow, turn, start[bColumn]-2)
		}
	}
	return d.String()
}

// svgMap draws the map as an SVG picture. Its colours are those of the other pictures
// in this repository, which are readable on light and on dark pages.
func svgMap() string {
	const (
		columnWidth, rowHeight = 168, 66
		width, height          = 134, 46 // of a host
		margin, label          = 14, 16
	)
	at := func(h *netlab.Host) (x, y int) {
		column, row := place(h)
		return margin + column*columnWidth, margin + label + row*rowHeight
	}
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="The hosts of the playground and the wires between them">
<g font-family="system-ui,sans-serif" font-size="13" fill="#787B80">
<g fill="none" stroke="#787B80" stroke-width="1.5">
`, 2*margin+(columns-1)*columnWidth+width, 2*margin+label+(rows-1)*rowHeight+height)
	for _, w := range playground.Wires() {
		hub, others := ends(w)
		for _, h := range others {
			x1, y1 := at(hub)
			x2, y2 := at(h)
			if x1 > x2 {
				x1, y1, x2, y2 = x2, y2, x1, y1
			}
			x1, y1, y2 = x1+width, y1+height/2, y2+height/2
			middle := (x1 + x2) / 2
			fmt.Fprintf(&svg, `<path d="M%d %dC%d %d %d %d %d %d"><title>%s</title></path>`+"\n",
				x1, y1, middle, y1, middle, y2, x2, y2, w.Name)
		}
	}
	svg.WriteString("</g>\n")
	for _, h := range playground.Hosts {
		x, y := at(h)
		fmt.Fprintf(&svg, `<rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="none" stroke="#787B80"/>`,
			x, y, width, height)
		text := func(attributes string, dy int, words string) {
			fmt.Fprintf(&svg, `<text %s x="%d" y="%d">%s</text>`, attributes, x+9, y+dy, words)
		}
		text(`font-size="13"`, 19, h.Full())
		text(`font-size="12"`, 36, h.Address().String())
		if names := servicesOf(h, false); names != "" {
			text(`font-size="12" fill="#0072B2"`, -4, names)
		}
		svg.WriteString("\n")
	}
	svg.WriteString("</g>\n</svg>\n")
	return svg.String()
}
