// The script of the book. Every page can be read without it. Its sections:
//
//	Basics     find and make elements, remember values, load scripts
//	Theme      light, dark, or the system's
//	Reading    buttons that copy code, arrow keys that scroll, a mark in the contents
//	Search     all pages, with the keyboard
//	Blocks     buttons that run console blocks, and the marks of their commands
//	Dock       the connection to the server, and all that it shows
//	Terminals  a pane for each, and for the log of each server
//	Lanes      which client waits, which is being served, and what is said
//	Start      when the page is there
"use strict";

// --- Basics ---

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

// loadScript loads a script from the folder of the assets.
function loadScript(name) {
	return new Promise((done, failed) =>
		document.head.append(make("script", { src: root + "assets/" + name, onload: done, onerror: failed })));
}

// drawing makes an SVG element.
function drawing(tag, attributes) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const name in attributes) element.setAttribute(name, attributes[name]);
	return element;
}

// --- Theme ---

// The theme is "auto", "light" or "dark". This line runs before the page is shown.
setTheme(remembered("theme"));

// theme and setTheme get and set the theme of this page.
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

// --- Reading ---

// addCopyButtons shows the buttons that copy code. From a transcript, they copy
// only the commands, without prompts.
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

// letKeyboardScroll makes each frame that scrolls reachable with Tab, so that the
// arrow keys can scroll it.
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

// --- Search ---

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
	return loading ??= loadScript("search-index.js");
}

// search returns up to 12 entries that have all words, the best first.
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

// beginsWord reports whether a word begins at an offset.
function beginsWord(text, at) { return at === 0 || !/\w/.test(text[at - 1]); }

// showFound returns the item of the list that shows an entry, with an excerpt
// around the first word that it contains.
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

// markWords splits a text into pieces and marks those that are words.
function markWords(text, words) {
	const pattern = new RegExp("(" + words.map(word => word.replace(/[^\w\s]/g, "\\$&")).join("|") + ")", "gi");
	return text.split(pattern).map((piece, i) => i % 2 ? make("mark", {}, piece) : piece);
}

// --- Blocks ---

// A page that is served live has <section id="dock"> for the terminals. Each block
// that can be run is a <figure class="code console"> with data-page, data-block and
// data-section; its commands are <span class="command" data-command="0"> and so on.

// addRunButtons lets the reader run the blocks of a page that is served live.
function addRunButtons() {
	if (!one("#dock")) return;
	for (const button of all(".run")) {
		button.hidden = false;
		button.onclick = () => {
			const figure = button.closest("figure"), { page, block } = figure.dataset;
			button.disabled = true;
			live.send({ do: "run", page, block: +block });
			figure.scrollIntoView({ block: "nearest" }); // the dock may have covered it
		};
	}
	document.addEventListener("theme", () => live.showTheme());
}

// figures returns the figures of a block. A listing's page may show a block of its
// chapter.
function figures({ page, block }) {
	return all(`figure[data-block="${block}"]`).filter(figure => figure.dataset.page === page);
}

// showCommand marks a command of a block: it runs, it has printed what is on the page,
// or it has printed something else, which is then shown below it.
function showCommand({ page, block, command, state, want, got, why }) {
	for (const figure of figures({ page, block })) {
		const line = one(`.command[data-command="${command}"]`, figure);
		if (!line) continue;
		one(".state", line)?.remove();
		line.normalize();
		const sign = { "running": "…", "as printed": "✓", "differs": "≠", "failed": "✗" }[state];
		const mark = make("span", { className: "state" }, ` ${sign} ${state}`);
		mark.dataset.state = state.replace(" ", "-");
		// The command's last line ends in a line feed, which must stay last.
		const last = line.lastElementChild.lastChild;
		if (last.data?.endsWith("\n")) last.splitText(last.length - 1).before(mark);
		else line.lastElementChild.append(mark);
		if (why || got || want) figure.append(difference(want, got, why));
	}
}

// difference returns what a command printed, beside what it should have printed.
function difference(want, got, why) {
	const box = make("details", { className: "difference" }, make("summary", {}, "What differs"));
	if (why) box.append(make("p", {}, why));
	if (want || got) {
		box.append(make("p", {}, "On the page:"), make("pre", {}, want || "(nothing)\n"));
		box.append(make("p", {}, "Here:"), make("pre", {}, got || "(nothing)\n"));
	}
	return box;
}

