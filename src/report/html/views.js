// What is seen of a run: the flow, the lines, a timeline, the details of a line. Each view shows; `Run` decides.

const ROW = 20;
// Browsers cannot scroll further than some thirty million pixels.
const HIGHEST = 15e6;
const LONGEST_ROW = 2000;

// The sources of a flow, with the statements that did something.
class Code {
  constructor(run, sources) {
    this.run = run;
    const used = [...new Set([0, ...run.exchange.sites.map(site => site.source)])].filter(number => sources[number]);
    this.sources = used.map(number => ({ number, ...sources[number] }));
    this.tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "Sources" });
    this.tabs.append(...this.sources.map((source, i) => make("button", {
      role: "tab", type: "button", "aria-selected": "false", title: source.name, onclick: () => this.show(i),
    }, source.name.split("/").pop())));
    this.bar = make("div", { class: "bar-of-tools left" }, this.tabs);
    this.pane = make("div", { class: "code", role: "region", "aria-label": "Flow", tabindex: "0" });
    const siteOf = event => Number(event.target.closest?.(".st")?.dataset.site ?? -1);
    this.pane.addEventListener("mouseover", event => run.point(siteOf(event)));
    this.pane.addEventListener("mouseleave", () => run.point(-1));
    this.pane.addEventListener("click", event => siteOf(event) >= 0 && run.next(siteOf(event)));
    this.pane.addEventListener("keydown", event => this.key(event));
    if (this.sources.length) this.show(0);
  }

  show(at) {
    if (this.shown === at) return;
    this.shown = at;
    [...this.tabs.children].forEach((tab, i) => tab.setAttribute("aria-selected", String(i === at)));
    const { text, number } = this.sources[at];
    const { exchange } = this.run;
    // The innermost statement at each character.
    const cover = new Int32Array(text.length).fill(-1);
    const sites = exchange.sites.map((site, i) => ({ ...site, i })).filter(site => site.source === number);
    sites.sort((a, b) => (b.end - b.begin) - (a.end - a.begin)).forEach(site => cover.fill(site.i, site.begin, site.end));
    const faulty = new Set();
    for (let line = 0; line < exchange.n; line++) {
      if (exchange.isFaultHead(line) && exchange.site[line] >= 0) faulty.add(exchange.site[line]);
    }
    const lines = [];
    for (let at = 0, no = 1; at <= text.length; no++) {
      const found = text.indexOf("\n", at), end = found < 0 ? text.length : found;
      const line = make("span", { class: "ln" }, make("span", { class: "no", "aria-hidden": "true" }, String(no)));
      for (let from = at; from < end;) {
        let to = from + 1;
        while (to < end && cover[to] === cover[from]) to++;
        const part = text.slice(from, to), site = cover[from];
        line.append(site < 0 ? part : make("span", { class: faulty.has(site) ? "st bad" : "st", "data-site": site, role: "button", tabindex: "-1" }, part));
        if (site >= 0) line.classList.add(faulty.has(site) ? "fault" : "done");
        from = to;
      }
      lines.push(line);
      if (found < 0) break;
      at = end + 1;
    }
    this.pane.replaceChildren(...lines);
    const first = this.pane.querySelector(".st");
    this.pane.scrollTop = first ? first.offsetTop - this.pane.offsetTop - 60 : 0;
  }

  each(site, act) { this.pane.querySelectorAll(`.st[data-site="${site}"]`).forEach(act); }

  mark(site, name, isScrolled) {
    this.pane.querySelectorAll(`.st.${name}`).forEach(part => part.classList.remove(name));
    if (site < 0) return;
    if (isScrolled) {
      const at = this.sources.findIndex(source => source.number === this.run.exchange.sites[site].source);
      if (at >= 0) this.show(at);
    }
    let first = null;
    this.each(site, part => { part.classList.add(name); first ??= part; });
    if (!first || !isScrolled) return;
    const { pane } = this, top = first.offsetTop - pane.offsetTop;
    if (top < pane.scrollTop + 20 || top > pane.scrollTop + pane.clientHeight - 60) pane.scrollTop = top - pane.clientHeight / 3;
  }

  // The arrows go from statement to statement, Enter to what it did.
  key(event) {
    const parts = [...this.pane.querySelectorAll(".st")];
    const at = parts.indexOf(document.activeElement);
    if (event.key === "Enter" || event.key === " ") {
      if (at < 0) return;
      this.run.next(Number(parts[at].dataset.site));
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const to = parts[at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1)];
      if (to) { to.focus(); this.run.point(Number(to.dataset.site)); }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

// The lines, of which only those exist that are seen.
class Lines {
  constructor(run) {
    this.run = run;
    const { ports } = run.exchange;
    this.window = make("div", { class: "window", role: "none" });
    this.room = make("div", { class: "room", role: "none" }, this.window);
    this.pane = make("div", { class: "lines", role: "tree", tabindex: "0", "aria-label": "Exchange" }, this.room);
    this.hasLanes = ports.length > 1;
    this.above = 0;
    if (this.hasLanes) {
      this.pane.classList.add("lanes");
      this.pane.style.setProperty("--lanes", ports.length);
      this.pane.prepend(make("div", { class: "lane-names", "aria-hidden": "true" }, make("span"), ...ports.map(name => make("span", {}, name))));
      this.above = 26;
    }
    this.pane.addEventListener("scroll", () => this.drawSoon());
    const lineOf = event => Number(event.target.closest?.(".row")?.dataset.line ?? -1);
    this.pane.addEventListener("mouseover", event => run.pointAt(lineOf(event)));
    this.pane.addEventListener("mouseleave", () => run.pointAt(-1));
    this.pane.addEventListener("click", event => {
      const line = lineOf(event);
      if (line < 0) return;
      const step = run.exchange.stepAt.get(line);
      if (step) run.fold(step); else run.choose(line, { isOpen: true });
    });
    new ResizeObserver(() => {
      this.pane.style.setProperty("--lane", `${Math.max(230, Math.floor((this.pane.clientWidth - 100) / Math.max(1, ports.length)))}px`);
      this.draw();
    }).observe(this.pane);
  }

  // Takes the lines that are not folded away.
  take(visible) {
    this.visible = visible;
    const whole = visible.length * ROW;
    this.height = Math.min(whole, HIGHEST);
    this.room.style.height = `${this.height}px`;
    this.drawn = null;
    this.draw();
  }

  // How many rows there is room for, and the first of them, as a fraction.
  get fits() { return Math.max(1, (this.pane.clientHeight - this.above) / ROW); }
  get top() {
    const free = this.height + this.above - this.pane.clientHeight;
    return free <= 0 ? 0 : Math.min(1, this.pane.scrollTop / free) * Math.max(0, this.visible.length - this.fits);
  }

  scrollTo(row) {
    const most = Math.max(1, this.visible.length - this.fits);
    this.pane.scrollTop = (Math.min(row, most) / most) * (this.height + this.above - this.pane.clientHeight);
  }

  // Scrolls as little as is needed to see a row; what is far away gets into the middle.
  reveal(row) {
    if (row < this.top || row > this.top + this.fits - 1) {
      const isNear = row >= this.top - 2 && row <= this.top + this.fits + 1;
      this.scrollTo(Math.max(0, isNear ? (row < this.top ? row : row - this.fits + 1) : row - this.fits / 3));
    }
    this.draw();
  }

  drawSoon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => { this.isDue = false; this.draw(); });
  }

  draw() {
    if (!this.visible) return;
    const top = this.top, first = Math.max(0, Math.floor(top) - 8), last = Math.min(this.visible.length, Math.ceil(top + this.fits) + 8);
    this.window.style.transform = `translateY(${this.pane.scrollTop - (top - first) * ROW}px)`;
    const key = `${first} ${last}`;
    if (this.drawn !== key) {
      const rows = [];
      for (let row = first; row < last; row++) rows.push(this.row(row));
      this.window.replaceChildren(...rows);
      this.drawn = key;
      this.mark();
    }
    this.run.timeline?.frame(this.visible[Math.floor(top)], this.visible[Math.min(this.visible.length - 1, Math.floor(top + this.fits))]);
  }

  // Shows what is chosen and what is pointed at, without making the rows again.
  mark() {
    const { run } = this;
    let chosen = null;
    for (const row of this.window.children) {
      const line = Number(row.dataset.line), isChosen = line === run.chosen;
      row.classList.toggle("chosen", isChosen);
      row.classList.toggle("hit-now", isChosen && run.hits.length > 0);
      row.classList.toggle("hot", run.pointed >= 0 && run.belongs(line, run.pointed));
      row.setAttribute("aria-selected", String(isChosen));
      if (isChosen) chosen = row.id;
    }
    if (chosen) this.pane.setAttribute("aria-activedescendant", chosen); else this.pane.removeAttribute("aria-activedescendant");
  }

  row(at) {
    const line = this.visible[at], { exchange, folded, sought } = this.run;
    const [kind] = exchange.kind(line), step = exchange.stepAt.get(line), ended = exchange.endAt.get(line);
    const what = make("span", { class: "what" });
    const row = make("div", {
      class: `row ${kind}`, role: "treeitem", id: `${this.run.id}-${line}`, "data-line": line,
      "aria-level": exchange.levels[line] + 1, "aria-posinset": at + 1, "aria-setsize": this.visible.length,
    }, make("span", { class: "at" }, exchange.seconds(line)), what);
    what.style.paddingLeft = `${Math.min(exchange.levels[line], 12) * 14}px`;
    if (exchange.isFaultHead(line)) row.classList.add("first");
    if (exchange.echoes.has(line)) row.classList.add("echo");
    if (exchange.matchAt.has(line) && kind === "came") row.classList.add("found");
    if (step) {
      const isFolded = folded.has(step.number);
      row.setAttribute("aria-expanded", String(!isFolded));
      what.append(isFolded ? "▸ " : "▾ ");
      decorate(what, exchange.body(line).trimStart().replace(/^step /, ""), sought);
      const took = ((exchange.times[step.last] - exchange.times[step.first]) / 1000).toFixed(3);
      const outcome = make("span", { class: `outcome ${OUTCOMES[step.outcome]}` }, OUTCOME_WORDS[step.outcome]);
      what.append("  ", outcome, make("span", { class: "folded" }, `  ${took} s${isFolded ? `, ${step.last - step.first} lines` : ""}`));
    } else if (ended || kind === "step") {
      row.classList.add("end");
      decorate(what, exchange.body(line).trimStart(), sought);
    } else {
      what.append(make("span", { class: "sign", "aria-hidden": "true" }, exchange.kind(line)[2]));
      const port = exchange.port[line];
      decorate(what, exchange.body(line), sought);
      if (this.hasLanes && port) {
        what.classList.add("own");
        what.style.gridColumn = String(port + 1);
        what.prepend(make("span", { class: "unseen" }, `${exchange.ports[port - 1]} `));
      }
    }
    if (this.hasLanes && !what.classList.contains("own")) what.style.gridColumn = "2 / -1";
    return row;
  }
}

