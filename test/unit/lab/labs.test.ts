import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { LabView } from '../../../src/engine/views/lab.js';
import { TOPIC_NAMES } from '../../../src/explain/topics.js';
import { findLab, LAB_NAMES } from '../../../src/lab/catalogue.js';
import { madeBy, missing, usedBy } from '../../../src/lab/things.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../../src/sys/surroundings.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-labs-'));
after(() => rmSync(folder, { recursive: true }));
setSurroundings({ ...NO_SURROUNDINGS, env: { XDG_DATA_HOME: folder } });

test('there are labs, and a similar name is proposed for a wrong one', async () => {
  assert.ok(LAB_NAMES.length >= 14);
  await assert.rejects(findLab('orphan'), /there is no lab orphan/);
  await assert.rejects(findLab('constructor'), /there is no lab constructor/);
});

test('the steps that must be done again are those that have made what a step uses, or looks at', async () => {
  const zombies = await findLab('zombies');
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => missing(zombies, index, folder)),
    [[], [0], [], [0]],
  );
  assert.deepEqual(missing(await findLab('network'), 3, folder), [1]);
  assert.deepEqual(missing(zombies, 4, folder), []);
});

for (const name of LAB_NAMES) {
  describe(`lab ${name}`, async () => {
    const lab = await findLab(name);
    const { steps } = lab;

    test('has its name, and steps with choices, an answer and checks', () => {
      assert.equal(lab.name, name);
      assert.ok(steps.length >= 4);
      for (const topic of lab.topics) assert.ok(TOPIC_NAMES.includes(topic), topic);
      for (const { choices, answer, run, checks } of steps) {
        assert.ok(choices.length >= 2 && choices[answer] !== undefined);
        assert.ok(run.length > 0 && checks.length > 0);
      }
    });

    test('every name in its commands belongs to it, and is made before it is used', () => {
      const made = new Set(lab.images);
      for (const step of steps) {
        for (const one of usedBy(step)) assert.ok(made.has(one), `${one} is used before it is made`);
        for (const one of Object.values(madeBy([step])).flat()) {
          assert.match(one, new RegExp(`^lab-(${name}|pids|users|scratch)(-|$)`));
          made.add(one);
        }
      }
    });

    test('its answers are not all at the same place', () => {
      assert.ok(new Set(steps.map(({ answer }) => answer)).size > 1);
    });

    test('can be told in both languages, with nothing left to fill in', () => {
      for (const language of ['en', 'zh'] as const) {
        const view = new LabView(language);
        const blocks = [
          ...view.story(lab),
          ...steps.flatMap((step, index) => [
            ...view.question(lab, index),
            ...view.commands(lab, step, '/folder'),
            ...view.explanation(step, 0),
            view.prose(step.hint),
          ]),
        ];
        for (const { kind, text } of blocks) {
          assert.notEqual(text.trim(), '');
          if (kind !== 'command') assert.doesNotMatch(text, /\{\w+\}|undefined/);
        }
      }
    });
  });
}
