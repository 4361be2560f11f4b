"use strict";

// Mermaid draws in these colours. Afterwards each becomes a variable of the style
// sheet, so no two may be the same.
const colours = {
	"#f1f2f3": "var(--box)",
	"#fdfcfb": "var(--group)",
	"#fefdfc": "var(--paper)",
	"#111213": "var(--ink)",
	"#717273": "var(--edge)",
	"#515253": "var(--arrow)",
	"#c1c2c3": "var(--faint)",
	"#fff3d1": "var(--note)",
	"#d1b261": "var(--note-edge)",
};

mermaid.initialize({
	startOnLoad: false, securityLevel: "strict", deterministicIds: true, handDrawnSeed: 1, theme: "base", htmlLabels: false,
	flowchart: { htmlLabels: false, curve: "basis", padding: 12 },
	sequence: { mirrorActors: false, messageFontSize: 14, actorFontSize: 14, noteFontSize: 13 },
	class: { htmlLabels: false },
	themeVariables: {
		fontFamily: "Liberation Sans, Arial, Helvetica, sans-serif", fontSize: "14px",
		primaryColor: "#f1f2f3", mainBkg: "#f1f2f3", secondaryColor: "#f1f2f3", actorBkg: "#f1f2f3", labelBoxBkgColor: "#f1f2f3",
		tertiaryColor: "#fdfcfb", clusterBkg: "#fdfcfb", edgeLabelBackground: "#fefdfc",
		primaryTextColor: "#111213", textColor: "#111213", actorTextColor: "#111213", signalTextColor: "#111213",
		labelTextColor: "#111213", loopTextColor: "#111213", classText: "#111213", noteTextColor: "#111213", titleColor: "#111213",
		primaryBorderColor: "#717273", nodeBorder: "#717273", actorBorder: "#717273", labelBoxBorderColor: "#717273",
		lineColor: "#515253", signalColor: "#515253",
		clusterBorder: "#c1c2c3", actorLineColor: "#c1c2c3",
		noteBkgColor: "#fff3d1", noteBorderColor: "#d1b261",
	},
});

// draw returns a diagram as SVG.
async function draw(id, source) {
	const { svg } = await mermaid.render(id, source);
	document.body.innerHTML = svg;
	const root = document.querySelector("svg");
	roundEnds(root);
	flatten(root);
	tidy(root);
	const text = new XMLSerializer().serializeToString(root);
	return text.replace(/-?\d+\.\d{2,}(e-\d+)?/g, n => String(Math.round(n * 10) / 10)).replace(/#[0-9a-f]{6}\b/g, colour => {
		if (!colours[colour]) throw new Error(id + " has the colour " + colour + ", which draw.js does not know");
		return colours[colour];
	});
}

// roundEnds draws a box with round ends as a rectangle. Mermaid draws it with two
// paths of some hundred curves.
function roundEnds(root) {
	for (const group of root.querySelectorAll("g.outer-path")) {
		const paths = [...group.querySelectorAll("path")];
		if (paths.length !== 2 || paths[1].getAttribute("d").length < 4000) continue;
		const box = paths[1].getBBox();
		const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
		for (const name of ["x", "y", "width", "height"]) rect.setAttribute(name, box[name]);
		rect.setAttribute("rx", box.height / 2);
		rect.style.fill = getComputedStyle(paths[0]).fill;
		rect.style.stroke = getComputedStyle(paths[1]).stroke;
		rect.style.strokeWidth = getComputedStyle(paths[1]).strokeWidth;
		group.replaceChildren(rect);
	}
}

// flatten leaves these values out, because every element has them by default.
const initial = {
	"fill": "rgb(0, 0, 0)", "fill-opacity": "1", "stroke": "none", "stroke-width": "1px", "stroke-dasharray": "none",
	"stroke-opacity": "1", "opacity": "1", "marker-start": "none", "marker-end": "none",
	"font-size": "", "font-weight": "400", "font-style": "normal", "text-anchor": "start", "dominant-baseline": "auto",
};
const ofText = ["font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline"];

// flatten writes the computed styles of all shapes and texts into attributes.
function flatten(root) {
	const styles = [];
	for (const ground of root.querySelectorAll("rect.background")) ground.style.opacity = 1; // or the line shows through its label
	for (const e of root.querySelectorAll("path, rect, circle, ellipse, line, polygon, polyline, text, tspan")) {
		const computed = getComputedStyle(e);
		if (computed.fill === "rgba(0, 0, 0, 0)") e.style.fill = "none";
		if (/^(0|1px, 0|0px, 0)/.test(computed.strokeDasharray)) e.style.strokeDasharray = "none";
		const isText = e.tagName === "text" || e.tagName === "tspan";
		styles.push([e, Object.keys(initial).filter(name => isText ? name === "fill" || name === "opacity" || ofText.includes(name) : !ofText.includes(name))
			.map(name => [name, computed.getPropertyValue(name)])]);
	}
	for (const [e, properties] of styles) {
		for (const [name, value] of properties) {
			e.removeAttribute(name);
			if (value === initial[name] || e.tagName === "tspan" && value === getComputedStyle(e.parentNode).getPropertyValue(name)) continue;
			e.setAttribute(name, value.replace(/rgb\((\d+), (\d+), (\d+)\)/, (_, r, g, b) => "#" + [r, g, b].map(c => (+c).toString(16).padStart(2, "0")).join("")).replaceAll('"', "").replace(/(\d)px/g, "$1"));
		}
	}
}

// tidy removes what a drawing without a style sheet or a script does not need.
function tidy(root) {
	for (const e of root.querySelectorAll("style, symbol, title, desc, foreignObject, linearGradient, filter")) e.remove();
	for (const e of root.querySelectorAll("rect")) if (!+e.getAttribute("width")) e.remove();
	for (const e of root.querySelectorAll("marker")) if (!root.innerHTML.includes("url(#" + e.id + ")")) e.remove();
	for (let empty; (empty = root.querySelector("g:empty, defs:empty"));) empty.remove();
	const kept = new Set(["id", "viewBox", "transform", "d", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "width", "height", "cx", "cy", "r", "rx", "ry",
		"points", "refX", "refY", "markerWidth", "markerHeight", "markerUnits", "orient", "xml:space", ...Object.keys(initial)]);
	for (const e of [root, ...root.querySelectorAll("*")]) {
		for (const a of [...e.attributes]) {
			if (a.name === "xmlns" && e === root) continue;
			if (!kept.has(a.name) || a.name === "id" && e.tagName !== "marker" || a.name === "transform" && a.value === "") e.removeAttribute(a.name);
		}
	}
	const [, , width, height] = root.getAttribute("viewBox").split(" ");
	root.setAttribute("width", Math.round(width));
	root.setAttribute("height", Math.round(height));
}
