import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { LANGUAGES } from '../../../src/explain/language.js';
import { explainTopic } from '../../../src/explain/topic-explanation.js';
import { allTopics, findTopic, TOPIC_NAMES } from '../../../src/explain/topics.js';
import { tellPlan } from '../../../src/plan/narrate.js';
import { planFor } from '../plan/fixtures.js';

const topics = await allTopics();

test('each file of topics/ is a topic of that name', () => {
  const files = readdirSync('src/explain/topics').map((name) => name.replace(/\.ts$/, ''));
  assert.deepEqual([...TOPIC_NAMES].sort(), files.sort());
  for (const [index, { name }] of topics.entries()) assert.equal(name, TOPIC_NAMES[index]);
});

test('a name and its other names lead to one topic, in any spelling', async () => {
  const words = topics.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const spelled = words.map((word) => word.toLowerCase().replace(/_/g, '-'));
  assert.deepEqual(
    spelled.filter((word, index) => spelled.indexOf(word) !== index),
    [],
  );
  for (const word of ['PID-NAMESPACE', 'pid_namespace', 'pid'])
    assert.equal((await findTopic(word))?.name, 'pid-namespace');
  for (const word of ['', 'no', 'constructor', '__proto__']) assert.equal(await findTopic(word), undefined);
});

test('each topic is whole in each language, and leads to others that exist', () => {
  for (const topic of topics) {
    const { name, trials, related, manual } = topic;
    assert.ok(trials.length > 0, name);
    for (const other of related) assert.ok(TOPIC_NAMES.includes(other), `${name}: ${other}`);
    for (const page of manual) assert.match(page, /^[\w.-]+\(\w+\)$/, name);
    for (const language of LANGUAGES) {
      const { summary, text, trials: shown } = topic[language];
      assert.equal(shown.length, trials.length, `${name} in ${language}`);
      for (const sentence of [summary, ...text, ...shown]) assert.ok(sentence.trim() !== '', name);
      assert.equal(text.length, topic.en.text.length, `${name} in ${language}`);
    }
  }
});

const RUNS: Readonly<Record<string, string[]>> = {
  tty: ['-t'],
  subreaper: ['--pid', 'host'],
  volume: ['-v', '/etc/hostname:/mine'],
};

test('the steps that a topic looks for are in the plan', () => {
  for (const topic of topics) {
    // those of networks need facts that only a machine has: test/integration
    if (topic.steps === undefined || topic.steps.run?.network !== undefined) continue;
    const { data } = explainTopic(topic, 'en', [], tellPlan(planFor(RUNS[topic.name] ?? [])));
    const { steps } = data as { steps: unknown[] };
    assert.ok(steps.length > 0, topic.name);
  }
});
