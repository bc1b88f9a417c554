// The timeline: steps as bars, a lane for each port, failures. Drawn anew when its width changes.

const SVG = "http://www.w3.org/2000/svg";

class Timeline {
  constructor(run) {
    this.run = run;
    const { exchange } = run;
    this.depth = Math.min(3, 1 + Math.max(-1, ...exchange.steps.slice(0, 100000).map(step => step.depth)));
    this.lanes = Math.max(1, exchange.ports.length);
    this.left = exchange.ports.length > 1 ? 10 + 7 * Math.max(...exchange.ports.map(name => name.length)) : 0;
    this.end = Math.max(1, exchange.n ? exchange.times[exchange.n - 1] : 1);
    this.height = this.depth * 12 + this.lanes * 22 + 24;
    this.svg = this.element("svg", { role: "img", "aria-label": "Timeline" });
    this.pane = make("div", { class: "time" }, this.svg);
    this.svg.addEventListener("click", event => {
      const at = (event.offsetX - this.left) / this.wide * this.end;
      run.choose(exchange.lineAt(Math.max(0, at)), { isUnfolded: true });
    });
    new ResizeObserver(() => this.draw()).observe(this.pane);
  }

  element(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  add(name, attributes, text) {
    const made = this.element(name, attributes);
    if (text !== undefined) made.textContent = text;
    this.svg.append(made);
    return made;
  }

  x(ms) { return Math.round((this.left + ms / this.end * this.wide) * 10) / 10; }

  draw() {
    const width = Math.floor(this.pane.clientWidth - 24);
    if (width < 60) return;
    this.wide = width - this.left - 4;
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.svg.setAttribute("height", this.height);
    const { exchange } = this.run, lanes = this.depth * 12 + 4, below = lanes + this.lanes * 22;
    this.view = this.add("rect", { class: "view", x: 0, y: 0, width: 0, height: below });
    this.drawScale(below);
    this.drawSteps();
    const draw = (name, marks) => { if (marks.length) this.add("path", { class: name, d: marks.join("") }); };
    for (let lane = 0; lane < this.lanes; lane++) {
      const middle = lanes + lane * 22 + 11;
      if (exchange.ports.length > 1) this.add("text", { x: 0, y: middle + 4 }, exchange.ports[lane]);
      const waits = [], sent = [], came = [];
      let before = -1;
      for (const match of exchange.matches) {
        if (Math.max(0, exchange.port[match.line] - 1) !== lane) continue;
        const end = this.x(exchange.times[match.line]), begin = Math.max(before, this.x(Math.max(0, exchange.times[match.line] - match.waited)));
        if (end - begin >= 1) { waits.push(`M${begin} ${middle}H${end}`); before = end; }
      }
      draw("wait", waits);
      let lastSent = -1, lastCame = -1;
      for (let line = 0; line < exchange.n; line++) {
        const sign = exchange.signs[line];
        if (sign !== 62 && sign !== 60 || Math.max(0, exchange.port[line] - 1) !== lane) continue;
        const x = Math.round(this.x(exchange.times[line]));
        if (sign === 62 && x !== lastSent) { sent.push(`M${x}.5 ${middle}v-8`); lastSent = x; }
        if (sign === 60 && x !== lastCame) { came.push(`M${x}.5 ${middle}v8`); lastCame = x; }
      }
      this.add("path", { class: "scale", d: `M${this.left} ${middle}h${this.wide}` });
      draw("sent", sent);
      draw("came", came);
    }
    const faults = [];
    for (let line = 0; line < exchange.n; line++) {
      if (exchange.isFaultHead(line)) faults.push(this.x(exchange.times[line]));
    }
    draw("fault", [...new Set(faults)].map(x => `M${x} 0V${below}`));
    this.hot = this.add("path", { class: "hot", d: "" });
    this.here = this.add("path", { class: "here", d: "" });
    this.point();
    this.run.lines?.draw();
  }

  drawSteps() {
    const { exchange } = this.run, ends = [];
    for (const step of exchange.steps) {
      if (step.depth >= this.depth) continue;
      const begin = this.x(exchange.times[step.first]), end = Math.max(begin + 1.5, this.x(exchange.times[step.last]) - 1);
      // What is narrower than a pixel and has another below it is left out, unless it failed.
      if (end <= (ends[step.depth] ?? -1) && step.outcome !== 2) continue;
      ends[step.depth] = end;
      const bar = this.add("rect", { class: `bar ${OUTCOMES[step.outcome]}`, x: begin, y: step.depth * 12 + 1, width: Math.round((end - begin) * 10) / 10, height: 9, rx: 1.5 });
      bar.append(this.element("title", {}));
      bar.firstChild.textContent = `${exchange.body(step.first).trim().replace(/^step /, "")}: ${OUTCOME_WORDS[step.outcome]}`;
    }
  }

  drawScale(below) {
    const rough = this.end / Math.max(2, this.wide / 110), power = 10 ** Math.floor(Math.log10(rough));
    const each = [1, 2, 5, 10].map(n => n * power).find(each => each >= rough);
    const places = Math.max(0, Math.min(3, 3 - Math.floor(Math.log10(each))));
    for (let at = 0; at <= this.end; at += each) {
      this.add("path", { class: "scale", d: `M${this.x(at)} ${below}v5` });
      const isLast = this.x(at) > this.left + this.wide - 40;
      this.add("text", { x: this.x(at) + (isLast ? -3 : 3), y: below + 14, "text-anchor": isLast ? "end" : "start" }, `${(at / 1000).toFixed(places)} s`);
    }
  }

  // Shows which part is seen below.
  frame(first, last) {
    if (!this.view || first === undefined) return;
    const { times } = this.run.exchange, begin = this.x(times[first]);
    this.view.setAttribute("x", begin);
    this.view.setAttribute("width", Math.max(2, this.x(times[last]) - begin));
  }

  // Shows the chosen line, and the lines of the statement that is pointed at.
  point() {
    if (!this.hot) return;
    const { run } = this, { times, linesOf } = run.exchange, below = this.depth * 12 + 4 + this.lanes * 22;
    this.here.setAttribute("d", run.chosen >= 0 ? `M${this.x(times[run.chosen])} 0V${below}` : "");
    const places = run.pointed >= 0 ? new Set(linesOf[run.pointed].map(line => Math.round(this.x(times[line])))) : [];
    this.hot.setAttribute("d", [...places].map(x => `M${x} ${below - 6}v6`).join(""));
  }
}
