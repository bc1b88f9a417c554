// Joins the views of each run, and the keys. The exchange, the sources and what belongs to them are read from the page.

const KEYS = [
  ["/", "search; Enter and Shift+Enter go on"], ["n  N", "next and previous place that was found"],
  ["↑ ↓  j k", "next and previous line"], ["Enter", "bytes and details of the line; fold or unfold a step"],
  ["← →", "fold and unfold"], ["[ ]", "previous and next step"], ["f", "next failure"],
  ["s", "the statement of the line"], ["+ -", "unfold and fold all"], ["Home End", "first and last line"], ["Esc", "close"],
];

class Run {
  constructor(article, sources) {
    const texts = article.querySelector("pre.exchange");
    this.id = article.id;
    this.sources = sources;
    this.exchange = new Exchange(texts.textContent, JSON.parse(article.querySelector("script.data").textContent));
    this.folded = new Set();
    this.chosen = this.pointed = -1;
    this.sought = "";
    this.hits = [];
    const { exchange } = this;
    const isLong = exchange.n > 400;
    for (const step of exchange.steps) if (step.outcome === 1 || isLong && (step.outcome === 0 || step.outcome === 3)) this.folded.add(step.number);
    // What is around a failure is open.
    this.code = new Code(this, sources);
    this.lines = new Lines(this);
    this.detail = new Detail(this);
    this.timeline = new Timeline(this);
    this.search = make("input", { type: "search", placeholder: "Search", "aria-label": "Search the exchange", oninput: () => this.seek(this.search.value), onkeydown: event => this.searchKey(event) });
    this.count = make("span", { class: "count", role: "status" });
    const button = (text, title, act) => make("button", { type: "button", title, onclick: act }, text);
    const tools = make("div", { class: "bar-of-tools" }, this.search, this.count,
      button("Previous", "Shift+Enter or N", () => this.hit(-1)), button("Next", "Enter or n", () => this.hit(1)),
      button("Fold all", "-", () => this.foldAll(true)), button("Unfold all", "+", () => this.foldAll(false)));
    if (this.faults().length) tools.append(button("Failure", "f", () => this.fault()));
    const right = make("div", { class: "right" }, this.lines.pane, this.detail.pane);
    this.bench = make("section", { class: "bench", "aria-label": "Flow and exchange" }, this.timeline.pane, this.code.bar, tools, this.code.pane, right);
    article.append(this.bench);
    // In one column the tools of the exchange stand above it.
    const narrow = matchMedia("(max-width: 820px)");
    const order = () => narrow.matches ? this.code.pane.after(tools) : this.code.bar.after(tools);
    narrow.addEventListener("change", order);
    order();
    this.show();
    const last = this.lastFault();
    if (last >= 0) this.choose(last, { isUnfolded: true });
  }

  // Makes the list of lines that are not folded away. How a step ended is said where it begins.
  show() {
    const { exchange, folded } = this, visible = [];
    for (let line = 0; line < exchange.n; line++) {
      if (!exchange.endAt.has(line)) visible.push(line);
      const step = exchange.stepAt.get(line);
      if (step && folded.has(step.number)) line = Math.max(line, step.last);
    }
    this.visible = visible;
    this.lines.take(visible);
  }

