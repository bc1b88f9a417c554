"use strict";
// The exchange as the page has it: the text of a transcript, and lists of numbers that say what belongs to its lines.
// Lines are counted from 0, statements ("sites") too; -1 is none.

// What the sign of a line means: a class, and words for people.
const SIGNS = {
  ">": ["sent", "sent", "→"], "<": ["came", "came", "←"], "=": ["value", "value", "="], "+": ["note", "saved", "+"],
  "#": ["log", "said by the flow", "#"], "|": ["log", "said by a hook", "|"], "-": ["note", "note", "·"],
  "!": ["fault", "failure", "✗"], "s": ["step", "step", ""],
};
const OUTCOMES = ["passed", "again", "failed", "skipped", "open"];
const OUTCOME_WORDS = ["passed", "failed, tried again", "failed", "skipped", "not ended"];
// Escapes of visible text, as src/value/escape.rs makes them.
const ESCAPES = /\\(?:[rnt0\\]|x[0-9a-f]{2}|u\{[0-9a-f]+\})/g;

class Exchange {
  constructor(text, data) {
    this.text = text;
    this.ports = data.ports;
    this.patterns = data.patterns;
    this.sites = [];
    for (let i = 0; i < data.sites.length; i += 3) {
      this.sites.push({ source: data.sites[i], begin: data.sites[i + 1], end: data.sites[i + 2] });
    }
    this.readLines();
    this.readSites(data);
    this.readSteps(data.steps);
    let echo = 0;
    this.echoes = new Set(data.echoes.map(step => echo += step));
  }

  // Finds where each line begins, when it was, and what kind it is.
  readLines() {
    const { text } = this;
    const starts = [];
    for (let at = 0; at < text.length;) {
      starts.push(at);
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end + 1;
    }
    const n = starts.length;
    this.n = n;
    this.starts = Uint32Array.from(starts);
    this.bodies = new Uint32Array(n);
    this.times = new Float64Array(n);
    this.signs = new Uint8Array(n);
    this.port = new Uint8Array(n);
    const width = Math.max(0, ...this.ports.map(name => [...name].length));
    const names = this.ports.map(name => name + " ".repeat(width - [...name].length + 1));
    for (let line = 0; line < n; line++) {
      let at = starts[line], ms = 0, code;
      while (text.charCodeAt(at) === 32) at++;
      for (; (code = text.charCodeAt(at)) >= 46 && code <= 57; at++) if (code !== 46) ms = ms * 10 + code - 48;
      at++;
      for (let i = 0; i < names.length; i++) {
        if (text.startsWith(names[i], at)) {
          this.port[line] = i + 1;
          at += names[i].length;
          break;
        }
      }
      this.times[line] = ms;
      const isStep = text.charCodeAt(at) === 45 && text.charCodeAt(at + 1) === 45;
      this.signs[line] = isStep ? 115 : text.charCodeAt(at);
      this.bodies[line] = at + (isStep ? 3 : 2);
    }
  }

  readSites(data) {
    this.site = new Int32Array(this.n).fill(-1);
    for (let i = 0, line = 0; i < data.lines.length; i += 2) {
      this.site.fill(data.lines[i + 1] - 1, line, line + data.lines[i]);
      line += data.lines[i];
    }
    this.matches = [];
    this.matchAt = new Map();
    for (let i = 0, line = 0; i < data.matches.length; i += 4) {
      line += data.matches[i];
      const match = { line, site: data.matches[i + 1] - 1, waited: data.matches[i + 2] / 1000, pattern: data.matches[i + 3] - 1 };
      this.matches.push(match);
      if (!this.matchAt.has(line)) this.matchAt.set(line, []);
      this.matchAt.get(line).push(match);
    }
    this.linesOf = this.sites.map(() => []);
    for (let line = 0; line < this.n; line++) {
      if (this.site[line] >= 0) this.linesOf[this.site[line]].push(line);
    }
    for (const match of this.matches) if (match.site >= 0) this.linesOf[match.site].push(match.line);
    for (const lines of this.linesOf) lines.sort((a, b) => a - b);
  }

