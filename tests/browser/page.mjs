// The page of HTML in Chromium; .ci/browser runs this. Each check is a sentence that is true when it passes.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const { FLOWRUN, REPOSITORY, SCRATCH, SHOTS, ACCEPT } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
let failures = 0;

// Runs flowrun; how it ends is the business of the page.
function flowrun(folder, ...words) {
  const ran = spawnSync(FLOWRUN, words, { cwd: folder, encoding: "utf8" });
  assert.ok(ran.status === 0 || ran.status === 1, `${words.join(" ")}: ${ran.stdout}${ran.stderr}`);
}

// Opens a page of its own, on which nothing may go wrong and no request may be made.
async function open(file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.troubles = [];
  page.on("console", said => page.troubles.push(`console: ${said.text()}`));
  page.on("pageerror", error => page.troubles.push(`error: ${error.stack}`));
  page.on("dialog", dialog => { page.troubles.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", request => { if (request.url() !== pathToFileURL(file).href) page.troubles.push(`request: ${request.url()}`); });
  await page.goto(pathToFileURL(file).href);
  return page;
}

async function check(title, file, options, act) {
  const page = await open(file, options);
  try {
    await act(page);
    assert.deepEqual(page.troubles, []);
    console.log(`ok      ${title}`);
  } catch (error) {
    failures++;
    console.log(`FAILED  ${title}\n${error.stack}`);
    if (SHOTS) await page.screenshot({ path: join(SHOTS, `failed-${failures}.png`) });
  }
  await page.context().close();
}

// Compares the structure of a page, as a screen reader meets it, with the file that a person has looked at.
function compare(name, structure) {
  const place = join(REPOSITORY, "tests/browser", `${name}.yml`);
  const named = [[REPOSITORY, "REPOSITORY"], [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "TIME"], [/(term: host\n\s*- definition: ).*/, "$1HOST"], [/flowrun \d+\.\d+\.\d+\S*\./, "flowrun VERSION."]];
  const text = named.reduce((text, [what, name]) => text.replaceAll(what instanceof RegExp && !what.global ? new RegExp(what, "g") : what, name), structure) + "\n";
  if (ACCEPT) return writeFileSync(place, text);
  assert.ok(existsSync(place), `${place} is missing: ACCEPT=1 .ci/browser writes it`);
  assert.equal(text, readFileSync(place, "utf8"));
}

const row = (page, text) => page.getByRole("treeitem").filter({ hasText: text });
const chosen = page => page.locator(".row.chosen").innerText();
const statement = (page, text) => page.locator(".code .st").filter({ hasText: text }).first();

// What the checks look at.
const flows = join(REPOSITORY, "tests/browser/flows");
const page = name => join(SCRATCH, `${name}.html`);
flowrun(flows, "fail.flow", "--port", "sim", "--report", `html=${page("fail")}`, "--events", join(SCRATCH, "fail.events"), "--transcript", join(SCRATCH, "fail.txt"));
flowrun(SCRATCH, "show", "fail.events", "--output", page("shown"));
flowrun(REPOSITORY, "flows/two_modems.flow", "--port", "sim", "--report", `html=${page("two")}`);
flowrun(flows, "test", "fail.flow", join(REPOSITORY, "flows/voltmeter.flow"), "--check", "--report", `html=${page("suite")}`);
assert.equal(readFileSync(page("shown"), "utf8"), readFileSync(page("fail"), "utf8"), "the page of kept events is that of the run");

for (const [width, colorScheme] of [[1280, "light"], [480, "dark"]]) {
  for (const name of ["fail", "two", "suite"]) {
    await check(`${name} at ${width} pixels, ${colorScheme}: accessible, nothing wider than the page`, page(name), { viewport: { width, height: 900 }, colorScheme }, async page => {
      if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}-${width}.png`), fullPage: true });
      // The content policy of the page lets no script in: axe comes by the way of the debugger, which may.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run());
      const serious = violations.filter(found => ["serious", "critical"].includes(found.impact));
      assert.deepEqual(serious.map(found => [found.id, found.nodes.map(node => node.html.slice(0, 200)).slice(0, 3)]), []);
      const [wide, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= shown, `${wide} > ${shown}`);
    });
  }
}

for (const name of ["fail", "two", "suite"]) {
  await check(`${name} has the structure that was looked at`, page(name), {}, async page => compare(name, await page.locator("body").ariaSnapshot()));
}

await check("the failure stands on top, with what came under what was awaited", page("fail"), {}, async page => {
  await assert.match(await page.locator(".top").innerText(), /^failed\s+Power up <script>alert\(1\)<\/script>/);
  const aligned = page.locator(".failure").first().locator(".aligned");
  assert.equal(await aligned.locator(".awaited td").innerText(), 'line "+CPIN: READY"');
  assert.equal(await aligned.locator(".nearest mark").innerText(), "SIM PIN");
  assert.match(await chosen(page), /\+CPIN: READY" did not come within 5s/);
});

await check("pointing at a statement shows its lines, and at a line its statement", page("fail"), {}, async page => {
  await statement(page, 'send "AT+CBC"').hover();
  assert.deepEqual((await page.locator(".row.hot").allInnerTexts()).map(text => text.replace(/\s+/g, " ")), ["2.007 →AT+CBC\\r"]);
  await row(page, "+CBC: 0,82").hover();
  assert.match(await page.locator(".code .st.hot").innerText(), /\+CBC: /);
  await statement(page, 'send "AT+CBC"').click();
  assert.match(await chosen(page), /AT\+CBC/);
});

await check("a click on a line shows every byte of it, as text and hex", page("fail"), {}, async page => {
  await row(page, "PWD «password» <b>bold</b>").click();
  const detail = page.getByRole("region", { name: "Details of a line" });
  assert.match(await detail.innerText(), /39 bytes/);
  assert.match(await detail.locator(".bytes").innerText(), /70 3b 20 00 ff 0d 0a\s+p; ····/);
  await detail.locator('.bytes b[data-byte="0"]').first().hover();
  assert.deepEqual(await detail.locator(".bytes b.hot").allInnerTexts(), ["50", "P"]);
  await detail.getByRole("button", { name: "Close" }).click();
  assert.ok(await detail.isHidden());
  assert.equal(await page.locator("b:not(.bytes b), .lines script").count(), 0, "what a device sends is no markup");
});

await check("steps and attempts fold", page("fail"), {}, async page => {
  const attempt = row(page, "signal, attempt 2 of 5");
  assert.equal(await attempt.getAttribute("aria-expanded"), "false");
  const n = Number(await attempt.getAttribute("aria-setsize"));
  await attempt.click();
  assert.equal(await attempt.getAttribute("aria-expanded"), "true");
  assert.ok(Number(await attempt.getAttribute("aria-setsize")) > n);
  await page.getByRole("button", { name: "Fold all", exact: true }).click();
  assert.equal(await page.locator('.row.step[aria-expanded="true"]').count(), 0);
  await page.getByRole("button", { name: "Unfold all" }).click();
  assert.equal(await page.locator('.row.step[aria-expanded="false"]').count(), 0);
});

await check("what is sought is found, marked and counted, and in what is folded too", page("fail"), {}, async page => {
  await page.keyboard.press("-");
  await page.keyboard.press("/");
  await page.keyboard.type("+csq: 99");
  assert.equal(await page.locator(".count").innerText(), "1 of 4");
  assert.match(await chosen(page), /\+CSQ: 99,99/);
  assert.equal(await page.locator(".row.chosen mark").innerText(), "+CSQ: 99");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".count").innerText(), "3 of 4");
  await page.keyboard.press("Shift+Enter");
  assert.equal(await page.locator(".count").innerText(), "2 of 4");
  await page.getByRole("searchbox").fill("nowhere (");
  assert.equal(await page.locator(".count").innerText(), "not found");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("mark:not(.aligned mark)").count(), 0);
});

await check("everything can be reached with keys", page("fail"), {}, async page => {
  const line = async () => (await chosen(page)).replace(/\s+/g, " ").trim();
  await page.keyboard.press("[");
  assert.match(await line(), /ask the card failed/);
  await page.keyboard.press("[");
  await page.keyboard.press("[");
  assert.match(await line(), /password passed/);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assert.match(await line(), /PWD/);
  await page.keyboard.press("s");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /line "OK"/);
  await page.keyboard.press("ArrowUp");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /send `AT\+PWD/);
  await page.keyboard.press("Enter");
  assert.match(await line(), /AT\+PWD/);
  await page.locator(".lines").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.ok(await page.locator(".detail").isVisible());
  await page.keyboard.press("Escape");
  assert.ok(await page.locator(".detail").isHidden());
  await page.keyboard.press("ArrowLeft");
  assert.match(await line(), /▸ password passed/);
  await page.keyboard.press("ArrowRight");
  assert.match(await line(), /▾ password passed/);
  await page.keyboard.press("Home");
  assert.match(await line(), /port open/);
  await page.keyboard.press("f");
  assert.match(await line(), /no signal yet/);
  await page.keyboard.press("End");
  assert.match(await line(), /failed/);
  await page.keyboard.press("?");
  assert.ok(await page.getByRole("dialog").isVisible());
  await page.keyboard.press("Escape");
  assert.ok(await page.getByRole("dialog").isHidden());
});

await check("a click on the timeline goes to that time", page("fail"), {}, async page => {
  const box = await page.locator(".time svg").boundingBox();
  await page.mouse.click(box.x + box.width * 0.6, box.y + 10);
  assert.match(await chosen(page), /7\.014/);
});

await check("each port has a lane", page("two"), {}, async page => {
  assert.deepEqual((await page.locator(".lane-names span").allInnerTexts()).filter(Boolean), ["alice", "bob"]);
  const left = async n => (await page.locator(".row", { hasText: "port open" }).nth(n).locator(".what.own").boundingBox()).x;
  const names = await page.locator(".lane-names span").nth(2).boundingBox();
  assert.ok(await left(1) > await left(0) + 200 && Math.abs(await left(1) - names.x) < 2);
  assert.equal(await page.locator(".time svg text", { hasText: /^(alice|bob)$/ }).count(), 2);
});

await check("a suite shows the flow that failed, and any other by its link", page("suite"), {}, async page => {
  assert.match(await page.locator("article.shown").innerText(), /\+CPIN: READY/);
  await page.getByRole("link", { name: "Measure a board with a voltmeter" }).click();
  assert.equal(await page.locator("article.shown").count(), 1);
  assert.match(await page.locator("article.shown h2").innerText(), /voltmeter/);
  assert.equal(await page.locator("article.shown .measured svg").count(), 4);
  await page.keyboard.press("j");
  assert.equal(await page.locator("article.shown .row.chosen").count(), 1);
});

await check("without a script the page is plain text, and all of it", page("fail"), { javaScriptEnabled: false }, async page => {
  const text = await page.locator("pre.exchange").textContent();
  const transcript = readFileSync(join(SCRATCH, "fail.txt"), "utf8");
  assert.equal(text, transcript.slice(transcript.indexOf("\n\n") + 2));
  assert.ok(await page.locator("pre.exchange").isVisible() && await page.locator("pre.source").first().isVisible());
});

await check("what is printed is the plain text", page("fail"), {}, async page => {
  await page.emulateMedia({ media: "print" });
  assert.ok(await page.locator("pre.exchange").isVisible());
  assert.ok(await page.locator(".bench").isHidden());
});

// Ten megabytes of log: a device that boots and boots.
const head = { format: "flowrun events", version: 2, sources: [{ name: "long.flow", text: 'flow "Long"\nexpect line "never" within 1h\n' }] };
const events = [head, { at_ns: 0, event: "run-started", title: "Long", kind: "flow", file: "long.flow", port: "sim", line: "115200 8N1", seed: 1 }];
for (let i = 0, size = 0; size < 10e6; i++) {
  const text = `[${(i / 1000).toFixed(6).padStart(12)}] usb 1-1: new high-speed <device> number ${i} & more of it\r\n`;
  size += text.length + 14;
  events.push({ at_ns: i * 1e6, event: "received", bytes: { text }, block: false });
}
writeFileSync(join(SCRATCH, "long.events"), events.map(event => JSON.stringify(event) + "\n").join(""));
execFileSync(FLOWRUN, ["show", "long.events"], { cwd: SCRATCH });
await check("10 MB of log open in less than a second, and can be searched", page("long"), {}, async page => {
  const n = await row(page, "usb 1-1").first().getAttribute("aria-setsize");
  // The work of the page by itself: how long it takes on a machine that does something else too is told, not judged.
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.reload();
  const { metrics } = await cdp.send("Performance.getMetrics");
  const worked = metrics.find(metric => metric.name === "ThreadTime").value * 1000;
  const opened = await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd);
  const size = statSync(join(SCRATCH, "long.html")).size / 1e6;
  const begun = Date.now();
  await page.getByRole("searchbox").fill("number 12345 ");
  assert.equal(await page.locator(".count").innerText(), "1 of 1");
  console.log(`        ${n} lines, ${size.toFixed(1)} MB: open after ${Math.round(opened)} ms, of which ${Math.round(worked)} ms are work; searched in ${Date.now() - begun} ms`);
  assert.ok(await page.locator(".row").count() < 200);
  await page.keyboard.press("Escape");
  await page.keyboard.press("End");
  assert.match(await chosen(page), new RegExp(`number ${n - 1} `));
  assert.ok(worked < 1000, `${worked} ms`);
});

await browser.close();
if (failures) {
  console.log(`${failures} failed`);
  process.exit(1);
}
