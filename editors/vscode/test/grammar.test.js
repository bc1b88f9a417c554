// The colours of every flow of the repository: $COLOURS has the places that tests/editors.rs wrote.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { INITIAL, Registry, parseRawGrammar } = require('vscode-textmate');
const oniguruma = require('vscode-oniguruma');

const here = path.join(__dirname, '..');
const root = process.env.REPOSITORY || path.join(here, '..', '..');

const scopes = {
  comment: /^comment\./,
  string: /^string\.quoted\.double\./,
  raw_string: /^string\.quoted\.other\.raw\./,
  hex_string: /^string\.quoted\.other\.hex\./,
  regex: /^string\.regexp\./,
  number: /^constant\.numeric\.flow/,
  duration: /^constant\.numeric\.duration\./,
  keyword: /^(keyword|storage|constant\.language)\./,
};

async function grammar() {
  const wasm = fs.readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => {
      const file = path.join(here, 'syntaxes', 'flow.tmLanguage.json');
      return parseRawGrammar(fs.readFileSync(file, 'utf8'), file);
    },
  });
  return registry.loadGrammar('source.flow');
}

/** Tokenises a text: for each line its tokens, and what is open at its end. */
function tokenise(flow, text) {
  let stack = INITIAL;
  return text.split('\n').map((line) => {
    const { tokens, ruleStack } = flow.tokenizeLine(line, stack);
    stack = ruleStack;
    return { line, tokens, open: ruleStack.contentNameScopesList?.getScopeNames?.() ?? [], depth: ruleStack.depth };
  });
}

test('every text, comment, number and keyword of every flow has its scope', async () => {
  const flow = await grammar();
  const wrong = [];
  let count = 0;
  let name;
  let lines;
  for (const row of fs.readFileSync(process.env.COLOURS, 'utf8').trim().split('\n')) {
    if (row.startsWith('= ')) {
      name = row.slice(2);
      lines = tokenise(flow, fs.readFileSync(path.join(root, name), 'utf8'));
      continue;
    }
    const [line, column, length, kind] = row.split(' ').map((part, n) => (n < 3 ? Number(part) : part));
    const characters = Array.from(lines[line].line);
    for (const at of [column, column + length - 1]) {
      const index = characters.slice(0, at).join('').length;
      const token = lines[line].tokens.find(({ startIndex, endIndex }) => startIndex <= index && index < endIndex);
      count += 1;
      if (!token || !token.scopes.some((scope) => scopes[kind].test(scope))) {
        wrong.push(`${name}:${line + 1}:${at + 1}: ${kind} is ${token ? token.scopes.join(' ') : 'nothing'}`);
      }
    }
  }
  assert.deepStrictEqual(wrong, []);
  assert.ok(count > 10000, `${count} places were looked at`);
});

test('what is not closed colours its own line only', async () => {
  const flow = await grammar();
  for (const open of ['send "AT', 'send `AT', 'send x"41', 'expect line /OK', 'send "${f({a: 1', 'send "${ "', '# "', 'log `${x']) {
    const [first, second] = tokenise(flow, `${open}\nsend "AT"`);
    assert.ok(first.tokens.length > 0);
    const [word] = second.tokens;
    assert.deepStrictEqual(word.scopes, ['source.flow', 'keyword.other.statement.flow'], open);
  }
});

test('a slash between values divides', async () => {
  const flow = await grammar();
  for (const text of ['compute a = b / c', 'compute a = (b) / 2', 'compute a = len(b) / c / d']) {
    const [{ tokens }] = tokenise(flow, text);
    assert.ok(!tokens.some(({ scopes: names }) => names.some((name) => name.startsWith('string'))), text);
  }
});