  readSteps(flat) {
    this.steps = [];
    this.stepAt = new Map();
    this.endAt = new Map();
    this.levels = new Uint8Array(this.n);
    for (let i = 0, line = 0; i < flat.length; i += 4) {
      line += flat[i];
      const last = line + flat[i + 1];
      const step = { number: this.steps.length, first: line, last, depth: flat[i + 2], outcome: flat[i + 3] };
      this.steps.push(step);
      this.stepAt.set(line, step);
      if (step.outcome !== 4) this.endAt.set(last, step);
      for (let at = line + 1; at < last; at++) this.levels[at] = Math.min(step.depth + 1, 255);
      this.levels[line] = this.levels[last] = Math.min(step.depth, 255);
    }
  }

  end(line) {
    const next = line + 1 < this.n ? this.starts[line + 1] : this.text.length;
    return this.text.charCodeAt(next - 1) === 10 ? next - 1 : next;
  }

  body(line) { return this.text.slice(this.bodies[line], this.end(line)); }
  sign(line) { return String.fromCharCode(this.signs[line]); }
  kind(line) { return SIGNS[this.sign(line)] ?? SIGNS["-"]; }
  isFault(line) { return this.signs[line] === 33; }
  // The first line of what is said about a failure: the others are moved in.
  isFaultHead(line) { return this.isFault(line) && this.text.charCodeAt(this.bodies[line]) !== 32; }
  seconds(line) { return (this.times[line] / 1000).toFixed(3); }

  // Which statement a line belongs to: the one that made it, or the wait that was going on when it came.
  siteOf(line) {
    if (this.site[line] >= 0) return this.site[line];
    if (this.sign(line) !== "<") return -1;
    for (let at = line; at < this.n && at < line + 5000; at++) {
      const match = this.matchAt.get(at)?.find(match => match.site >= 0);
      if (match && this.port[at] === this.port[line]) return match.site;
      if (at > line && this.isFault(at) && this.site[at] >= 0) return this.site[at];
    }
    return -1;
  }

  // The steps around a line, the outermost first.
  around(line) { return this.steps.filter(step => step.first < line && line <= step.last); }

  // The first line at a time, or behind it.
  lineAt(ms) {
    let low = 0, high = this.n;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] < ms) low = middle + 1; else high = middle;
    }
    return Math.min(low, this.n - 1);
  }

  // Every line with a text in it, letter case aside; not the times in front.
  search(text) {
    const found = [];
    if (!text || !this.n) return found;
    const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
    let line = 0;
    for (let hit; (hit = pattern.exec(this.text));) {
      while (line + 1 < this.n && this.starts[line + 1] <= hit.index) line++;
      // How a step ended is said where it begins.
      if (hit.index < this.bodies[line] || this.endAt.has(line)) continue;
      found.push(line);
      pattern.lastIndex = this.end(line);
    }
    return found;
  }
}

// The bytes that a visible text stands for.
function bytesOf(text) {
  const bytes = [], encoder = new TextEncoder(), plain = part => bytes.push(...encoder.encode(part));
  let at = 0;
  for (const hit of text.matchAll(ESCAPES)) {
    plain(text.slice(at, hit.index));
    at = hit.index + hit[0].length;
    const letter = hit[0][1];
    if (letter === "x") bytes.push(parseInt(hit[0].slice(2), 16));
    else if (letter === "u") plain(String.fromCodePoint(parseInt(hit[0].slice(3, -1), 16)));
    else bytes.push({ r: 13, n: 10, t: 9, 0: 0, "\\": 92 }[letter]);
  }
  plain(text.slice(at));
  return bytes;
}

// A new element; whatever came from a device gets into a page by this function, as text.
function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
