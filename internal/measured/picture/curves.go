package picture

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"fopnp/internal/measured"
)

// One renders one diagram. If err is not nil, it returns err instead.
func One(height vg.Length, p *plot.Plot, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return Render(height, p.Draw)
}

// A Curve shows how one value of a server depends on another.
type Curve struct {
	Server string
	Style  Style
	Points plotter.XYs
}

// ByClients returns a server's values for a workload, one for each number of
// clients, multiplied by scale.
func ByClients(data *measured.Data, workload, server, unit string, scale float64) (points plotter.XYs) {
	for _, m := range data.Measurements {
		if value := m.Best(unit); m.Workload == workload && m.Server == server && !math.IsNaN(value) {
			points = append(points, plotter.XY{X: float64(m.Clients), Y: value * scale})
		}
	}
	return points
}

// AddCurves adds to a diagram the curves that have points, each with the name of
// its server at its end.
func AddCurves(p *plot.Plot, curves []Curve) error {
	var ends endLabels
	for _, c := range curves {
		if len(c.Points) == 0 {
			continue
		}
		lines, glyphs, err := plotter.NewLinePoints(c.Points)
		if err != nil {
			return err
		}
		s := c.Style
		lines.Color, lines.Width, lines.Dashes = s.Color, 1.5, s.Dashes
		glyphs.GlyphStyle = s.marker()
		p.Add(lines, glyphs)
		ends = append(ends, endLabel{c.Server, s, c.Points[len(c.Points)-1]})
	}
	p.Add(ends)
	return nil
}

// marker returns how a server's values are marked.
func (s Style) marker() draw.GlyphStyle {
	return draw.GlyphStyle{Color: s.Color, Shape: s.Glyph, Radius: 3.2}
}

// endLabels write the names of curves to the right of the diagram, each beside the
// end of its curve or as near as the other names let it.
type endLabels []endLabel

type endLabel struct {
	server string
	style  Style
	end    plotter.XY
}

// Where the parts of a label are, to the right of the diagram.
const (
	leaderEnd = 20
	markerAt  = 27
	nameAt    = 34
	nameGap   = 13 // between the middles of two names
)

func (l endLabels) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	slices.SortStableFunc(l, func(a, b endLabel) int { return cmp.Compare(a.end.Y, b.end.Y) })
	var heights []vg.Length
	for _, label := range l {
		heights = append(heights, y(label.end.Y))
	}
	spread(heights, nameGap, c.Min.Y+nameGap/2, c.Max.Y-nameGap/2)
	for i, label := range l {
		s := label.style
		leader := draw.LineStyle{Color: s.Color, Width: 0.75}
		c.StrokeLine2(leader, x(label.end.X)+6, y(label.end.Y), c.Max.X+leaderEnd, heights[i])
		c.DrawGlyphNoClip(s.marker(), vg.Point{X: c.Max.X + markerAt, Y: heights[i]})
		c.FillText(Words(TextSize), vg.Point{X: c.Max.X + nameAt, Y: heights[i] + 1.5}, label.server)
	}
}

// GlyphBoxes makes the diagram leave room for the names.
func (l endLabels) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	var room vg.Length
	for _, label := range l {
		room = max(room, nameAt+Words(TextSize).Width(label.server))
	}
	return []plot.GlyphBox{{X: 1, Rectangle: vg.Rectangle{Max: vg.Point{X: room}}}}
}

// spread moves heights, which ascend, until each is at least gap above the one
// before and all are between low and high. It spaces out heights that are too
// close, and leaves the others alone.
func spread(heights []vg.Length, gap, low, high vg.Length) {
	// With the gaps before them subtracted, the heights only have to ascend. A
	// group is a run of heights that then have to be equal.
	type group struct {
		sum  vg.Length
		size int
	}
	mean := func(g group) vg.Length { return g.sum / vg.Length(g.size) }
	var groups []group
	for i, height := range heights {
		g := group{height - vg.Length(i)*gap, 1}
		for last := len(groups) - 1; last >= 0 && mean(groups[last]) > mean(g); last-- {
			g = group{groups[last].sum + g.sum, groups[last].size + g.size}
			groups = groups[:last]
		}
		groups = append(groups, g)
	}
	i := 0
	for _, g := range groups {
		height := max(low, min(mean(g), high-vg.Length(len(heights)-1)*gap))
		for range g.size {
			heights[i] = height + vg.Length(i)*gap
			i++
		}
	}
}
