package zenplot

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/measured/picture"
)

// timelines draws the timelines of all servers, one below the other, on one scale
// of time.
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
		p.X.Tick.Marker = plot.ConstantTicks{}
		if i == len(data.Timelines)-1 {
			p.X.Label.Text = "ms since the first client connected"
			p.X.Tick.Marker = everyThreeAnswers(t.Cost, end)
		}
		plots = append(plots, []*plot.Plot{p})
	}
	const diagram, axis = 1.35 * vg.Inch, 0.3 * vg.Inch
	return picture.Render(vg.Length(len(plots))*diagram+axis, func(canvas draw.Canvas) {
		picture.DrawTiles(canvas, plots)
	})
}

// everyThreeAnswers marks the times at which a server has given three, six, nine
// answers, one after the other.
func everyThreeAnswers(cost, end float64) plot.ConstantTicks {
	var times []float64
	for at := 0.0; at <= end; at += 3 * cost {
		times = append(times, at)
	}
	return picture.Ticks(times...)
}

// timeline draws a lane for each client: a bar while it is being served, a thin line
// while it waits.
func timeline(t zenbench.Timeline) (*plot.Plot, error) {
	p := picture.NewPlot(t.Server, "", "")
	var names plot.ConstantTicks
	for i, lane := range t.Lanes {
		row := float64(len(t.Lanes) - i)
		names = append(names, plot.Tick{Value: row, Label: fmt.Sprint(i + 1)})
		for q := range lane.Asked {
			from, to := lane.Served(q, t.Cost)
			if err := stretch(p, lane.Asked[q], from, row, 0.06, picture.Ink); err != nil {
				return nil, err
			}
			if err := stretch(p, from, to, row, 0.38, styles["srv_async"].Color); err != nil {
				return nil, err
			}
		}
	}
	p.Y.Tick.Marker, p.Y.Tick.Length = names, 0
	p.Y.Tick.Label.Font.Size = 9
	p.Y.Min, p.Y.Max = 0.4, float64(len(t.Lanes))+0.6
	return p, nil
}

// stretch adds a bar from one time to another, less a gap before the next bar.
func stretch(p *plot.Plot, from, to, row, half float64, shade color.Color) error {
	const gap = 4 // ms
	if to-from <= gap {
		return nil
	}
	b, err := picture.Bar(from, to-gap, row, half)
	if err != nil {
		return err
	}
	b.Color = shade
	p.Add(b)
	return nil
}
