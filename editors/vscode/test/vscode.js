// A stand-in for the module `vscode`: as much of it as the extension uses.
'use strict';

const Module = require('node:module');

class Position { constructor(line, character) { Object.assign(this, { line, character }); } }
class Location { constructor(uri, range) { Object.assign(this, { uri, range }); } }
class TestMessage { constructor(message) { this.message = message; } }
class TestTag { constructor(id) { this.id = id; } }
class ProcessExecution { constructor(process, args, options) { Object.assign(this, { process, args, options }); } }
class Task {
  constructor(definition, scope, name, source, execution, problemMatchers) {
    Object.assign(this, { definition, scope, name, source, execution, problemMatchers });
  }
}

class Items {
  constructor() { this.items = []; }
  replace(items) { this.items = items; }
  forEach(act) { this.items.forEach(act); }
}

const disposable = { dispose() {} };
const said = { errors: [], warnings: [], commands: {}, tasks: [], runs: [], controllers: [], settings: {} };

const vscode = {
  Position, Location, TestMessage, TestTag, ProcessExecution, Task,
  TaskScope: { Workspace: 2 },
  TestRunProfileKind: { Run: 1 },
  Uri: { file: (fsPath) => ({ fsPath, toString: () => `file://${fsPath}` }) },
  commands: { registerCommand(name, act) { said.commands[name] = act; return disposable; } },
  tasks: { async executeTask(task) { said.tasks.push(task); } },
  tests: {
    createTestController(id, label) {
      const controller = {
        id, label, items: new Items(), profiles: [], dispose() {},
        createTestItem: (itemId, itemLabel, uri) => ({ id: itemId, label: itemLabel, uri }),
        createRunProfile(name, kind, act) { controller.profiles.push({ name, kind, act }); },
        createTestRun() {
          const run = { results: [], output: '', ended: false };
          const note = (verdict) => (item, message, took) => run.results.push({ item, verdict, message, took });
          said.runs.push(run);
          return {
            started: note('started'), failed: note('failed'), errored: note('errored'), skipped: note('skipped'),
            passed: (item, took) => run.results.push({ item, verdict: 'passed', took }),
            appendOutput(text) { run.output += text; },
            end() { run.ended = true; },
          };
        },
      };
      said.controllers.push(controller);
      return controller;
    },
  },
  window: {
    activeTextEditor: undefined,
    showErrorMessage(text) { said.errors.push(text); },
    showWarningMessage(text) { said.warnings.push(text); },
    showInformationMessage(text) { said.warnings.push(text); },
    async showInputBox() { return '/dev/ttyUSB7'; },
  },
  workspace: {
    workspaceFolders: [],
    getConfiguration: () => ({ get: (name) => said.settings[name] }),
    getWorkspaceFolder: () => vscode.workspace.workspaceFolders[0],
    createFileSystemWatcher: () => ({ ...disposable, onDidCreate: () => disposable, onDidDelete: () => disposable, onDidChange: () => disposable }),
    onDidChangeConfiguration: () => disposable,
  },
};

class LanguageClient {
  constructor(id, name, server, options) { Object.assign(said, { client: this }); Object.assign(this, { id, name, server, options }); }
  async start() { this.running = true; }
  async stop() { this.running = false; }
  isRunning() { return this.running; }
}

const load = Module._load;
Module._load = function stub(name, ...rest) {
  if (name === 'vscode') return vscode;
  if (name === 'vscode-languageclient/node') return { LanguageClient };
  return load.call(this, name, ...rest);
};

module.exports = { vscode, said };
