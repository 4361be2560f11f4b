// Package chatplot draws the pictures of what a broadcast costs the chat servers.
// See package picture for their look.
package chatplot

import (
	"math"

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

func cpu(data *chatbench.Data) ([]byte, error) {
	return halves(data, "µs of processor time for a delivery", chatbench.CPU, 1)
}

func deliveries(data *chatbench.Data) ([]byte, error) {
	return halves(data, "thousands of deliveries per second", chatbench.Rate, 1e-3)
}

func latency(data *chatbench.Data) ([]byte, error) {
	return halves(data, "ms until the last client has half of the messages", chatbench.Median, 1e-3)
}

// halves draws two diagrams side by side and to the same scale: a value of each
// server, by the number of clients, with one speaker and with twenty.
func halves(data *chatbench.Data, axis, unit string, scale float64) ([]byte, error) {
	var plots []*plot.Plot
	low, high := math.Inf(1), math.Inf(-1)
	for _, half := range []struct{ title, workload string }{
		{"One client speaks", "one"}, {"Twenty clients speak", "twenty"},
	} {
		p := picture.NewPlot(half.title, "clients", axis)
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, picture.Ticks(10, 100, 1000)
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, ticks
		var curves []picture.Curve
		for _, server := range chatbench.Servers {
			curves = append(curves, picture.Curve{Server: server, Style: styles[server],
				Points: picture.ByClients(&data.Data, half.workload, server, unit, scale)})
		}
		if err := picture.AddCurves(p, curves); err != nil {
			return nil, err
		}
		low, high = min(low, p.Y.Min), max(high, p.Y.Max)
		plots = append(plots, p)
	}
	for _, p := range plots {
		p.Y.Min, p.Y.Max = low/1.3, high*1.3 // no marker reaches beyond the axis
	}
	return picture.Render(3.8*vg.Inch, func(canvas draw.Canvas) {
		picture.DrawTiles(canvas, [][]*plot.Plot{plots})
	})
}

// ticks marks 1, 2 and 5, in every order of magnitude.
var ticks = picture.Ticks(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50,
	100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
