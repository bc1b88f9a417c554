// Flows in Visual Studio Code: the language server, commands, and the test explorer.
'use strict';

const path = require('node:path');
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');
const { explorer } = require('./tests');

let client;

function program() {
  return vscode.workspace.getConfiguration('flowrun').get('path') || 'flowrun';
}

async function start() {
  const server = { command: program(), args: ['lsp'] };
  client = new LanguageClient('flowrun', 'flowrun', server, { documentSelector: [{ language: 'flow' }] });
  try {
    await client.start();
  } catch (error) {
    const help = 'install flowrun, or set "flowrun.path" to where it is';
    vscode.window.showErrorMessage(`flowrun: the language server did not start (${error.message}): ${help}`);
  }
}

async function stop() {
  const old = client;
  client = undefined;
  if (old && old.isRunning()) await old.stop();
}

/** Runs flowrun in a terminal task, with its messages as problems. */
function task(name, args, folder) {
  const scope = folder || vscode.TaskScope.Workspace;
  const execution = new vscode.ProcessExecution(program(), args, folder && { cwd: folder.uri.fsPath });
  const matchers = ['$flowrun-error', '$flowrun-warning'];
  return vscode.tasks.executeTask(new vscode.Task({ type: 'flowrun' }, scope, name, 'flowrun', execution, matchers));
}

/** The flow of the active editor, saved, with its folder. */
async function activeFlow() {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.document.languageId !== 'flow') {
    vscode.window.showInformationMessage('flowrun: open a flow first');
    return null;
  }
  if (!(await editor.document.save())) return null;
  const uri = editor.document.uri;
  return { uri, file: uri.fsPath, folder: vscode.workspace.getWorkspaceFolder(uri) };
}

async function runOnPort() {
  const flow = await activeFlow();
  if (!flow) return;
  const port = await vscode.window.showInputBox({
    title: 'The port of the device',
    placeHolder: process.platform === 'win32' ? 'COM3' : '/dev/ttyUSB0',
  });
  if (port) await task(`run ${path.basename(flow.file)}`, ['run', flow.file, '--port', port], flow.folder);
}

async function simulate() {
  const flow = await activeFlow();
  if (flow) await task(`simulate ${path.basename(flow.file)}`, ['run', flow.file, '--port', 'sim'], flow.folder);
}

async function check() {
  for (const folder of vscode.workspace.workspaceFolders || []) await task('check', ['check', '.'], folder);
}

async function activate(context) {
  const tests = explorer(program);
  const files = vscode.workspace.createFileSystemWatcher('**/*.flow');
  let waiting;
  const listSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(tests.list, 500);
  };
  context.subscriptions.push(
    tests.controller,
    files,
    files.onDidCreate(listSoon),
    files.onDidDelete(listSoon),
    files.onDidChange(listSoon),
    { dispose: () => clearTimeout(waiting) },
    vscode.commands.registerCommand('flowrun.check', check),
    vscode.commands.registerCommand('flowrun.simulate', simulate),
    vscode.commands.registerCommand('flowrun.runOnPort', runOnPort),
    vscode.commands.registerCommand('flowrun.restart', async () => { await stop(); await start(); }),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (!change.affectsConfiguration('flowrun.path')) return;
      await stop();
      await start();
      await tests.list();
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
