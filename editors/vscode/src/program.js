// Runs flowrun in a folder. No shell reads its arguments.
'use strict';

const { spawn } = require('node:child_process');

/** Runs the program and returns its exit code and what it wrote; `cancelled` ends it as Ctrl-C does. */
function run(program, args, folder, cancelled) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const written = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8');
      child[name].on('data', (text) => { written[name] += text; });
    }
    const listener = cancelled && cancelled.onCancellationRequested(() => child.kill('SIGINT'));
    child.on('error', (error) => {
      if (listener) listener.dispose();
      const help = 'install flowrun, or set "flowrun.path" to where it is';
      reject(error.code === 'ENOENT' ? new Error(`${program} was not found: ${help}`) : error);
    });
    child.on('close', (code) => {
      if (listener) listener.dispose();
      resolve({ code, ...written });
    });
  });
}

module.exports = { run };