// --- Dock ---

// The reader clicks Run. Then live.open opens a WebSocket to the server, which starts
// a session and types the commands of the block at a terminal. The server sends the
// bytes of the terminals, and messages: see internal/live/message.go.

// The token in the address proves that this browser belongs to the reader. It moves
// from the address to the browser's own storage.
{
	const found = /^#token=(\w+)$/.exec(location.hash);
	if (found) {
		remember("token", found[1]);
		history.replaceState(null, "", location.pathname + location.search);
	}
}

// live is the dock at the foot of the page, with the terminals, and its connection.
const live = {
	socket: null, // null if there is no connection
	opening: null, // an object while a connection is being opened
	queue: [], // messages to send once there is a connection
	panes: new Map(), // by number

	// send sends a message. A message that begins something opens a connection if
	// there is none. Any other message is about a pane, which is gone or dead
	// without a connection.
	send(message) {
		const begins = ["run", "crowd", "terminal"].includes(message.do);
		if (begins && !this.socket && !this.opening) this.open();
		if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
		else if (begins) this.queue.push(message);
	},

	async open() {
		const opening = this.opening = {};
		this.build();
		this.clear();
		this.say("Building the programs …");
		try {
			await loadTerminals();
		} catch {
			if (this.opening !== opening) return;
			this.say("The terminals could not be loaded. Is the book still open in its terminal?");
			this.opening = null;
			this.release();
			return;
		}
		if (this.opening !== opening) return; // the reader has closed the dock
		const socket = new WebSocket("ws://" + location.host + "/live", ["fopnp.live", "token." + (remembered("token") || "none")]);
		socket.binaryType = "arraybuffer";
		let opened = false;
		socket.onopen = () => {
			opened = true;
			for (const message of this.queue.splice(0)) socket.send(JSON.stringify(message));
		};
		socket.onmessage = event => {
			if (event.data instanceof ArrayBuffer) this.show(event.data);
			else this.hear(JSON.parse(event.data));
		};
		socket.onclose = () => {
			if (this.socket !== socket) return; // the reader has closed it
			this.socket = null;
			this.release();
			this.say(opened ? "The session has ended. Run a block to begin another." :
				"The book's server did not let this page in. Open the book at the address that its terminal shows.");
		};
		this.socket = socket;
		this.opening = null;
	},

	// build shows the dock. The first time, it fills it.
	build() {
		const dock = one("#dock");
		dock.hidden = false;
		document.documentElement.classList.add("docked");
		if (this.note) return;
		this.note = make("p", { className: "note" });
		this.note.setAttribute("role", "status");
		this.lanes = new Lanes();
		this.paneBox = make("div", { className: "panes" });
		const button = (label, title, onclick) => make("button", { type: "button", title, onclick }, label);
		dock.replaceChildren(
			make("div", { className: "dock-bar" }, this.note,
				button("Six clients", "Six clients ask the server that runs", () => this.crowd()),
				button("+ Terminal", "A terminal for your own commands", () => this.send({ do: "terminal" })),
				button("Close", "End the session and all its programs", () => this.close())),
			this.lanes.box, this.paneBox);
	},

	say(text) { this.note.textContent = text; },

	crowd() {
		this.lanes.expect(crowdSize);
		this.send({ do: "crowd" });
	},

	// close ends the session, and with it all that it has started.
	close() {
		const socket = this.socket;
		this.socket = this.opening = null;
		socket?.close();
		this.clear();
		this.release();
		one("#dock").hidden = true;
		document.documentElement.classList.remove("docked");
		one("main").focus({ preventScroll: true });
	},

	// clear forgets the session.
	clear() {
		for (const pane of this.panes.values()) pane.remove();
		this.panes.clear();
		this.lanes.clear();
		for (const mark of all(".command .state, .console .difference")) mark.remove();
	},

	// release lets the reader click Run again.
	release() {
		this.queue = [];
		for (const button of all(".run")) button.disabled = false;
	},

	// show shows what a program has written. When the terminal has drawn it, the
	// server may send more.
	show(buffer) {
		const number = new DataView(buffer).getUint16(0);
		const data = new Uint8Array(buffer, 2);
		this.panes.get(number)?.terminal.write(data, () => this.send({ do: "shown", pane: number, bytes: data.length }));
	},

	hear(message) {
		switch (message.tell) {
		case "session":
			this.clear();
			this.say(message.note);
			break;
		case "note":
			this.say(message.note);
			break;
		case "pane":
			if (this.panes.has(message.pane)) this.panes.get(message.pane).setTitle(message.title);
			else this.panes.set(message.pane, new Pane(message, this.paneBox));
			break;
		case "program":
			this.showProgram(message);
			break;
		case "command":
			showCommand(message);
			break;
		case "ended":
			for (const figure of figures(message)) one(".run", figure).disabled = false;
			break;
		case "lanes":
			for (const event of message.events) this.lanes.add(event);
			break;
		}
	},

	// showProgram shows whether the program of a pane runs. A terminal whose shell has
	// ended disappears, but the shell of the blocks stays so you can read it.
	showProgram(message) {
		const pane = this.panes.get(message.pane);
		pane?.setState(message);
		if (pane?.kind !== "terminal" || message.runs) return;
		const focused = pane.box.contains(document.activeElement);
		pane.remove();
		this.panes.delete(message.pane);
		if (focused) one(".dock-bar button").focus();
	},

	showTheme() {
		for (const pane of this.panes.values()) pane.terminal.options.theme = terminalColours();
	},
};

