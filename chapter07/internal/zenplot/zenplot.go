// Package zenplot draws the pictures of what the Zen servers cost.
//
// They are SVG without a ground of their own, in colours that stand out from a
// white page as well as from a dark one. No two servers are told apart by their
// colour alone: each has its own mark as well.
package zenplot

import (
	"bytes"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"fopnp/chapter07/internal/zenbench"
)

// ink is the colour of everything that is no server's: as far from white as from
// black.
var ink = color.RGBA{0x78, 0x7b, 0x80, 0xff}

// A style is how a server looks in every picture. The colours are those of Okabe
// and Ito, which people tell apart who see few colours, the bright ones darkened.
type style struct {
	color  color.RGBA
	glyph  draw.GlyphDrawer
	dashes []vg.Length
}

var styles = map[string]style{
	"srv_single":   {ink, draw.CrossGlyph{}, nil},
	"srv_threaded": {color.RGBA{0xd5, 0x5e, 0x00, 0xff}, draw.SquareGlyph{}, nil},
	"srv_async":    {color.RGBA{0x00, 0x72, 0xb2, 0xff}, draw.CircleGlyph{}, nil},
	"srv_asyncio1": {color.RGBA{0x00, 0x94, 0x6b, 0xff}, draw.TriangleGlyph{}, nil},
	"srv_asyncio2": {color.RGBA{0xb5, 0x5f, 0x93, 0xff}, draw.PyramidGlyph{}, nil},
	"srv_legacy1":  {color.RGBA{0xa8, 0x78, 0x00, 0xff}, draw.BoxGlyph{}, []vg.Length{6, 2}},
	"srv_legacy2":  {color.RGBA{0x3a, 0x8f, 0xc4, 0xff}, draw.RingGlyph{}, []vg.Length{2, 2}},
}

// Pictures are all of them, by the names of their files.
var Pictures = map[string]func(*zenbench.Data) ([]byte, error){
	"throughput.svg": throughput,
	"latency.svg":    latency,
	"cpu.svg":        cpu,
	"memory.svg":     memory,
	"timeline.svg":   timelines,
}

const width = 7.5 * vg.Inch

// render draws on a canvas and returns its SVG.
func render(height vg.Length, do func(draw.Canvas)) ([]byte, error) {
	canvas := vgsvg.New(width, height)
	// What a tick says may stand out over the end of its axis.
	do(draw.Crop(draw.New(canvas), 8, -18, 4, -4))
	var svg bytes.Buffer
	_, err := canvas.WriteTo(&svg)
	return svg.Bytes(), err
}

// sans is the type of all words.
var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// newPlot returns an empty diagram in our ink.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = title
	p.Title.TextStyle.Font = font.Font{Typeface: sans.Typeface, Variant: sans.Variant, Size: 12}
	p.Title.TextStyle.Color = ink
	p.Title.Padding = 6
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = font.Font{Typeface: sans.Typeface, Variant: sans.Variant, Size: 11}
		axis.Tick.Label.Font = font.Font{Typeface: sans.Typeface, Variant: sans.Variant, Size: 10}
		axis.Label.TextStyle.Color = ink
		axis.Tick.Label.Color = ink
		axis.LineStyle.Color = ink
		axis.Tick.LineStyle.Color = ink
	}
	p.Legend.TextStyle.Font = font.Font{Typeface: sans.Typeface, Variant: sans.Variant, Size: 10}
	p.Legend.TextStyle.Color = ink
	p.Legend.ThumbnailWidth = 22
	p.Legend.Padding = 2
	return p
}

// line adds a server's line to a diagram, and to its legend.
func line(p *plot.Plot, server string, points plotter.XYs) error {
	lines, glyphs, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	s := styles[server]
	lines.Color, lines.Width, lines.Dashes = s.color, 1.5, s.dashes
	glyphs.Color, glyphs.Shape, glyphs.Radius = s.color, s.glyph, 3.2
	p.Add(lines, glyphs)
	p.Legend.Add(server, lines, glyphs)
	return nil
}

// curve is what a server did against the number of its clients.
func curve(data *zenbench.Data, workload, server, unit string, scale float64) (points plotter.XYs) {
	for _, m := range data.Measurements {
		if value := m.Best(unit); m.Workload == workload && m.Server == server && !math.IsNaN(value) {
			points = append(points, plotter.XY{X: float64(m.Clients), Y: value * scale})
		}
	}
	return points
}

