package zenplot

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"fopnp/chapter07/internal/zenbench"
)

// timelines are those of all servers, one above the other on one scale of time.
func timelines(data *zenbench.Data) ([]byte, error) {
	var end float64
	for _, t := range data.Timelines {
		end = max(end, t.End())
	}
	var plots [][]*plot.Plot
	for i, t := range data.Timelines {
		p, err := timeline(t)
		if err != nil {
			return nil, err
		}
		p.X.Min, p.X.Max = 0, end
		if i == len(data.Timelines)-1 {
			p.X.Label.Text = "ms"
			p.X.Tick.Marker = ticks(0, 300, 600, 900, 1200, 1500, 1800)
		} else {
			p.X.Tick.Marker = plot.ConstantTicks{}
		}
		plots = append(plots, []*plot.Plot{p})
	}
	return render(vg.Length(len(plots))*1.15*vg.Inch, func(canvas draw.Canvas) {
		tiles := draw.Tiles{Rows: len(plots), Cols: 1, PadY: 6}
		for i, row := range plot.Align(plots, tiles, canvas) {
			plots[i][0].Draw(row[0])
		}
	})
}

// timeline is a lane for each client: a bar where it is being served, and a thin
// line where it waits.
func timeline(t zenbench.Timeline) (*plot.Plot, error) {
	p := newPlot(t.Server, "", "")
	var names plot.ConstantTicks
	for i, lane := range t.Lanes {
		row := float64(len(t.Lanes) - i)
		names = append(names, plot.Tick{Value: row, Label: fmt.Sprint(i + 1)})
		for q := range lane.Asked {
			from, to := lane.Served(q, t.Cost)
			if err := bar(p, lane.Asked[q], from, row, 0.06, ink); err != nil {
				return nil, err
			}
			if err := bar(p, from, to, row, 0.38, styles["srv_async"].color); err != nil {
				return nil, err
			}
		}
	}
	p.Y.Tick.Marker = names
	p.Y.Min, p.Y.Max = 0.4, float64(len(t.Lanes))+0.6
	return p, nil
}

// bar fills a stretch of a lane. Between two of them there is a gap.
func bar(p *plot.Plot, from, to, row, half float64, shade color.Color) error {
	const gap = 4 // ms
	if to-from <= gap {
		return nil
	}
	to -= gap
	polygon, err := plotter.NewPolygon(plotter.XYs{
		{X: from, Y: row - half}, {X: to, Y: row - half}, {X: to, Y: row + half}, {X: from, Y: row + half}})
	if err != nil {
		return err
	}
	polygon.Color, polygon.LineStyle.Width = shade, 0
	p.Add(polygon)
	return nil
}
