// The script of the book. Every page can be read without it. It adds a choice of
// theme, buttons that copy code, a search, and a mark at the section that is being
// read. The end of the file runs console blocks.
"use strict";

// one and all find elements, as in CSS. make makes an element, with properties and
// children.
const one = (selector, inside = document) => inside.querySelector(selector);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
function make(tag, properties = {}, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}

// root leads from this page to the root of the book: "" or "../" and so on.
const root = document.documentElement.dataset.root;

// remembered and remember keep a value in this browser. A browser may forbid that.
function remembered(key) {
	try { return localStorage.getItem(key); } catch { return null; }
}
function remember(key, value) {
	try { localStorage.setItem(key, value); } catch { }
}

// The theme is "auto", "light" or "dark". This line runs before the page is shown.
setTheme(remembered("theme"));

function theme() { return document.documentElement.dataset.theme || "auto"; }

function setTheme(name) {
	if (name === "light" || name === "dark") document.documentElement.dataset.theme = name;
	else delete document.documentElement.dataset.theme;
}

// colour returns a colour of the style sheet as it is in the current theme: colour("--ink").
function colour(variable) {
	const probe = make("i");
	probe.style.color = `var(${variable})`;
	document.body.append(probe);
	const value = getComputedStyle(probe).color;
	probe.remove();
	return value;
}

// addThemeButton lets the reader choose a theme. The document gets the event
// "theme" when its colours change.
function addThemeButton() {
	const button = one(".theme");
	const themes = ["auto", "light", "dark"];
	const show = () => {
		const [sign, word] = { auto: ["◐", "Auto"], light: ["○", "Light"], dark: ["●", "Dark"] }[theme()];
		button.replaceChildren(sign, make("span", {}, " " + word));
		button.setAttribute("aria-label", "Theme: " + theme());
	};
	const changed = () => document.dispatchEvent(new Event("theme"));
	button.onclick = () => {
		setTheme(themes[(themes.indexOf(theme()) + 1) % themes.length]);
		remember("theme", theme());
		show();
		changed();
	};
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
	show();
	button.hidden = false;
}

// addCopyButtons copies code. Of a transcript it copies the commands, without their
// prompts.
function addCopyButtons() {
	for (const button of all("button.copy")) {
		button.hidden = false;
		button.onclick = async () => {
			const code = one("pre > code", button.closest("figure"));
			const commands = all(".command", code);
			try {
				await navigator.clipboard.writeText(commands.length ? commands.map(typed).join("") : code.textContent);
				button.textContent = "Copied";
			} catch {
				button.textContent = "Not allowed";
			}
			setTimeout(() => button.textContent = "Copy", 1500);
		};
	}
}

// typed returns a command as the reader types it.
function typed(command) {
	const copy = command.cloneNode(true);
	all(".prompt", copy).forEach(prompt => prompt.remove());
	return copy.textContent;
}

// letKeyboardScroll makes what is wider than its frame reachable with Tab, so that
// the arrow keys can scroll it.
function letKeyboardScroll() {
	const frames = all(".code pre, .table, .diagram, .plot, .source");
	const update = () => {
		for (const frame of frames) {
			const scrolls = frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight + 1;
			if (scrolls) frame.tabIndex = 0;
			else frame.removeAttribute("tabindex");
		}
	};
	new ResizeObserver(update).observe(document.body);
	document.fonts.ready.then(update);
}

// markSection marks in the contents the section that is being read.
function markSection() {
	const links = new Map(all("#contents li a[href^='#']").map(a => [decodeURIComponent(a.hash.slice(1)), a]));
	const reading = new IntersectionObserver(entries => {
		for (const entry of entries) {
			if (!entry.isIntersecting) continue;
			links.forEach(a => a.classList.remove("here"));
			links.get(entry.target.id).classList.add("here");
		}
	}, { rootMargin: "-10% 0px -75% 0px" });
	for (const id of links.keys()) reading.observe(document.getElementById(id));
}