// ticks marks the values that are given, by themselves.
func ticks(values ...float64) plot.ConstantTicks {
	var t plot.ConstantTicks
	for _, v := range values {
		t = append(t, plot.Tick{Value: v, Label: number(v)})
	}
	return t
}

// number writes a number with its thousands apart.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if v >= 1000 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

func throughput(data *zenbench.Data) ([]byte, error) {
	p := newPlot("Answers per second, against the number of clients", "clients", "thousands of answers per second")
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
	p.Legend.YOffs = 0.7 * vg.Inch // between the lines
	for _, server := range zenbench.Servers {
		if err := line(p, server, curve(data, "closed-loop", server, zenbench.Rate, 1e-3)); err != nil {
			return nil, err
		}
	}
	p.Y.Min = 0
	return render(4.2*vg.Inch, p.Draw)
}

func latency(data *zenbench.Data) ([]byte, error) {
	var halves []*plot.Plot
	for _, half := range []struct{ title, unit string }{
		{"Half of the answers came within", zenbench.Median},
		{"All but one in a hundred came within", zenbench.P99},
	} {
		p := newPlot(half.title, "clients", "ms")
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks(1, 3, 10, 30, 100, 300, 1000)
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, ticks(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
		for _, server := range zenbench.Servers {
			if err := line(p, server, curve(data, "closed-loop", server, half.unit, 1e-3)); err != nil {
				return nil, err
			}
		}
		p.Legend.Top, p.Legend.Left = true, true
		halves = append(halves, p)
	}
	// Both have the same scale, and the one on the left the legend.
	low, high := min(halves[0].Y.Min, halves[1].Y.Min), max(halves[0].Y.Max, halves[1].Y.Max)
	for _, p := range halves {
		p.Y.Min, p.Y.Max = low, high
	}
	halves[1].Legend = plot.NewLegend()
	return render(4.2*vg.Inch, func(canvas draw.Canvas) {
		tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: 12}
		for i, p := range halves {
			p.Draw(tiles.At(canvas, i, 0))
		}
	})
}

func cpu(data *zenbench.Data) ([]byte, error) {
	p := newPlot("Processor time of the server", "", "µs")
	kinds := []struct {
		name, workload, unit string
		shade                color.RGBA
	}{
		{"for a question, of 100 clients that stay", "steady", zenbench.CPU, styles["srv_async"].color},
		{"for a question, of 32 that come, ask three and leave", "churn", zenbench.CPU, styles["srv_threaded"].color},
	}
	const barWidth = 16
	for i, kind := range kinds {
		var values plotter.Values
		for _, server := range zenbench.Servers {
			values = append(values, data.Find(kind.workload, 0, server).Best(kind.unit))
		}
		bars, err := plotter.NewBarChart(values, barWidth)
		if err != nil {
			return nil, err
		}
		bars.Color, bars.LineStyle.Width = kind.shade, 0
		bars.Offset = vg.Length(i)*(barWidth+2) - barWidth/2
		p.Add(bars)
		p.Legend.Add(kind.name, bars)
		for at, v := range values {
			labels, err := plotter.NewLabels(plotter.XYLabels{
				XYs: plotter.XYs{{X: float64(at), Y: v}}, Labels: []string{strconv.FormatFloat(v, 'f', 1, 64)}})
			if err != nil {
				return nil, err
			}
			labels.TextStyle[0].Font = font.Font{Typeface: sans.Typeface, Variant: sans.Variant, Size: 9}
			labels.TextStyle[0].Color = ink
			labels.TextStyle[0].XAlign = draw.XCenter
			labels.Offset = vg.Point{X: bars.Offset, Y: 2}
			p.Add(labels)
		}
	}
	p.Y.Min = 0
	p.NominalX(zenbench.Servers...)
	p.Legend.Top = true
	return render(3.8*vg.Inch, p.Draw)
}

func memory(data *zenbench.Data) ([]byte, error) {
	p := newPlot("Memory of the server, against the number of silent clients", "clients", "MiB")
	for _, server := range zenbench.Servers {
		points := curve(data, "memory", server, zenbench.Memory, 1.0/(1<<20))
		if len(points) == 0 {
			continue // it does not hold as many
		}
		for i := range points {
			points[i].Y *= points[i].X
		}
		if err := line(p, server, append(plotter.XYs{{}}, points...)); err != nil {
			return nil, err
		}
	}
	p.X.Tick.Marker = ticks(0, 1000, 3000, 10_000)
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	return render(3.8*vg.Inch, p.Draw)
}
