package zenplot

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/measured/picture"
)

// cpu draws the cost of a question under four loads, one diagram each, all to the
// same scale.
func cpu(data *zenbench.Data) ([]byte, error) {
	loads := [][]struct {
		title, workload string
		clients         int
	}{
		{{"1 client stays", "steady", 1}, {"4 clients stay", "steady", 4}},
		{{"100 clients stay", "steady", 100}, {"32 clients leave after 3 questions each", "churn", 32}},
	}
	var diagrams [][]*plot.Plot
	var highest float64
	for _, row := range loads {
		var tiles []*plot.Plot
		for _, load := range row {
			p, err := bars(load.title, func(server string) zenbench.Measurement {
				return data.Find(load.workload, load.clients, server)
			})
			if err != nil {
				return nil, err
			}
			highest = max(highest, p.X.Max)
			tiles = append(tiles, p)
		}
		diagrams = append(diagrams, tiles)
	}
	for _, row := range diagrams {
		for _, p := range row {
			p.X.Max = highest
		}
	}
	return picture.Render(4.6*vg.Inch, func(canvas draw.Canvas) {
		const line = 22
		title, note := picture.Words(picture.TitleSize), picture.Words(picture.TextSize)
		title.XAlign, note.XAlign = draw.XCenter, draw.XCenter
		canvas.FillText(title, vg.Point{X: canvas.Center().X, Y: canvas.Max.Y - line/2},
			"Processor time of the server for one question, in µs")
		canvas.FillText(note, vg.Point{X: canvas.Center().X, Y: canvas.Min.Y + line/2},
			"Outlined: the server serves only so many of the clients, and the others wait all the time.")
		picture.DrawTiles(draw.Crop(canvas, 0, 0, line, -line), diagrams)
	})
}

// bars returns a diagram with a bar for the cost of a question of each server. It
// outlines the bar if the server served only some of its clients.
func bars(title string, find func(server string) zenbench.Measurement) (*plot.Plot, error) {
	p := picture.NewPlot("", "", "")
	var names plot.ConstantTicks
	var values plotter.XYLabels
	for i, server := range zenbench.Servers {
		row := float64(len(zenbench.Servers) - i)
		names = append(names, plot.Tick{Value: row, Label: server})
		m := find(server)
		value, label := m.Best(zenbench.CPU), "not measured"
		if math.IsNaN(value) {
			value = 0
		} else {
			label = strconv.FormatFloat(value, 'f', 1, 64)
		}
		b, err := picture.Bar(0, value, row, 0.36)
		if err != nil {
			return nil, err
		}
		b.Color = styles[server].Color
		if served, ok := m.PartServed(); ok {
			label += fmt.Sprintf(" (%d served)", served)
			b.LineStyle, b.Color = draw.LineStyle{Color: b.Color, Width: 1}, nil
		}
		p.Add(b)
		values.XYs = append(values.XYs, plotter.XY{X: value, Y: row})
		values.Labels = append(values.Labels, label)
	}
	labels, err := plotter.NewLabels(values)
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i] = picture.Words(picture.TextSize)
	}
	labels.Offset = vg.Point{X: 4, Y: 1.5}
	p.Add(labels, heading(title))
	p.HideX()
	p.Y.Tick.Marker, p.Y.Tick.Length, p.Y.Width = names, 0, 0
	p.X.Min, p.Y.Min, p.Y.Max = 0, 0.5, float64(len(zenbench.Servers))+1.5
	return p, nil
}

// A heading is a title that begins where the bars do. The diagram keeps its top
// row free for it.
type heading string

func (h heading) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	c.FillText(picture.Words(picture.LabelSize), vg.Point{X: c.Min.X, Y: y(p.Y.Max - 0.5)}, string(h))
}