// Appends a text, with escapes in a quiet colour and what is sought marked.
function decorate(parent, whole, sought) {
  const text = whole.length > LONGEST_ROW ? whole.slice(0, LONGEST_ROW) : whole;
  const cuts = new Map();
  for (const hit of text.matchAll(ESCAPES)) cuts.set(hit.index, [hit.index + hit[0].length, "esc"]);
  if (sought) {
    const low = text.toLowerCase(), key = sought.toLowerCase();
    if (low.length === text.length) {
      for (let at = low.indexOf(key); at >= 0; at = low.indexOf(key, at + key.length)) cuts.set(at, [at + key.length, "mark"]);
    }
  }
  let at = 0;
  for (const begin of [...cuts.keys()].sort((a, b) => a - b)) {
    if (begin < at) continue;
    const [end, kind] = cuts.get(begin);
    parent.append(text.slice(at, begin), kind === "mark" ? make("mark", {}, text.slice(begin, end)) : make("span", { class: "esc" }, text.slice(begin, end)));
    at = end;
  }
  parent.append(text.slice(at));
  if (whole.length > text.length) parent.append(make("span", { class: "folded" }, ` … ${whole.length - text.length} more`));
}

// All that is known of a line, byte by byte.
class Detail {
  constructor(run) {
    this.run = run;
    this.pane = make("section", { class: "detail", "aria-label": "Details of a line", tabindex: "-1" });
    this.pane.hidden = true;
    const light = (event, is) => {
      const number = event.target.dataset?.byte;
      if (number !== undefined) this.pane.querySelectorAll(`b[data-byte="${number}"]`).forEach(byte => byte.classList.toggle("hot", is));
    };
    this.pane.addEventListener("mouseover", event => light(event, true));
    this.pane.addEventListener("mouseout", event => light(event, false));
  }

