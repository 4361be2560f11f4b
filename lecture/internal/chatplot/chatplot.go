// Package chatplot draws the pictures of what a broadcast costs the chat servers.
// See package picture for their look.
package chatplot

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"fopnp/internal/measured/picture"
	"fopnp/lecture/internal/chatbench"
)

// styles has the look of each server in every picture. A server looks like the
// one of chapter 7 with the same architecture.
var styles = map[string]picture.Style{
	"chat_server_multithread": picture.Vermilion,
	"chat_server_poll":        picture.Blue,
	"chat_server_eventlet":    picture.Ochre,
	"chat_server_asyncio":     picture.Green,
	"chat_server_nats":        picture.Purple,
}

// Pictures maps the name of each picture's file to the function that draws it. The
// functions return SVG.
var Pictures = map[string]func(*chatbench.Data) ([]byte, error){
	"chat-cpu.svg":        cpu,
	"chat-deliveries.svg": deliveries,
	"chat-latency.svg":    latency,
}

// A half is a diagram of one workload. Beside it is another one, to the same
// scale.
type half struct{ title, workload, unit string }

func cpu(data *chatbench.Data) ([]byte, error) {
	return halves(data, "µs of processor time for a delivery", 1, plot.ConstantTicks{},
		half{"One client speaks", "one", chatbench.CPU},
		half{"Twenty clients speak", "twenty", chatbench.CPU})
}

func deliveries(data *chatbench.Data) ([]byte, error) {
	return halves(data, "thousands of deliveries per second", 1e-3, plot.ConstantTicks{},
		half{"One client speaks", "one", chatbench.Rate},
		half{"Twenty clients speak", "twenty", chatbench.Rate})
}

func latency(data *chatbench.Data) ([]byte, error) {
	return halves(data, "ms until the last client has half of the messages", 1e-3,
		picture.Ticks(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000),
		half{"One client speaks", "one", chatbench.Median},
		half{"Twenty clients speak", "twenty", chatbench.Median})
}

// halves draws two diagrams side by side: a value of each server, by the number of
// clients. If there are ticks, its scale is logarithmic. If not, it begins at 0.
func halves(data *chatbench.Data, axis string, scale float64, ticks plot.ConstantTicks, both ...half) ([]byte, error) {
	var plots []*plot.Plot
	for _, h := range both {
		p := picture.NewPlot(h.title, "clients", axis)
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, picture.Ticks(10, 100, 1000)
		var curves []picture.Curve
		for _, server := range chatbench.Servers {
			curves = append(curves, picture.Curve{Server: server, Style: styles[server],
				Points: picture.ByClients(&data.Data, h.workload, server, h.unit, scale)})
		}
		if err := picture.AddCurves(p, curves); err != nil {
			return nil, err
		}
		plots = append(plots, p)
	}
	low, high := min(plots[0].Y.Min, plots[1].Y.Min), max(plots[0].Y.Max, plots[1].Y.Max)
	for _, p := range plots {
		p.Y.Min, p.Y.Max = 0, high*1.05
		if len(ticks) > 0 {
			p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, ticks
			p.Y.Min, p.Y.Max = low/1.3, high*1.3 // no marker reaches beyond the axis
		}
	}
	return picture.Render(3.8*vg.Inch, func(canvas draw.Canvas) {
		picture.DrawTiles(canvas, [][]*plot.Plot{plots})
	})
}
