package zenplot

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/measured/picture"
)

func throughput(data *zenbench.Data) ([]byte, error) {
	p := picture.NewPlot("Answers per second, by the number of clients", "clients", "thousands of answers per second")
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, picture.Ticks(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
	err := addCurves(p, func(server string) plotter.XYs {
		return picture.ByClients(&data.Data, "closed-loop", server, zenbench.Rate, 1e-3)
	})
	p.Y.Min = 0
	return picture.One(4.2*vg.Inch, p, err)
}

func latency(data *zenbench.Data) ([]byte, error) {
	var halves []*plot.Plot
	for _, half := range []struct{ title, unit string }{
		{"Half of the answers arrive within", zenbench.Median},
		{"All but one in a hundred arrive within", zenbench.P99},
	} {
		p := picture.NewPlot(half.title, "clients", "ms")
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, picture.Ticks(1, 10, 100, 1000)
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, picture.Ticks(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
		err := addCurves(p, func(server string) plotter.XYs {
			return picture.ByClients(&data.Data, "closed-loop", server, half.unit, 1e-3)
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
	return picture.Render(4.2*vg.Inch, func(canvas draw.Canvas) {
		picture.DrawTiles(canvas, [][]*plot.Plot{halves})
	})
}

func memory(data *zenbench.Data) ([]byte, error) {
	p := picture.NewPlot("Memory of the server, by the number of silent clients", "clients", "MiB")
	p.X.Tick.Marker = picture.Ticks(0, 1000, 3000, 10_000)
	err := addCurves(p, func(server string) plotter.XYs {
		points := picture.ByClients(&data.Data, "memory", server, zenbench.Memory, 1.0/(1<<20))
		if len(points) == 0 {
			return nil // the server does not hold so many clients
		}
		for i := range points {
			points[i].Y *= points[i].X
		}
		return append(plotter.XYs{{}}, points...)
	})
	p.Y.Min = 0
	return picture.One(3.8*vg.Inch, p, err)
}

// addCurves adds to a diagram the curve of each server that has one.
func addCurves(p *plot.Plot, points func(server string) plotter.XYs) error {
	var curves []picture.Curve
	for _, server := range zenbench.Servers {
		curves = append(curves, picture.Curve{Server: server, Style: styles[server], Points: points(server)})
	}
	return picture.AddCurves(p, curves)
}
