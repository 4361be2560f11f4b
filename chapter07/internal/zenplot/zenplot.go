// Package zenplot draws the pictures of what the Zen servers cost. See package
// picture for their look.
package zenplot

import (
	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/measured/picture"
)

// styles has the look of each server in every picture.
var styles = map[string]picture.Style{
	"srv_single":   picture.Gray,
	"srv_threaded": picture.Vermilion,
	"srv_async":    picture.Blue,
	"srv_asyncio1": picture.Green,
	"srv_asyncio2": picture.Purple,
	"srv_legacy1":  picture.Ochre,
	"srv_legacy2":  picture.Sky,
}

// Pictures maps the name of each picture's file to the function that draws it. The
// functions return SVG.
var Pictures = map[string]func(*zenbench.Data) ([]byte, error){
	"throughput.svg": throughput,
	"latency.svg":    latency,
	"cpu.svg":        cpu,
	"memory.svg":     memory,
	"timeline.svg":   timelines,
}
