// Package picture draws the pictures of what servers cost.
//
// The pictures are SVG with a transparent background. Their colours stand out from
// a white page and from a dark one. Colour is never the only difference between two
// servers: each also has its own marker or its own row. Package check/layout checks
// that no text of a picture is hidden.
package picture

import (
	"bytes"
	"fmt"
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Ink is the colour of texts and axes, halfway between white and black.
var Ink = color.RGBA{0x78, 0x7b, 0x80, 0xff}

// A Style is the look of a server in every picture.
type Style struct {
	Color  color.RGBA
	Glyph  draw.GlyphDrawer
	Dashes []vg.Length
}

// The styles that servers can have. The colours are those of Okabe and Ito, which
// colour-blind readers can tell apart. The bright ones are darkened.
var (
	Gray      = Style{Ink, draw.CrossGlyph{}, nil}
	Vermilion = Style{color.RGBA{0xd5, 0x5e, 0x00, 0xff}, draw.SquareGlyph{}, nil}
	Blue      = Style{color.RGBA{0x00, 0x72, 0xb2, 0xff}, draw.CircleGlyph{}, nil}
	Green     = Style{color.RGBA{0x00, 0x94, 0x6b, 0xff}, draw.TriangleGlyph{}, nil}
	Purple    = Style{color.RGBA{0xb5, 0x5f, 0x93, 0xff}, draw.PyramidGlyph{}, nil}
	Ochre     = Style{color.RGBA{0xa8, 0x78, 0x00, 0xff}, draw.BoxGlyph{}, []vg.Length{6, 2}}
	Sky       = Style{color.RGBA{0x3a, 0x8f, 0xc4, 0xff}, draw.RingGlyph{}, []vg.Length{2, 2}}
)

// width is the width of every picture. GitHub shows pictures at up to 830 px,
// and this is 816.
const width = 8.5 * vg.Inch

// Render calls do to draw on a canvas of the given height, and returns the SVG.
func Render(height vg.Length, do func(draw.Canvas)) ([]byte, error) {
	canvas := &fixedWidths{Canvas: vgsvg.New(width, height)}
	// The last label of an axis may reach beyond its end.
	do(draw.Crop(draw.New(canvas), 8, -18, 4, -4))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return nil, err
	}
	return canvas.fix(svg.Bytes()), nil
}

// fixedWidths notes how wide each text is in our font. The reader's browser may
// have to use another font. It then squeezes the text to this width, so the text
// stays off its neighbours.
type fixedWidths struct {
	*vgsvg.Canvas
	widths []vg.Length
}

func (c *fixedWidths) FillString(f font.Face, at vg.Point, s string) {
	c.widths = append(c.widths, f.Width(s))
	c.Canvas.FillString(f, at, s)
}

// fix adds the widths to the texts of the canvas's SVG.
func (c *fixedWidths) fix(svg []byte) []byte {
	var fixed bytes.Buffer
	for i, part := range bytes.Split(svg, []byte("<text ")) {
		if i > 0 {
			fmt.Fprintf(&fixed, `<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" `, c.widths[i-1])
		}
		fixed.Write(part)
	}
	return bytes.ReplaceAll(fixed.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
}

// The sizes of texts.
const (
	TitleSize = 12
	LabelSize = 11 // of axes
	TextSize  = 10 // of everything else
)

// Sans is the font of all texts.
var Sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// Words returns the style for text of the given size, which stands to the right
// of its point.
func Words(size vg.Length) text.Style {
	style := text.Style{Color: Ink, Font: Sans, YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
	style.Font.Size = size
	return style
}

// NewPlot returns an empty diagram in our colours and fonts.
func NewPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = title
	p.Title.TextStyle.Font, p.Title.TextStyle.Color = Words(TitleSize).Font, Ink
	p.Title.Padding = 6
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font, axis.Label.TextStyle.Color = Words(LabelSize).Font, Ink
		axis.Tick.Label.Font, axis.Tick.Label.Color = Words(TextSize).Font, Ink
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = Ink, Ink
	}
	return p
}

// DrawTiles draws diagrams in rows and columns of equal size.
func DrawTiles(canvas draw.Canvas, diagrams [][]*plot.Plot) {
	tiles := draw.Tiles{Rows: len(diagrams), Cols: len(diagrams[0]), PadX: 12, PadY: 6}
	for i, row := range plot.Align(diagrams, tiles, canvas) {
		for j, tile := range row {
			diagrams[i][j].Draw(tile)
		}
	}
}

// Ticks marks the given values and no others.
func Ticks(values ...float64) plot.ConstantTicks {
	var t plot.ConstantTicks
	for _, v := range values {
		t = append(t, plot.Tick{Value: v, Label: number(v)})
	}
	return t
}

// number formats a number below a million, with a comma before the last three
// digits.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if v >= 1000 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

// Bar returns a bar from one value to another. It reaches half above and below row.
func Bar(from, to, row, half float64) (*plotter.Polygon, error) {
	p, err := plotter.NewPolygon(plotter.XYs{
		{X: from, Y: row - half}, {X: to, Y: row - half}, {X: to, Y: row + half}, {X: from, Y: row + half}})
	if err == nil {
		p.LineStyle.Width = 0
	}
	return p, err
}
