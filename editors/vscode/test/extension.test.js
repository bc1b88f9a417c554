// The extension with a stand-in for Visual Studio Code and with a real flowrun: $FLOWRUN.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { said, vscode } = require('./vscode');
const extension = require('../src/extension');
const { flowsOf, placeOf, resultsOf } = require('../src/suite');

const never = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };
let folder;

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'flowrun editor '));
  fs.writeFileSync(path.join(folder, 'device.flow'), 'device "d"\non line "AT" { reply "OK" }\n');
  const flow = (title, answer) => `flow "${title}"\nsim "device.flow"\nserial { eol "\\r" }\nstep "ask" {\n  send "AT"  expect line "${answer}" within 1s\n}\n`;
  fs.writeFileSync(path.join(folder, 'good.flow'), flow('It answers', 'OK'));
  fs.writeFileSync(path.join(folder, 'bad one.flow'), flow('It answers wrongly', 'NO'));
  vscode.workspace.workspaceFolders = [{ uri: vscode.Uri.file(folder), name: 'f' }];
  said.settings.path = process.env.FLOWRUN;
  await extension.activate({ subscriptions: [] });
});

after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('the language server is flowrun itself', () => {
  assert.deepStrictEqual(said.client.server, { command: process.env.FLOWRUN, args: ['lsp'] });
  assert.deepStrictEqual(said.client.options.documentSelector, [{ language: 'flow' }]);
});

test('the explorer lists the flows, runs them and points at what failed', async () => {
  const [controller] = said.controllers;
  await controller.resolveHandler();
  assert.deepStrictEqual(said.errors, []);
  const titles = controller.items.items.map(({ label }) => label).sort();
  assert.deepStrictEqual(titles, ['It answers', 'It answers wrongly']);

  await controller.profiles[0].act({}, never);
  const [run] = said.runs;
  assert.ok(run.ended);
  const of = (label) => run.results.filter((result) => result.item.label === label).map(({ verdict }) => verdict);
  assert.deepStrictEqual(of('It answers'), ['started', 'passed'], run.output);
  assert.deepStrictEqual(of('It answers wrongly'), ['started', 'failed'], run.output);
  const { message } = run.results.find(({ verdict }) => verdict === 'failed');
  assert.match(message.message, /^line "NO" did not come within 1s\nstep ask\nsent AT/);
  assert.strictEqual(message.location.uri.fsPath, path.join(folder, 'bad one.flow'));
  assert.deepStrictEqual({ ...message.location.range }, { line: 4, character: 13 });
});

test('one flow is run alone', async () => {
  const [controller] = said.controllers;
  const item = controller.items.items.find(({ label }) => label === 'It answers');
  await controller.profiles[0].act({ include: [item] }, never);
  assert.deepStrictEqual(said.runs.at(-1).results.map(({ verdict }) => verdict), ['started', 'passed']);
});

test('a program that is not there is told with what to do', async () => {
  said.settings.path = path.join(folder, 'no-such-flowrun');
  await said.controllers[0].refreshHandler();
  assert.match(said.errors.pop(), /was not found: install flowrun, or set "flowrun.path"/);
  said.settings.path = process.env.FLOWRUN;
});

test('commands start tasks in the folder, without a shell', async () => {
  const file = path.join(folder, 'good.flow');
  const document = { languageId: 'flow', uri: vscode.Uri.file(file), save: async () => true };
  vscode.window.activeTextEditor = { document };
  await said.commands['flowrun.simulate']();
  await said.commands['flowrun.runOnPort']();
  await said.commands['flowrun.check']();
  assert.deepStrictEqual(said.tasks.map(({ execution }) => execution.args), [
    ['run', file, '--port', 'sim'],
    ['run', file, '--port', '/dev/ttyUSB7'],
    ['check', '.'],
  ]);
  assert.ok(said.tasks.every(({ execution }) => execution.options.cwd === folder));
});

test('commands that the manifest offers are registered, and no others', () => {
  const { contributes } = require('../package.json');
  assert.deepStrictEqual(contributes.commands.map(({ command }) => command).sort(), Object.keys(said.commands).sort());
});

test('a problem of `flowrun check` is found in what it writes', async () => {
  const { run } = require('../src/program');
  fs.mkdirSync(path.join(folder, 'wrong'));
  fs.writeFileSync(path.join(folder, 'wrong', 'w.flow'), 'flow "w"\nsend "AT"  sleep 1s  expect line "OK"\nsend apn\n');
  const written = await run(process.env.FLOWRUN, ['check', 'wrong', '--color', 'never'], folder);
  const lines = `${written.stdout}${written.stderr}`.split('\n');
  const { problemMatchers } = require('../package.json').contributes;
  const found = problemMatchers.flatMap(({ severity, pattern: [message, place] }) =>
    lines.flatMap((line, n) => {
      const one = new RegExp(message.regexp).exec(line);
      const other = one && new RegExp(place.regexp).exec(lines[n + 1]);
      return other ? [[severity, other[1], Number(other[2])]] : [];
    }));
  assert.deepStrictEqual(found.sort(), [['error', path.join('wrong', 'w.flow'), 3], ['warning', path.join('wrong', 'w.flow'), 2]]);
});

test('what another version writes is refused with what to do', () => {
  assert.throws(() => flowsOf('{"format":"x"}'), /update flowrun/);
  assert.throws(() => resultsOf('{"format":"x"}'), /update flowrun/);
  assert.strictEqual(placeOf(''), null);
  assert.deepStrictEqual(placeOf('a:b.flow:11:3'), { file: 'a:b.flow', line: 10, column: 2 });
});
