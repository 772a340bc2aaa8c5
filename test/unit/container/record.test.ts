import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type ContainerRecord,
  parseRecord,
  parseRecordLate,
  recordJson,
} from '../../../src/container/record.js';
import { FosterError } from '../../../src/sys/errors.js';

const spec = {
  process: { args: ['sh'], env: ['A=b'] },
  root: { path: '/r' },
  mounts: [{ destination: '/a' }],
  linux: { namespaces: [{ type: 'pid' }], uidMappings: [{}], gidMappings: [{}] },
};
const RECORD = {
  id: 'a'.repeat(64),
  created: '2020-01-01T00:00:00Z',
  root: '/r',
  command: ['sh', ',"spec":{'],
  labels: { a: ',"spec":{}', spec: '{' },
  network: { spec: {} },
  logging: {},
  spec,
  rm: true,
  name: 'name',
} as unknown as ContainerRecord;

test('a record of a list is the whole record, and its Spec is parsed when it is asked for', () => {
  const text = recordJson(RECORD);
  const late = parseRecordLate(text);
  assert.ok(late !== undefined);
  assert.equal(typeof Object.getOwnPropertyDescriptor(late, 'spec')?.get, 'function');
  assert.equal(late.name, 'name');
  assert.equal(late.spec.root.path, '/r');
  assert.equal(Object.getOwnPropertyDescriptor(late, 'spec')?.get, undefined);
  assert.deepEqual(late, parseRecord(text));
  assert.deepEqual({ ...parseRecordLate(text) }, RECORD);
});

test('a record whose Spec is not the last field, as older versions wrote it, is parsed as a whole', () => {
  assert.deepEqual(parseRecordLate(JSON.stringify(RECORD)), RECORD);
  // behind it, but with the name before it: such a field must not be lost
  const { name, ...rest } = RECORD;
  assert.deepEqual(parseRecordLate(JSON.stringify({ name, ...rest })), RECORD);
});

test('a damaged record is none, or says so when its Spec is asked for', () => {
  const text = recordJson(RECORD);
  for (const damaged of [
    '',
    '{}',
    text.slice(0, -2),
    text.slice(0, text.indexOf('"process"')),
    text.replace('"created":"2020-01-01T00:00:00Z",', ''),
    text.replace('"name":"name"', '"name":"../name"'),
  ])
    assert.equal(parseRecordLate(damaged), undefined, damaged);
  for (const damaged of [
    text.replace('"args":["sh"]', '"args":[sh]'),
    text.replace('"args":["sh"]', '"args":3'),
  ]) {
    assert.equal(parseRecord(damaged), undefined);
    const late = parseRecordLate(damaged);
    assert.equal(late?.name, 'name');
    assert.throws(
      () => late?.spec,
      (error) =>
        error instanceof FosterError && /^the record of container a{12} is damaged$/.test(error.message),
    );
  }
});
