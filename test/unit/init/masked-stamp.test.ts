import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskedStamp, type PodMasks } from '../../../src/init/template.js';

const pod = (digit: string, second: number): PodMasks => ({
  id: digit.repeat(64),
  infra: `${digit}f`.repeat(32),
  created: `2026-11-27T20:00:${second}.000Z`,
  infraCreated: `2026-11-27T20:00:${second}.001Z`,
});

const recordOf = ({ id, infra, created, infraCreated }: PodMasks, more = ''): string =>
  JSON.stringify({
    id,
    created,
    infra: { id: infra, created: infraCreated, name: `${id.slice(0, 12)}-infra` },
    more,
  });

const stamp = (masks: PodMasks, more?: string) => maskedStamp(recordOf(masks, more), masks);

test('pods that differ by ids and times have the same stamp, and others have not', () => {
  const [one, two] = [pod('a', 10), pod('b', 59)];
  assert.deepEqual(stamp(one), stamp(two));
  assert.notDeepEqual(stamp(one, 'x'), stamp(two, 'y'));
  assert.notDeepEqual(stamp(one, one.id), stamp(two, one.id));
  // both were made in the same millisecond
  const same = { ...two, infraCreated: two.created };
  assert.deepEqual(stamp(one), stamp(same));
});

test("a container's name is left out where it stands for nothing else", () => {
  const member = (name: string) => ({
    ...pod('a', 10),
    member: { id: 'c'.repeat(64), created: 'never', name },
  });
  const text = (name: string, label: string) => JSON.stringify({ id: 'c'.repeat(64), label, name, spec: {} });
  const of = (name: string, label: string) => maskedStamp(text(name, label), member(name));
  assert.deepEqual(of('short', 'x'), of('much_longer', 'x'));
  assert.notDeepEqual(of('one', 'one'), of('two', 'two'));
  assert.notDeepEqual(of('one', 'name'), of('one', 'other'));
});
