// What flowrun says about tests, as data; nothing of Visual Studio Code is in here.
'use strict';

/** Reads `flowrun test --list --format json`: the flows, each with its path from the folder, its title and its tags. */
function flowsOf(text) {
  const list = JSON.parse(text);
  if (list.format !== 'flowrun test --list') throw new Error('this is no list of flows: update flowrun');
  return list.flows.map(({ file, title, tags }) => ({ file, title: title || file, tags: tags || [] }));
}

/** Splits a place such as `a.flow:11:3`; lines and columns are counted from 0. */
function placeOf(text) {
  const found = /^(.*):(\d+):(\d+)$/.exec(text || '');
  return found && { file: found[1], line: Number(found[2]) - 1, column: Number(found[3]) - 1 };
}

/** What the device had sent and what went before, in the words of a report. */
function messageOf(flow) {
  const failure = flow.failure;
  if (!failure) return flow.diff || flow.refusal || `the flow is ${flow.status}`;
  const lines = [failure.message];
  if (failure.steps && failure.steps.length) lines.push(`step ${failure.steps.join(' > ')}`);
  if (failure.sent) lines.push(`sent ${failure.sent}`);
  for (const line of failure.came || []) lines.push(`came ${line}`);
  if (failure.cause) lines.push(failure.cause);
  return lines.join('\n');
}

/** Reads `--report json=FILE`: for each flow passed, failed or skipped, with a message and its place. */
function resultsOf(text) {
  const report = JSON.parse(text);
  if (report.format !== 'flowrun suite') throw new Error('this is no report of a suite: update flowrun');
  return report.flows.map((flow) => {
    const isSkipped = flow.status === 'skipped' || flow.status === 'without a device';
    const verdict = flow.is_failure ? 'failed' : isSkipped ? 'skipped' : 'passed';
    return {
      file: flow.file,
      verdict,
      took: flow.took_ms,
      message: verdict === 'failed' ? messageOf(flow) : '',
      place: flow.failure ? placeOf(flow.failure.place) : null,
    };
  });
}

module.exports = { flowsOf, messageOf, placeOf, resultsOf };
