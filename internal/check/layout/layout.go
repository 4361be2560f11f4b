// Package layout checks pictures in SVG: no text may overlap another text, lie on
// a curve, a bar or an axis, or be cut off. It knows the elements that package
// picture writes.
package layout

import (
	"encoding/xml"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"fopnp/internal/measured/picture"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// A Layout is where an SVG picture puts its texts and its shapes, in points from
// its top left corner.
type Layout struct {
	Texts  []string
	size   point
	labels []label
	shapes []shape
}

type point struct{ x, y float64 }

// A label is a text and the box around it.
type label struct {
	text     string
	min, max point
}

// A shape is a line, or the outline of an area.
type shape struct {
	points []point
	filled bool
}

// Faults lists the labels that overlap another label, lie on a shape or leave the
// picture.
func (l Layout) Faults() (faults []string) {
	report := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for i, a := range l.labels {
		if inside := a.min.x >= 0 && a.min.y >= 0 && a.max.x <= l.size.x && a.max.y <= l.size.y; !inside {
			report("%q is cut off", a.text)
		}
		for _, b := range l.labels[:i] {
			if a.min.x < b.max.x && b.min.x < a.max.x && a.min.y < b.max.y && b.min.y < a.max.y {
				report("%q overlaps %q", a.text, b.text)
			}
		}
		for _, s := range l.shapes {
			if a.liesOn(s) {
				report("%q lies on the shape that begins at %.0f", a.text, s.points[0])
				break
			}
		}
	}
	return faults
}

// liesOn reports whether a line of the shape crosses the label, or the label is
// inside a filled shape.
func (a label) liesOn(s shape) bool {
	inside := false
	center := point{(a.min.x + a.max.x) / 2, (a.min.y + a.max.y) / 2}
	for i, p := range s.points[1:] {
		q := s.points[i]
		if a.crosses(p, q) {
			return true
		}
		if (p.y > center.y) != (q.y > center.y) && center.x < p.x+(q.x-p.x)*(center.y-p.y)/(q.y-p.y) {
			inside = !inside
		}
	}
	return s.filled && inside
}

// crosses clips the line from p to q to the label's box, as Liang and Barsky do,
// and reports whether any of it is left.
func (a label) crosses(p, q point) bool {
	from, to := 0.0, 1.0
	for _, side := range []struct{ step, room float64 }{
		{p.x - q.x, p.x - a.min.x}, {q.x - p.x, a.max.x - p.x},
		{p.y - q.y, p.y - a.min.y}, {q.y - p.y, a.max.y - p.y},
	} {
		switch at := side.room / side.step; {
		case side.step == 0 && side.room < 0:
			return false
		case side.step < 0:
			from = max(from, at)
		case side.step > 0:
			to = min(to, at)
		}
	}
	return from < to
}

// Parse reads the elements and the attributes that package vgsvg writes.
func Parse(svg []byte) (l Layout, err error) {
	var root element
	if err := xml.Unmarshal(svg, &root); err != nil {
		return l, err
	}
	box := numbers(root.attr("viewBox"))
	l.size = point{box[2], box[3]}
	l.add(root, matrix{a: 1, d: 1})
	return l, nil
}

type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// add lays out an element; m maps its parent's coordinates to the page's.
func (l *Layout) add(e element, m matrix) {
	m = m.transformed(e.attr("transform"))
	switch e.XMLName.Local {
	case "path":
		l.addPath(e, m)
	case "text":
		l.addText(e, m)
	}
	for _, child := range e.Children {
		l.add(child, m)
	}
}

var fontSize = regexp.MustCompile(`font-size:([\d.]+)px`)

// addText gives a text as much room as the tallest and the deepest letters of
// Latin fonts need. If the text has no length of its own, it may turn out a
// fifth longer than in our font, because the reader may not have our font.
func (l *Layout) addText(e element, m matrix) {
	size := numbers(fontSize.FindStringSubmatch(e.attr("style"))[1])[0]
	x, y := numbers(e.attr("x"))[0], numbers(e.attr("y"))[0]
	style := text.Style{Font: picture.Sans, Handler: plot.DefaultTextHandler}
	style.Font.Size = vg.Length(size)
	width := 1.2 * style.Width(e.Text).Points()
	if length := e.attr("textLength"); length != "" {
		width = numbers(length)[0]
	}
	a := label{e.Text, point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}}
	for _, corner := range []point{{x, y - 0.76*size}, {x + width, y - 0.76*size}, {x, y + 0.22*size}, {x + width, y + 0.22*size}} {
		p := m.apply(corner)
		a.min = point{min(a.min.x, p.x), min(a.min.y, p.y)}
		a.max = point{max(a.max.x, p.x), max(a.max.y, p.y)}
	}
	l.labels = append(l.labels, a)
	l.Texts = append(l.Texts, a.text)
}

var pathCommand = regexp.MustCompile(`([A-Z])([^A-Z]*)`)

// addPath adds what a path draws. The square around an arc stands for it.
func (l *Layout) addPath(e element, m matrix) {
	filled := !strings.Contains(e.attr("style"), "fill:none")
	var current *shape
	add := func(p point) { current.points = append(current.points, m.apply(p)) }
	var last point
	for _, command := range pathCommand.FindAllStringSubmatch(e.attr("d"), -1) {
		v := numbers(command[2])
		switch command[1] {
		case "M":
			l.shapes = append(l.shapes, shape{filled: filled})
			current = &l.shapes[len(l.shapes)-1]
			last = point{v[0], v[1]}
			add(last)
		case "L":
			last = point{v[0], v[1]}
			add(last)
		case "A":
			r, end := v[0], point{v[5], v[6]}
			x, y := (last.x+end.x)/2, (last.y+end.y)/2
			for _, corner := range []point{{x - r, y - r}, {x + r, y - r}, {x + r, y + r}, {x - r, y + r}, {x - r, y - r}, end} {
				add(corner)
			}
			last = end
		case "Z":
			current.points = append(current.points, current.points[0])
		default:
			panic("a path has the command " + command[1])
		}
	}
}

// A matrix maps x, y to a*x + c*y + e, b*x + d*y + f, as in SVG.
type matrix struct{ a, b, c, d, e, f float64 }

func (m matrix) apply(p point) point {
	return point{m.a*p.x + m.c*p.y + m.e, m.b*p.x + m.d*p.y + m.f}
}

func (m matrix) times(n matrix) matrix {
	return matrix{
		m.a*n.a + m.c*n.b, m.b*n.a + m.d*n.b,
		m.a*n.c + m.c*n.d, m.b*n.c + m.d*n.d,
		m.a*n.e + m.c*n.f + m.e, m.b*n.e + m.d*n.f + m.f,
	}
}

var transformation = regexp.MustCompile(`(\w+)\(([^)]*)\)`)

// transformed returns m, preceded by the transformations of an attribute.
func (m matrix) transformed(attribute string) matrix {
	for _, t := range transformation.FindAllStringSubmatch(attribute, -1) {
		v := numbers(t[2])
		switch t[1] {
		case "translate":
			m = m.times(matrix{a: 1, d: 1, e: v[0], f: v[1]})
		case "scale":
			m = m.times(matrix{a: v[0], d: v[1]})
		case "rotate":
			sin, cos := math.Sincos(v[0] * math.Pi / 180)
			m = m.times(matrix{a: cos, b: sin, c: -sin, d: cos})
		default:
			panic("an element has the transformation " + t[1])
		}
	}
	return m
}

// numbers reads numbers between commas and blanks.
func numbers(s string) (all []float64) {
	for _, field := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			panic(err)
		}
		all = append(all, v)
	}
	return all
}