  close() {
    if (this.pane.contains(document.activeElement)) this.run.lines.pane.focus();
    this.pane.hidden = true;
  }

  show(line) {
    const { run } = this, { exchange } = run;
    const sign = exchange.sign(line), [kind, word] = exchange.kind(line);
    const port = exchange.ports[exchange.port[line] - 1];
    const facts = make("dl");
    const tell = (name, ...value) => facts.append(make("dt", {}, name), make("dd", {}, ...value));
    tell("time", `${exchange.seconds(line)} s`, line > 0 ? `, ${((exchange.times[line] - exchange.times[line - 1]) / 1000).toFixed(3)} s after the line before` : "");
    const steps = exchange.around(line).map(step => exchange.body(step.first).trimStart().replace(/^step /, ""));
    if (steps.length) tell("step", steps.join(" › "));
    const site = exchange.siteOf(line);
    if (site >= 0) tell(exchange.site[line] >= 0 ? "statement" : "awaited by", make("code", {}, run.statement(site)), ` ${run.place(site)}`);
    for (const match of exchange.matchAt.get(line) ?? []) {
      tell("found", ...(match.pattern >= 0 ? [make("code", {}, exchange.patterns[match.pattern])] : [run.place(match.site)]), ` after ${(match.waited / 1000).toFixed(3)} s`);
    }
    const close = make("button", { type: "button", onclick: () => this.close() }, "Close");
    const head = make("header", {}, make("strong", {}, (exchange.echoes.has(line) ? "came, an echo" : word) + (port ? `, ${port}` : "")), close);
    this.pane.replaceChildren(head, facts, ..."><=#|".includes(sign) ? this.bytes(exchange.body(line), kind) : [make("div", { class: "whole" }, exchange.body(line))]);
    this.pane.hidden = false;
    this.pane.scrollTop = 0;
  }

