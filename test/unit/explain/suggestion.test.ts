import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suggestion } from '../../../src/explain/suggestion.js';

test('a name that nothing has: what is similar, or what mentions it', async () => {
  const cases: [string, RegExp | undefined][] = [
    ['zombi', /^did you mean zombie\?$/],
    ['pid-namespcae', /^did you mean pid-namespace\?$/],
    ['PIVOT_ROT', /^did you mean pivot_root\?$/],
    ['whiteuot', /^did you mean overlay \(whiteout\)\?$/],
    ['wbe', /^did you mean web\?$/],
    ['setns', /^topics that mention it: .*\bpod\b/],
    ['sigterm', /^topics that mention it: .*signals/],
    ['keyrings', /^topics that mention it: seccomp$/],
    ['过滤器', /^topics that mention it: .*seccomp/],
    ['quantum-computer', undefined],
    ['(', undefined],
    ['constructor', undefined],
    ['', undefined],
  ];
  for (const [word, wanted] of cases) {
    const found = await suggestion(word, ['web']);
    if (wanted === undefined) assert.equal(found, undefined, word);
    else assert.match(found ?? '', wanted, word);
  }
});
