//go:build !wasm

// Draw draws the Mermaid diagrams of all pages, for package book, which embeds the
// drawings. It needs Chromium and Mermaid's one-file build:
//
//	npm install --prefix /tmp/mermaid mermaid@11.17.2
//	go run ./internal/book/draw /tmp/mermaid/node_modules/mermaid/dist/mermaid.min.js
//
// A drawing has no styles of its own: the browser computes them, and draw writes
// them into the elements, with the variables of the book's style sheet as colours.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"fopnp/internal/book"
	"fopnp/internal/serve/program"
)

//go:embed draw.js
var script string

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: draw MERMAID.js, in the folder of go.mod")
		os.Exit(2)
	}
	if err := draw(os.Args[1]); err != nil {
		program.Fail("draw the diagrams", err)
	}
}

func draw(mermaid string) error {
	library, err := os.ReadFile(mermaid)
	if err != nil {
		return err
	}
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	b, err := book.Load(root)
	if err != nil {
		return err
	}
	folder := filepath.Join(root, "internal", "book", "diagrams")
	old, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	err = chromedp.Do(ctx,
		chromedp.Navigate("about:blank"),
		chromedp.Evaluate[chromedp.Void](string(library)+";0"),
		chromedp.Evaluate[chromedp.Void](script+";0"))
	if err != nil {
		return err
	}
	drawn := map[string]bool{}
	for _, source := range b.Diagrams() {
		name := book.DrawingName(source)
		arguments, err := json.Marshal([]string{"d" + name[:6], source})
		if err != nil {
			return err
		}
		svg, err := chromedp.Run(ctx, chromedp.Evaluate[string](
			fmt.Sprintf("draw(...%s)", arguments), chromedp.EvalAwaitPromise))
		if err != nil {
			return fmt.Errorf("%w\n%s", err, source)
		}
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(svg+"\n"), 0o666); err != nil {
			return err
		}
		drawn[file] = true
	}
	var errs []error
	for _, file := range old {
		if !drawn[file] { // no page has it any more
			errs = append(errs, os.Remove(file))
		}
	}
	return errors.Join(errs...)
}