// addSearch lets the reader search all pages, with the keyboard: / begins, the
// arrows choose, Enter goes there, and Escape ends.
function addSearch() {
	const box = one(".search"), input = one("input", box), list = one("#found");
	let found = [], chosen = 0;
	box.hidden = false;

	const choose = i => {
		chosen = i;
		[...list.children].forEach((item, n) => item.setAttribute("aria-selected", n === i));
		input.setAttribute("aria-activedescendant", list.children[i].id);
		list.children[i].scrollIntoView({ block: "nearest" });
	};
	const close = () => {
		list.hidden = true;
		list.replaceChildren();
		input.setAttribute("aria-expanded", "false");
		input.removeAttribute("aria-activedescendant");
	};
	const go = i => {
		close();
		input.value = "";
		input.blur();
		location.href = root + found[i].url;
	};
	const show = () => {
		const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
		if (!words.length) return close();
		found = search(window.bookIndex, words);
		list.replaceChildren(...found.map((entry, i) => showFound(entry, words, i)));
		all("li", list).forEach((item, i) => item.onclick = () => go(i));
		if (!found.length) list.append(make("li", { className: "none", role: "option" }, "No page has all these words."));
		list.hidden = false;
		input.setAttribute("aria-expanded", "true");
		if (found.length) choose(0);
		else input.removeAttribute("aria-activedescendant");
	};
	input.onfocus = loadIndex;
	input.oninput = () => loadIndex().then(show);
	input.onkeydown = event => {
		const steps = { ArrowDown: 1, ArrowUp: -1 };
		if (steps[event.key] && found.length) choose((chosen + steps[event.key] + found.length) % found.length);
		else if (event.key === "Enter" && !list.hidden && found.length) go(chosen);
		else if (event.key === "Escape") { close(); input.value = ""; input.blur(); }
		else return;
		event.preventDefault();
	};
	document.addEventListener("keydown", event => {
		const typing = event.target.closest("input, textarea, select, [contenteditable]");
		if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
			event.preventDefault();
			input.focus();
		}
	});
	document.addEventListener("click", event => { if (!box.contains(event.target)) close(); });
}

// loadIndex loads window.bookIndex, once.
let loading = null;
function loadIndex() {
	return loading ??= new Promise((done, failed) =>
		document.head.append(make("script", { src: root + "assets/search-index.js", onload: done, onerror: failed })));
}

// search returns the entries that have all words, the best first.
function search(entries, words) {
	const scored = [];
	for (const entry of entries) {
		const title = entry.title.toLowerCase();
		const text = entry.lower ??= entry.text.toLowerCase();
		let score = 0;
		for (const word of words) {
			const at = text.indexOf(word);
			if (title === word) score += 50;
			else if (title.includes(word)) score += 20;
			else if (at < 0) { score = 0; break; }
			if (at >= 0) score += beginsWord(text, at) ? 6 : 3;
		}
		if (score > 0) scored.push([score, entry]);
	}
	return scored.sort((a, b) => b[0] - a[0]).slice(0, 12).map(([, entry]) => entry);
}

function beginsWord(text, at) { return at === 0 || !/\w/.test(text[at - 1]); }

// showFound returns the item of the list that shows an entry, with some of the text
// around the first word that is there.
function showFound(entry, words, i) {
	const [at = 0] = words.map(word => entry.lower.indexOf(word)).filter(at => at >= 0);
	const begin = at < 40 ? 0 : entry.text.indexOf(" ", at - 40) + 1;
	const excerpt = entry.text.slice(begin, begin + 150).replace(/\s\S*$/, "");
	const item = make("li", { id: "found-" + i },
		make("b", {}, entry.title), make("small", {}, entry.page),
		make("small", {}, begin ? "… " : "", ...markWords(excerpt, words), " …"));
	item.setAttribute("role", "option");
	return item;
}

// markWords returns a text in pieces, the words of which are marked.
function markWords(text, words) {
	const pattern = new RegExp("(" + words.map(word => word.replace(/[^\w\s]/g, "\\$&")).join("|") + ")", "gi");
	return text.split(pattern).map((piece, i) => i % 2 ? make("mark", {}, piece) : piece);
}

document.addEventListener("DOMContentLoaded", () => {
	addThemeButton();
	addCopyButtons();
	letKeyboardScroll();
	markSection();
	addSearch();
	addRunButtons();
});

// --- Running console blocks ---
//
// A page that is served live has <section id="dock"> for the terminals. Each block
// that can be run is a <figure class="code console"> with data-page, data-block and
// data-section; its commands are <span class="command" data-command="0"> and so on.

function addRunButtons() { }
