package zenplot

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"fopnp/chapter07/internal/zenbench"
)

func throughput(data *zenbench.Data) ([]byte, error) {
	p := newPlot("Answers per second, by the number of clients", "clients", "thousands of answers per second")
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
	err := addCurves(p, func(server string) plotter.XYs {
		return curve(data, "closed-loop", server, zenbench.Rate, 1e-3)
	})
	p.Y.Min = 0
	return draws(4.2*vg.Inch, p, err)
}

func latency(data *zenbench.Data) ([]byte, error) {
	var halves []*plot.Plot
	for _, half := range []struct{ title, unit string }{
		{"Half of the answers arrive within", zenbench.Median},
		{"All but one in a hundred arrive within", zenbench.P99},
	} {
		p := newPlot(half.title, "clients", "ms")
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks(1, 10, 100, 1000)
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, ticks(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
		err := addCurves(p, func(server string) plotter.XYs {
			return curve(data, "closed-loop", server, half.unit, 1e-3)
		})
		if err != nil {
			return nil, err
		}
		halves = append(halves, p)
	}
	low, high := min(halves[0].Y.Min, halves[1].Y.Min), max(halves[0].Y.Max, halves[1].Y.Max)
	for _, p := range halves {
		p.Y.Min, p.Y.Max = low/1.3, high*1.3 // no marker reaches beyond the axis
	}
	return render(4.2*vg.Inch, func(canvas draw.Canvas) {
		drawTiles(canvas, [][]*plot.Plot{halves})
	})
}

func memory(data *zenbench.Data) ([]byte, error) {
	p := newPlot("Memory of the server, by the number of silent clients", "clients", "MiB")
	p.X.Tick.Marker = ticks(0, 1000, 3000, 10_000)
	err := addCurves(p, func(server string) plotter.XYs {
		points := curve(data, "memory", server, zenbench.Memory, 1.0/(1<<20))
		if len(points) == 0 {
			return nil // the server does not hold so many clients
		}
		for i := range points {
			points[i].Y *= points[i].X
		}
		return append(plotter.XYs{{}}, points...)
	})
	p.Y.Min = 0
	return draws(3.8*vg.Inch, p, err)
}

// draws renders one diagram, unless there was an error.
func draws(height vg.Length, p *plot.Plot, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return render(height, p.Draw)
}

// curve returns a value of a server for each number of clients of a workload,
// multiplied by scale.
func curve(data *zenbench.Data, workload, server, unit string, scale float64) (points plotter.XYs) {
	for _, m := range data.Measurements {
		if value := m.Best(unit); m.Workload == workload && m.Server == server && !math.IsNaN(value) {
			points = append(points, plotter.XY{X: float64(m.Clients), Y: value * scale})
		}
	}
	return points
}

// addCurves adds to a diagram the curve of each server that has one, and its name
// at its end.
func addCurves(p *plot.Plot, curve func(server string) plotter.XYs) error {
	var ends endLabels
	for _, server := range zenbench.Servers {
		points := curve(server)
		if len(points) == 0 {
			continue
		}
		lines, glyphs, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		s := styles[server]
		lines.Color, lines.Width, lines.Dashes = s.color, 1.5, s.dashes
		glyphs.GlyphStyle = s.marker()
		p.Add(lines, glyphs)
		ends = append(ends, endLabel{server, points[len(points)-1]})
	}
	p.Add(ends)
	return nil
}

// marker returns how a server's values are marked.
func (s style) marker() draw.GlyphStyle {
	return draw.GlyphStyle{Color: s.color, Shape: s.glyph, Radius: 3.2}
}

// endLabels write the names of curves to the right of the diagram, each beside the
// end of its curve or as near as the other names let it.
type endLabels []endLabel

type endLabel struct {
	server string
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
		s := styles[label.server]
		leader := draw.LineStyle{Color: s.color, Width: 0.75}
		c.StrokeLine2(leader, x(label.end.X)+6, y(label.end.Y), c.Max.X+leaderEnd, heights[i])
		c.DrawGlyphNoClip(s.marker(), vg.Point{X: c.Max.X + markerAt, Y: heights[i]})
		c.FillText(words(textSize), vg.Point{X: c.Max.X + nameAt, Y: heights[i] + 1.5}, label.server)
	}
}

// GlyphBoxes makes the diagram leave room for the names.
func (l endLabels) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	var room vg.Length
	for _, label := range l {
		room = max(room, nameAt+words(textSize).Width(label.server))
	}
	return []plot.GlyphBox{{X: 1, Rectangle: vg.Rectangle{Max: vg.Point{X: room}}}}
}

// spread moves heights, which ascend, until each is at least a gap above the one
// before and all are from low to high. It moves heights that are too close apart
// evenly, and leaves others alone.
func spread(heights []vg.Length, gap, low, high vg.Length) {
	// Without the gaps before them, the heights only have to ascend. A group is a
	// run of heights that have to be equal then.
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
