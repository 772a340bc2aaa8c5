import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explanationText } from '../../../../src/cli/format/explanation.js';
import { explanationMarkdown } from '../../../../src/cli/format/explanation-markdown.js';
import { displayWidth } from '../../../../src/cli/format/table.js';
import type { Explanation } from '../../../../src/engine/explain.js';

const EVIL = 'a\x1b[2Jb|c`d <b>*e*</b> [f](g) & \u202eh\n# i';

const EXPLANATION: Explanation = {
  title: `Container ${EVIL}`,
  blocks: [
    { kind: 'heading', text: EVIL },
    { kind: 'text', text: `${'word '.repeat(40)}${EVIL}` },
    { kind: 'list', items: [EVIL, 'x'.repeat(300)] },
    { kind: 'terms', rows: [{ term: EVIL, meaning: EVIL.repeat(9) }] },
    {
      kind: 'table',
      head: ['one', 'two'],
      rows: [
        [EVIL, EVIL],
        ['y'.repeat(90), '进'.repeat(90)],
      ],
    },
    { kind: 'code', lines: [EVIL, '````', 'z'.repeat(200)] },
    {
      kind: 'steps',
      title: 'PID 1:',
      steps: [
        { number: 1, why: EVIL, calls: [`mount("${'/deep'.repeat(40)}", MS_REC|MS_PRIVATE)`], seen: [EVIL] },
      ],
    },
  ],
  data: {},
};

test('text fits its width, and nothing in it controls the terminal', () => {
  for (const width of [20, 40, 80, 100]) {
    const text = explanationText(EXPLANATION, width);
    const wide = text.split('\n').filter((line) => displayWidth(line) > width);
    assert.deepEqual(wide, []);
    assert.equal(/[^\n\P{Cc}]|[\u202a-\u202e]/u.exec(text), null);
  }
});

test('in Markdown, nothing of a container is markup', () => {
  const page = explanationMarkdown(EXPLANATION);
  const prose = page.replace(/^(`{3,})text\n.*?^\1$/gms, '');
  assert.equal(/(?<!\\)[`*[\]]|<(?!\/?b&)/.exec(prose), null);
  assert.ok(!prose.includes('<b>'));
  assert.ok(!/^# i/m.test(prose));
  assert.match(page, /^`{5}text\n.*^````$/ms, 'the fence is longer than what is in it');
});