// --- Terminals ---

// loadTerminals loads xterm.js, which draws terminals.
function loadTerminals() {
	if (!window.Terminal) document.head.append(make("link", { rel: "stylesheet", href: root + "assets/xterm/xterm.css" }));
	return Promise.all([window.Terminal || loadScript("xterm/xterm.js"), window.FitAddon || loadScript("xterm/addon-fit.js"),
		document.fonts?.load('13px "Book Mono"')]);
}

// terminalColours returns the current theme, for xterm.js.
function terminalColours() {
	const [ink, paper, link, tint] = ["--ink", "--paper", "--link", "--tint"].map(colour);
	return { foreground: ink, background: paper, cursor: link, cursorAccent: paper, selectionBackground: tint, selectionForeground: ink };
}

// A Pane is a terminal, or the log of a program in the background.
class Pane {
	constructor({ pane, kind, title }, inside) {
		this.kind = kind;
		this.state = make("span", { className: "program" });
		this.title = make("b");
		this.screen = make("div", { className: "screen" });
		this.box = make("section", { className: "pane" }, make("h2", {}, this.title, this.state), this.screen);
		this.setTitle(title);
		// Server logs go on the left.
		if (kind === "log") inside.prepend(this.box); else inside.append(this.box);

		this.terminal = new Terminal({
			fontFamily: '"Book Mono", ui-monospace, Menlo, Consolas, monospace', fontSize: 13, lineHeight: 1.25,
			theme: terminalColours(), minimumContrastRatio: 4.5, screenReaderMode: true, scrollback: 5000,
		});
		const fit = new FitAddon.FitAddon();
		this.terminal.loadAddon(fit);
		this.terminal.open(this.screen);
		// The server limits the size of a message. Send pieces of whole characters,
		// at most 4 KiB each.
		this.terminal.onData(keys => {
			for (const piece of keys.match(/[^]{1,1024}/gu)) live.send({ do: "keys", pane, keys: piece });
		});
		this.terminal.onResize(({ cols, rows }) => live.send({ do: "size", pane, columns: cols, rows }));
		// Tab belongs to the shell. After Escape, it leaves the terminal.
		let escaped = false;
		this.terminal.attachCustomKeyEventHandler(event => {
			if (event.type !== "keydown") return true;
			if (event.key === "Tab" && escaped) return false;
			if (event.key !== "Shift") escaped = event.key === "Escape";
			return true;
		});
		this.observer = new ResizeObserver(() => fit.fit());
		this.observer.observe(this.screen);
		if (kind === "terminal") this.terminal.focus();
	}

	setTitle(title) {
		this.title.textContent = title;
		this.box.setAttribute("aria-label", title);
	}

	setState({ runs, port }) {
		this.state.textContent = !runs ? "ended" : port ? "● listens at port " + port : "● runs";
		this.state.classList.toggle("runs", runs);
	}

	remove() {
		this.observer.disconnect();
		this.terminal.dispose();
		this.box.remove();
	}
}

// --- Lanes ---

// The chart shows the last clients that came, and this many ms.
const shownLanes = 12, shownFor = 20000;

const crowdSize = 6; // as in the package live

