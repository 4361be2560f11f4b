package book

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"fopnp/internal/check/weave"
)

//go:embed diagrams/*.svg
var drawings embed.FS

// DrawingName returns the name of the file in diagrams that shows a diagram.
func DrawingName(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:6]) + ".svg"
}

// Diagrams returns the Mermaid sources of all pages, each once.
func (b *Book) Diagrams() (sources []string) {
	seen := map[string]bool{}
	for _, c := range b.chapters {
		for _, block := range c.woven.Blocks {
			if block.Kind == weave.Diagram && !seen[block.Text] {
				seen[block.Text] = true
				sources = append(sources, block.Text)
			}
		}
	}
	return sources
}

// drawing returns the drawing of a diagram. A screen reader reads the diagram's
// source aloud. Drawing returns false if the diagram is not drawn yet.
func drawing(source string) (string, bool) {
	svg, err := drawings.ReadFile(path.Join("diagrams", DrawingName(source)))
	if err != nil {
		return "", false
	}
	words := strings.Join(strings.Fields(source), " ")
	class := "diagram"
	var width int
	if _, err := fmt.Sscanf(string(svg), `<svg width="%d"`, &width); err == nil && width > column {
		class += " broad"
	}
	return fmt.Sprintf("<figure class=\"%s\">%s</figure>\n", class, label(string(svg), "diagram: "+words)), true
}

// column is the width of the prose in pixels. If we shrank a wider diagram to it,
// the letters would be too small.
const column = 760

// label gives an SVG a role and a name.
func label(svg, name string) string {
	return strings.Replace(svg, "<svg ", fmt.Sprintf(`<svg role="img" aria-label="%s" `, escape(name)), 1)
}

var (
	svgHead    = regexp.MustCompile(`(?s)^.*?<svg[^>]*?viewBox="([^"]*)"[^>]*>`)
	svgStyle   = regexp.MustCompile(`style="([^"]*)"`)
	svgComment = regexp.MustCompile(`(?s)<!--.*?-->`)
)

// plotColours replaces the colours of a plot with variables of the style sheet.
var plotColours = strings.NewReplacer(
	"#787B80", "var(--soft)", "#0072B2", "var(--plot-1)", "#D55E00", "var(--plot-2)",
	"#009E73", "var(--plot-3)", "#CC79A7", "var(--plot-4)", "#E69F00", "var(--plot-5)",
	"#56B4E9", "var(--plot-6)", "#F0E442", "var(--plot-7)",
	"#FFFFFF", "var(--paper)", "#000000", "var(--ink)",
)

// plot returns an SVG file of the repository as an element whose colours follow
// the theme. It has no style attributes, because the pages do not allow any.
func (b *Book) plot(name, alt string) (string, error) {
	text, err := fs.ReadFile(b.files, name)
	if err != nil {
		return "", err
	}
	head := svgHead.FindSubmatchIndex(text)
	if head == nil {
		return "", fmt.Errorf("%s is not an SVG with a viewBox", name)
	}
	inside := svgComment.ReplaceAllString(string(text[head[1]:]), "")
	inside = svgStyle.ReplaceAllStringFunc(inside, func(attribute string) string {
		var attributes []string
		for declaration := range strings.SplitSeq(svgStyle.FindStringSubmatch(attribute)[1], ";") {
			name, value, _ := strings.Cut(declaration, ":")
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			if name != "" && name != "font-family" && value != "normal" {
				attributes = append(attributes, fmt.Sprintf(`%s="%s"`, name, value))
			}
		}
		return strings.Join(attributes, " ")
	})
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="%s">`, text[head[2]:head[3]]) + plotColours.Replace(inside)
	return fmt.Sprintf("<figure class=\"plot\">%s</figure>\n", label(strings.TrimSpace(svg), alt)), nil
}
