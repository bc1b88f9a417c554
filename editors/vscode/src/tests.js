// The test explorer: the flows of each folder, run against their simulated devices.
'use strict';

const fs = require('node:fs/promises');
const os = require('node:os');
const path = require('node:path');
const vscode = require('vscode');
const { run } = require('./program');
const { flowsOf, resultsOf } = require('./suite');

/** Makes the controller; `program` returns the path of flowrun. */
function explorer(program) {
  const controller = vscode.tests.createTestController('flowrun', 'flowrun');
  const folders = new Map();

  async function list() {
    const found = [];
    folders.clear();
    for (const folder of vscode.workspace.workspaceFolders || []) {
      const root = folder.uri.fsPath;
      const { code, stdout, stderr } = await run(program(), ['test', '.', '--list', '--format', 'json'], root);
      if (code !== 0) {
        if (stderr) vscode.window.showWarningMessage(`flowrun: ${stderr.trim()}`);
        continue;
      }
      for (const flow of flowsOf(stdout)) {
        const uri = vscode.Uri.file(path.join(root, flow.file));
        const item = controller.createTestItem(uri.toString(), flow.title, uri);
        item.description = flow.file;
        item.tags = flow.tags.map((tag) => new vscode.TestTag(tag));
        folders.set(item.id, { root, file: flow.file });
        found.push(item);
      }
    }
    controller.items.replace(found);
  }

  /** Runs the tests of one folder, all in one command, and tells what came of each. */
  async function runFolder(root, items, tests, cancelled) {
    const scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'flowrun-'));
    const report = path.join(scratch, 'report.json');
    try {
      items.forEach((item) => tests.started(item));
      const files = items.map((item) => `./${folders.get(item.id).file}`);
      const said = await run(program(), ['test', ...files, '--report', `json=${report}`, '--color', 'never'], root, cancelled);
      tests.appendOutput(`${said.stdout}${said.stderr}`.replace(/\r?\n/g, '\r\n'));
      const text = await fs.readFile(report, 'utf8').catch(() => null);
      const results = new Map((text ? resultsOf(text) : []).map((result) => [path.normalize(result.file), result]));
      for (const item of items) {
        const result = results.get(path.normalize(folders.get(item.id).file));
        if (!result) {
          if (!cancelled.isCancellationRequested) tests.errored(item, new vscode.TestMessage(said.stderr || said.stdout));
        } else if (result.verdict === 'skipped') {
          tests.skipped(item);
        } else if (result.verdict === 'passed') {
          tests.passed(item, result.took);
        } else {
          const message = new vscode.TestMessage(result.message);
          if (result.place) {
            const at = new vscode.Position(result.place.line, result.place.column);
            message.location = new vscode.Location(vscode.Uri.file(path.resolve(root, result.place.file)), at);
          }
          tests.failed(item, message, result.took);
        }
      }
    } finally {
      await fs.rm(scratch, { recursive: true, force: true });
    }
  }

  async function runTests(request, cancelled) {
    const tests = controller.createTestRun(request);
    const wanted = [];
    if (request.include) wanted.push(...request.include);
    else controller.items.forEach((item) => wanted.push(item));
    const excluded = new Set((request.exclude || []).map((item) => item.id));
    const byRoot = new Map();
    for (const item of wanted.filter((item) => folders.has(item.id) && !excluded.has(item.id))) {
      const { root } = folders.get(item.id);
      byRoot.set(root, [...(byRoot.get(root) || []), item]);
    }
    try {
      for (const [root, items] of byRoot) await runFolder(root, items, tests, cancelled);
    } catch (error) {
      vscode.window.showErrorMessage(`flowrun: ${error.message}`);
    } finally {
      tests.end();
    }
  }

  const listSafely = () => list().catch((error) => vscode.window.showErrorMessage(`flowrun: ${error.message}`));
  controller.resolveHandler = async (item) => { if (!item) await listSafely(); };
  controller.refreshHandler = listSafely;
  controller.createRunProfile('Run against simulated devices', vscode.TestRunProfileKind.Run, runTests, true);
  return { controller, list: listSafely };
}

module.exports = { explorer };