// Lanes draws a line for each client: when it is in the kernel's queue, when it
// waits, and when it is served. A list beside the lines shows what was said.
class Lanes {
	constructor() {
		const key = (kind, text) => make("span", { className: "key " + kind }, text);
		this.chart = make("div", { className: "chart" });
		this.doubt = make("span", { className: "doubt" });
		this.said = make("ol", { className: "said", tabIndex: 0 });
		this.said.setAttribute("aria-label", "What is said on the network");
		this.said.onscroll = () => this.follows = this.said.scrollTop + this.said.clientHeight > this.said.scrollHeight - 30;
		new ResizeObserver(() => this.showNewest()).observe(this.said); // also when it appears
		this.box = make("div", { className: "lanes", hidden: true },
			make("div", {},
				make("p", { className: "legend" }, key("queue", "in the kernel’s queue"), key("waits", "has asked, waits"), key("served", "is being served"),
					make("span", {}, "mark above: asks, below: is answered"), this.doubt),
				this.chart),
			this.said);
		this.clear();
		new ResizeObserver(() => this.changed = true).observe(this.chart);
		setInterval(() => this.draw(), 80);
	}

	clear() {
		this.lanes = new Map();
		this.count = 0; // of clients in this scene
		this.expected = 0; // the least count once the crowd has come
		this.lost = 0; // packets in this scene that the server did not see
		this.last = { at: 0, here: 0 }; // the last event: its time, and ours
		this.said.replaceChildren();
		this.follows = true; // the newest line is shown
		this.changed = true;
	}

	// expect keeps clients that are about to connect in one scene, because on a busy
	// machine they may connect one by one. If no client is connected, it begins a new
	// scene.
	expect(clients) {
		if (![...this.lanes.values()].some(isOpen)) this.clear();
		this.expected = this.count + clients;
	}

	add(event) {
		if (["listens", "closed"].includes(event.kind)) return;
		if (event.kind === "lost") {
			this.lost += event.size;
			this.changed = true;
			return;
		}
		// When all have left for a while, a new scene begins. Otherwise, a long pause
		// would make short visits too small to see.
		const lanes = [...this.lanes.values()], open = lanes.some(isOpen);
		const took = this.last.at - Math.min(...lanes.map(lane => lane.from));
		const pause = this.count < this.expected ? 10000 : Math.min(700, Math.max(100, 2 * took)); // in ms
		if (lanes.length && !open && event.at > this.last.at + pause) this.clear();
		if (event.at > this.last.at) this.last = { at: event.at, here: performance.now() };
		this.changed = true;
		if (event.kind === "omitted") {
			this.tell(event, `${event.size} more events, too many to show`);
			return;
		}
		const lane = this.lane(event);
		if (!lane) return; // it belongs to an earlier scene
		switch (event.kind) {
		case "queue": case "waits": case "served": case "idle": case "gone":
			const span = lane.spans.at(-1);
			if (span && span.to === undefined) span.to = event.at;
			if (event.kind === "gone") lane.to = event.at;
			else lane.spans.push({ state: event.kind, from: event.at, doubt: event.doubt ?? 0 });
			while (lane.spans.length > 1000 || lane.spans[0]?.to < event.at - shownFor) lane.spans.shift();
			break;
		case "asks": case "answers":
			lane.said.push(event);
			if (lane.said.length > 200) lane.said.shift();
			if (event.udp) lane.to = event.at;
			this.tell(event, make("code", {}, (event.kind === "asks" ? "→ " : "← ") + event.text + (event.size > event.text.length ? " …" : "")), lane);
			break;
		default:
			if (event.kind === "hangs up") lane.hungUp = event.at;
			this.tell(event, event.kind, lane);
		}
	}

	// lane returns the lane of an event. An event that begins something may begin a lane.
	lane(event) {
		const key = [event.udp, event.server, event.client].join();
		let lane = this.lanes.get(key);
		if (lane && lane.to !== undefined && event.kind === "connects") lane = null; // the port is used again
		if (!lane && (event.udp || ["connects", "queue", "waits", "served", "idle"].includes(event.kind))) {
			lane = { number: ++this.count, from: event.at, hungUp: undefined, to: undefined, spans: [], said: [], udp: event.udp };
			this.lanes.delete(key);
			this.lanes.set(key, lane);
			for (const [old, { to }] of [...this.lanes].slice(0, -shownLanes)) if (to !== undefined) this.lanes.delete(old);
		}
		return lane;
	}

