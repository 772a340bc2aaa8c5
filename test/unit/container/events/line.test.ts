import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventFormat } from '../../../../src/cli/system/events.js';
import { formatEvent, parseEvent } from '../../../../src/container/events/line.js';
import { eventMatcher } from '../../../../src/engine/views/event.js';

const ID = 'ab'.repeat(32);
const EVENT = {
  time: 1_764_000_000_123,
  type: 'container' as const,
  action: 'die',
  id: ID,
  name: 'web',
  attributes: { image: 'busybox', exitCode: '1', role: 'front end' },
};

test('formatting and parsing an event gives the same event, whatever its labels', () => {
  const attributes = { 'a b=c%': 'two words\nand = a % \u0000 line', ünï: '🚀 \x7f', empty: '' };
  const line = formatEvent({ ...EVENT, attributes });
  assert.match(line, /^[!-~ ]+\n$/);
  assert.equal(line.indexOf('\n'), line.length - 1);
  assert.deepEqual(parseEvent(line.trimEnd()), { ...EVENT, attributes });
});

test('a line of the monitor', () => {
  const event = parseEvent(`1764000000123 reap ${ID} web pid=7 status=0 comm=sh`);
  assert.deepEqual(event?.attributes, { pid: '7', status: '0', comm: 'sh' });
});

test('truncated and damaged lines are ignored', () => {
  for (const line of [
    '',
    '17',
    '1764000000123 die',
    `1764000000123 die ${ID.slice(1)} web`,
    `x die ${ID} web`,
  ]) {
    assert.equal(parseEvent(line), undefined, line);
  }
});

test('an event of a volume', () => {
  const event = {
    time: 1_764_000_000_123,
    type: 'volume' as const,
    action: 'create',
    id: 'data',
    name: 'data',
  };
  const line = formatEvent({ ...event, attributes: { driver: 'local' } });
  assert.equal(line, '1764000000123 volume.create - data driver=local\n');
  const parsed = parseEvent(line.trimEnd());
  assert.deepEqual(parsed, { ...event, attributes: { driver: 'local' } });
  assert.ok(parsed !== undefined);
  assert.equal(
    eventFormat(undefined)(parsed),
    '2025-11-24T16:00:00.123000000Z volume create data (driver=local)',
  );
  assert.ok(eventMatcher(['type=volume', 'volume=data', 'event=create'])(parsed));
  assert.ok(!eventMatcher(['container=data'])(parsed));
  for (const damaged of [`1764000000123 volume.create ${ID} data`, '1764000000123 create - data'])
    assert.equal(parseEvent(damaged), undefined);
});

test('an event of a network', () => {
  const event = {
    time: 1_764_000_000_123,
    type: 'network' as const,
    action: 'connect',
    id: ID,
    name: 'shop',
    attributes: { type: 'bridge', container: 'cd'.repeat(32) },
  };
  const line = formatEvent(event);
  assert.match(line, /^1764000000123 network\.connect (ab){32} shop type=bridge container=(cd){32}\n$/);
  assert.deepEqual(parseEvent(line.trimEnd()), event);
  assert.equal(
    eventFormat(undefined)(event),
    `2025-11-24T16:00:00.123000000Z network connect ${ID} (container=${'cd'.repeat(32)}, name=shop, type=bridge)`,
  );
  const matches = (...filters: string[]) => eventMatcher(filters)(event);
  assert.ok(matches('type=network', 'network=shop', 'event=connect', 'container=cdcd'));
  assert.ok(matches(`network=${ID.slice(0, 12)}`));
  assert.ok(!matches('container=shop'));
  assert.ok(!matches('type=container'));
  assert.ok(!eventMatcher(['network=web'])(EVENT));
});

test('long values are truncated', () => {
  assert.ok(formatEvent({ ...EVENT, attributes: { a: 'x'.repeat(100_000) } }).length < 4000);
});

test("Docker's line", () => {
  const line = `2025-11-24T16:00:00.123000000Z container die ${ID} (exitCode=1, image=busybox, name=web, role=front end)`;
  assert.equal(eventFormat(undefined)(EVENT), line);
});

test('a label cannot control the terminal or end the line', () => {
  const line = eventFormat(undefined)({ ...EVENT, attributes: { x: 'a\n\x1b[2J' } });
  assert.match(line, /\(name=web, x=a\\x0a\\x1b\[2J\)$/);
});

test('JSON and templates', () => {
  const json = JSON.parse(eventFormat('json')(EVENT));
  assert.equal(json.Actor.Attributes.name, 'web');
  assert.equal(json.timeNano, 1_764_000_000_123_000_000);
  assert.equal(
    eventFormat('{{.Action}} {{.Actor.Attributes.exitCode}} {{.From}} {{.Time}}')(EVENT),
    'die 1 busybox 1764000000',
  );
});

test('filters with one key are alternatives, labels are not', () => {
  const matches = (...filters: string[]) => eventMatcher(filters)(EVENT);
  assert.ok(matches());
  assert.ok(matches('event=start', 'event=die'));
  assert.ok(!matches('event=start'));
  assert.ok(matches('container=web', 'type=container', 'image=busybox'));
  assert.ok(matches(`container=${ID.slice(0, 12)}`));
  assert.ok(!matches('container=we'));
  assert.ok(!matches('type=network'));
  assert.ok(!matches('volume=web'));
  assert.ok(matches('label=role', 'label=role=front end'));
  assert.ok(!matches('label=role', 'label=other'));
  assert.throws(() => eventMatcher(['nonsense=1']), /expected KEY=VALUE, KEY being one of container, /);
});