  // The row of a line, or of the step that it is folded into.
  rowOf(line) {
    let low = 0, high = this.visible.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.visible[middle] <= line) low = middle + 1; else high = middle;
    }
    return Math.max(0, low - 1);
  }

  choose(line, { isOpen = false, isUnfolded = false } = {}) {
    if (!(line >= 0 && line < this.exchange.n)) return;
    if (isUnfolded) {
      const closed = this.exchange.around(line).filter(step => this.folded.has(step.number));
      closed.forEach(step => this.folded.delete(step.number));
      if (closed.length) this.show();
    }
    this.chosen = line;
    this.lines.reveal(this.rowOf(line));
    this.lines.mark();
    this.timeline.point();
    this.code.mark(this.exchange.siteOf(line), "at", true);
    if (isOpen || !this.detail.pane.hidden) this.detail.show(line);
    try { history.replaceState(null, "", `#${this.id}:${line + 1}`); } catch { /* A page within a page may not. */ }
  }

  belongs(line, site) {
    return this.exchange.siteOf(line) === site || (this.exchange.matchAt.get(line)?.some(match => match.site === site) ?? false);
  }

  // Shows what belongs to a statement.
  point(site) {
    if (site === this.pointed) return;
    this.pointed = site;
    this.code.mark(site, "hot", false);
    this.lines.mark();
    this.timeline.point();
  }

  pointAt(line) { this.point(line < 0 ? -1 : this.exchange.siteOf(line)); }

  // Goes to the next line of a statement, and from the last to the first.
  next(site) {
    const lines = this.exchange.linesOf[site];
    if (lines.length) this.choose(lines.find(line => line > this.chosen) ?? lines[0], { isUnfolded: true });
  }

  statement(site) {
    const { source, begin, end } = this.exchange.sites[site];
    return this.sources[source]?.text.slice(begin, end) ?? "";
  }

  place(site) {
    const { source, begin } = this.exchange.sites[site], text = this.sources[source]?.text ?? "";
    return `${this.sources[source]?.name ?? "?"}:${text.slice(0, begin).split("\n").length}`;
  }

  fold(step, is = !this.folded.has(step.number)) {
    if (is) this.folded.add(step.number); else this.folded.delete(step.number);
    const top = this.lines.top;
    this.show();
    this.lines.scrollTo(top);
    this.choose(step.first);
  }

  foldAll(is) {
    this.folded = new Set(is ? this.exchange.steps.map(step => step.number) : []);
    this.show();
    if (this.chosen >= 0) this.choose(this.visible[this.rowOf(this.chosen)]);
  }

  faults() {
    this.allFaults ??= Array.from({ length: this.exchange.n }, (_, line) => line).filter(line => this.exchange.isFaultHead(line));
    return this.allFaults;
  }

  // The failure that ended the run, if one did: it is in no step that passed in the end, and no clean-up's.
  lastFault() {
    const { exchange } = this, isCleanup = line => exchange.isFault(line) && exchange.body(line) === "clean-up failed";
    const isFinal = line => exchange.around(line).every(step => step.outcome === 2 || step.outcome === 4);
    return this.faults().findLast(line => isFinal(line) && !isCleanup(line) && !(line > 0 && isCleanup(line - 1))) ?? -1;
  }

  fault() {
    const faults = this.faults();
    if (faults.length) this.choose(faults.find(line => line > this.chosen) ?? faults[0], { isUnfolded: true });
  }

  seek(text) {
    this.sought = text;
    this.hits = this.exchange.search(text);
    this.lines.drawn = null;
    this.at = this.hits.findIndex(line => line >= Math.max(0, this.chosen));
    this.tellCount();
    this.lines.draw();
    if (this.hits.length) this.hit(0);
  }

  hit(way) {
    if (!this.hits.length) return;
    const n = this.hits.length;
    this.at = this.at < 0 ? 0 : (this.at + way + n) % n;
    this.tellCount();
    this.choose(this.hits[this.at], { isUnfolded: true });
  }

  tellCount() {
    const n = this.hits.length;
    this.count.textContent = !this.sought ? "" : n ? `${Math.max(0, this.at) + 1} of ${n}` : "not found";
  }

  searchKey(event) {
    if (event.key === "Enter") this.hit(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") { this.search.value = ""; this.seek(""); this.lines.pane.focus(); }
    else return;
    event.preventDefault();
  }

  move(by) { this.choose(this.visible[Math.max(0, Math.min(this.visible.length - 1, this.chosen < 0 ? 0 : this.rowOf(this.chosen) + by))]); }

  step(way) {
    const firsts = this.visible.filter(line => this.exchange.stepAt.has(line));
    const to = way > 0 ? firsts.find(line => line > this.chosen) : firsts.findLast(line => line < this.chosen);
    if (to !== undefined) this.choose(to);
  }

  key(event) {
    const step = this.exchange.stepAt.get(this.chosen), page = Math.max(1, Math.floor(this.lines.fits) - 1);
    const acts = {
      "/": () => { this.bench.scrollIntoView({ block: "nearest" }); this.search.focus(); this.search.select(); },
      n: () => this.hit(1), N: () => this.hit(-1), j: () => this.move(1), k: () => this.move(-1),
      ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1), PageDown: () => this.move(page), PageUp: () => this.move(-page),
      Home: () => this.choose(this.visible[0]), End: () => this.choose(this.visible.at(-1)),
      ArrowLeft: () => { const inside = step ?? this.exchange.around(this.chosen).at(-1); if (inside) this.fold(inside, true); },
      ArrowRight: () => step && this.fold(step, false),
      Enter: () => step ? this.fold(step) : this.choose(this.chosen, { isOpen: true }),
      "[": () => this.step(-1), "]": () => this.step(1), f: () => this.fault(), "+": () => this.foldAll(false), "-": () => this.foldAll(true),
      s: () => { const site = this.exchange.siteOf(this.chosen); this.code.each(site, part => part.focus()); },
      Escape: () => { this.detail.close(); this.point(-1); },
    };
    acts[" "] = acts.Enter;
    // The arrows and the like scroll the page as ever, unless the lines have the focus.
    const isOurs = event.key.length === 1 && event.key !== " " || event.key === "Escape" || this.lines.pane.contains(document.activeElement);
    if (!isOurs || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }
}

function openPage() {
  const sources = [...document.querySelectorAll("pre.source")].map(pre => ({ name: pre.previousElementSibling.textContent, text: pre.textContent }));
  const articles = [...document.querySelectorAll("article.flow")], runs = new Map();
  let shown = null;
  const show = () => {
    const [name, line] = location.hash.slice(1).split(":");
    const article = articles.find(article => article.id === name) ?? articles.find(article => article.classList.contains("failed")) ?? articles[0];
    if (!article) return;
    articles.forEach(other => other.classList.toggle("shown", other === article));
    document.querySelectorAll(".flows tbody tr").forEach((row, i) => row.classList.toggle("shown", articles[i] === article));
    if (!runs.has(article) && article.querySelector("pre.exchange")) runs.set(article, new Run(article, sources));
    shown = runs.get(article) ?? null;
    if (shown && Number(line) > 0) shown.choose(Number(line) - 1, { isUnfolded: true });
  };
  const help = make("dialog", { "aria-label": "Keys" }, make("table", {}, make("tbody", {}, ...KEYS.map(([key, what]) => make("tr", {}, make("td", {}, ...key.split("  ").flatMap(part => [make("kbd", {}, part), " "])), make("td", {}, what))))),
    make("button", { type: "button", onclick: () => help.close() }, "Close"));
  document.body.append(help);
  window.addEventListener("hashchange", show);
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || event.target.closest?.("input, dialog")) return;
    if (event.key === "?") help.showModal();
    else if (!(event.target.closest?.("button, a") && (event.key === "Enter" || event.key === " "))) shown?.key(event);
  });
  show();
}

// Without a script, or with one that fails, the page is what it is without it: plain.
document.documentElement.classList.add("js");
document.addEventListener("DOMContentLoaded", () => {
  try {
    openPage();
  } catch (error) {
    document.documentElement.classList.remove("js");
    throw error;
  }
});