	tell(event, what, lane) {
		this.said.append(make("li", {}, make("time", {}, event.at.toFixed(1)), lane ? ` client ${lane.number} ` : " ", what));
		if (this.said.children.length > 300) this.said.firstChild.remove();
		this.showNewest();
	}

	// showNewest scrolls to the end of what was said, unless the reader has scrolled up.
	showNewest() {
		if (this.follows) this.said.scrollTop = this.said.scrollHeight;
	}

	draw() {
		const lanes = [...this.lanes.values()], open = lanes.some(isOpen);
		if (!this.changed && !open) return;
		this.changed = false;
		this.box.hidden = !lanes.length;
		if (!lanes.length) return;

		const shown = lanes.slice(-shownLanes);
		const now = open ? this.last.at + performance.now() - this.last.here : this.last.at;
		const from = Math.max(Math.min(...shown.map(lane => lane.from)), now - shownFor);
		const width = Math.max(240, this.chart.clientWidth), left = 64, row = 16;
		const time = Math.max(1, now - from);
		const x = at => left + Math.min(1, Math.max(0, (at - from) / time)) * (width - left - 8);
		const height = shown.length * row + 18;
		const svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": this.summary(shown) });
		const put = (tag, attributes, text) => {
			const element = drawing(tag, attributes);
			if (text) element.textContent = text;
			svg.append(element);
		};
		let doubt = 0; // the largest of all that is drawn
		shown.forEach((lane, i) => {
			const y = i * row + 9, end = isOpen(lane) ? now : lane.to ?? Math.max(lane.hungUp, lane.said.at(-1)?.at ?? 0);
			put("text", { x: 0, y: y + 4 }, "client " + lane.number);
			const spans = lane.spans.length ? lane.spans : [{ state: "idle", from: lane.from, doubt: 0 }];
			for (const span of spans) {
				const a = x(span.from), b = Math.max(a + 1.5, x(span.to ?? end));
				if (span.state === "served") put("rect", { class: "served", x: a, y: y - 5, width: b - a, height: 10 });
				else put("line", { class: span.state, x1: a, x2: b, y1: y, y2: y });
				doubt = Math.max(doubt, span.doubt);
			}
			for (const { kind, at } of lane.said) {
				const arrow = !lane.udp ? "" : kind === "asks" ? "m-3 -3 3 3 3-3" : "m-3 3 3-3 3 3";
				if (kind === "asks") put("path", { class: "mark", d: `M${x(at)} ${y - 7}v6${arrow}` });
				else put("path", { class: "mark", d: `M${x(at)} ${y + 7}v-6${arrow}` });
			}
		});
		put("text", { x: left, y: height - 3 }, "0");
		put("text", { x: width - 8, y: height - 3, "text-anchor": "end" }, rounded(time, 20) + " ms");
		this.chart.replaceChildren(svg);
		this.doubt.textContent = this.doubts(doubt);
	}

	// doubts returns a text about what may be inexact or missing in the chart.
	doubts(ms) {
		const times = ms < 0.1 ? "" : `Changes may be off by up to ${rounded(ms, 10)} ms.`;
		const lost = !this.lost ? "" : `The book missed ${this.lost} ${this.lost === 1 ? "packet" : "packets"}, so clients and words may be missing.`;
		return [times, lost].filter(Boolean).join(" ");
	}

	// summary says in words what the chart shows now.
	summary(lanes) {
		const now = state => lanes.filter(lane => lane.to === undefined && lane.spans.at(-1)?.state === state).length;
		return `${lanes.length} clients: ${now("queue")} in the queue, ${now("waits")} wait, ${now("served")} are being served`;
	}
}

// isOpen reports whether something may still happen in a lane. The server may keep the
// connection of a client that has hung up, for instance in a chat, where it could still
// listen. Such a lane is over when the client waits for nothing.
function isOpen(lane) {
	const last = lane.spans.at(-1)?.state ?? "idle";
	return lane.to === undefined && (lane.hungUp === undefined || last !== "idle");
}

// rounded returns a number as text, with a decimal if it is small.
function rounded(number, small) { return number < small ? number.toFixed(1) : String(Math.round(number)); }

// --- Start ---

document.addEventListener("DOMContentLoaded", () => {
	addThemeButton();
	addCopyButtons();
	letKeyboardScroll();
	markSection();
	addSearch();
	addRunButtons();
});