  bytes(body, kind) {
    const text = kind === "value" ? body.slice(body.indexOf(": ") + 2) : body;
    const bytes = bytesOf(text), dump = make("div", { class: "bytes", role: "group", "aria-label": "Bytes" });
    const draw = most => {
      dump.replaceChildren();
      for (let at = 0; at < Math.min(bytes.length, most); at += 16) {
        const part = bytes.slice(at, at + 16), hex = [], letters = [];
        part.forEach((byte, i) => {
          const isPlain = byte >= 32 && byte < 127, number = at + i;
          hex.push(make("b", { "data-byte": number }, byte.toString(16).padStart(2, "0")), i === 7 ? "  " : " ");
          letters.push(make("b", { "data-byte": number, class: isPlain ? "" : "ctl" }, isPlain ? String.fromCharCode(byte) : "·"));
        });
        const missing = 16 - part.length;
        hex.push(" ".repeat(missing * 3 + (part.length < 8 ? 1 : 0)));
        dump.append(make("div", {}, make("span", { class: "off" }, at.toString(16).padStart(4, "0")), ...hex, make("span", { class: "gap" }), ...letters));
      }
    };
    draw(1024);
    const all = bytes.length > 1024 ? [make("button", { type: "button", onclick: event => { draw(Infinity); event.target.remove(); } }, `Show all ${bytes.length} bytes`)] : [];
    return [make("p", {}, `${bytes.length} ${bytes.length === 1 ? "byte" : "bytes"}`), dump, ...all];
  }
}
