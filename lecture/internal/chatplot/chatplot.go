// Package chatplot draws the pictures of what a broadcast costs the chat servers.
// See package picture for their look.
package chatplot

import (
	"math"
	"strings"

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
	return halves(data, "Cost of a delivery", "µs", chatbench.CPU, 1)
}

func deliveries(data *chatbench.Data) ([]byte, error) {
	return halves(data, "Deliveries per second", "thousands", chatbench.Rate, 1e-3)
}

func latency(data *chatbench.Data) ([]byte, error) {
	return halves(data, "The last client has it", "ms", chatbench.Median, 1e-3)
}

// halves draws two diagrams side by side and to the same scale: a value of each
// server, by the number of clients, with one speaker and with twenty.
func halves(data *chatbench.Data, title, axis, unit string, scale float64) ([]byte, error) {
	var plots []*plot.Plot
	low, high := math.Inf(1), math.Inf(-1)
	for _, half := range []struct{ title, workload string }{
		{"one client speaks", "one"}, {"twenty clients speak", "twenty"},
	} {
		p := picture.NewPlot(title+", "+half.title, "clients", axis)
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, picture.Ticks(10, 100, 1000)
		p.Y.Scale = plot.LogScale{}
		var curves []picture.Curve
		for _, server := range chatbench.Servers {
			curves = append(curves, picture.Curve{Server: strings.TrimPrefix(server, "chat_server_"), Style: styles[server],
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
		p.Y.Tick.Marker = ticks(p.Y.Min, p.Y.Max)
	}
	return picture.Render(3.8*vg.Inch, func(canvas draw.Canvas) {
		picture.DrawTiles(canvas, [][]*plot.Plot{plots})
	})
}

// ticks marks 1, 2 and 5 in every order of magnitude, from low to high, or if
// these are too many, only 1.
func ticks(low, high float64) plot.ConstantTicks {
	marks := []float64{1, 2, 5}
	if high > 300*low {
		marks = marks[:1]
	}
	var values []float64
	for unit := 0.001; unit <= high; unit *= 10 {
		for _, mark := range marks {
			if v := math.Round(1000*unit*mark) / 1000; low <= v && v <= high {
				values = append(values, v)
			}
		}
	}
	return picture.Ticks(values...)
}
