/** What Docker and Podman have and foster has not is refused by name, whatever comes after it on the command line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../../../src/cli/commands.js';
import { findRefusal, refusalError, refusals, shortName } from '../../../src/cli/not-yet.js';
import { runProgram } from '../../../src/cli/program.js';
import { nearest } from '../../../src/spec/nearest.js';
import { FosterError } from '../../../src/sys/errors.js';

async function errorOf(argv: string[]): Promise<FosterError> {
  try {
    await runProgram(argv);
  } catch (error) {
    if (error instanceof FosterError) return error;
    throw error;
  }
  return assert.fail(`foster ${argv.join(' ')} is not refused`);
}

test('each option that is refused is refused by name, with the reason', async () => {
  for (const refusal of refusals().filter(({ option }) => option !== undefined)) {
    const { command, option = '', because, isFinal } = refusal;
    const argv = [...command.split(' ').filter(Boolean), option, 'x'];
    const { message, kind, exitCode } = await errorOf(command === '' ? [...argv, 'ps'] : argv);
    const what = [command, option].filter(Boolean).join(' ');
    assert.equal(message, `${what} is not supported${isFinal ? '' : ' yet'}: ${because}`);
    assert.deepEqual([kind, exitCode], ['unsupported', 125]);
  }
});

test('each command that is refused is refused by name, with the reason', async () => {
  const names = new Set(COMMANDS.map(({ name }) => name));
  for (const refusal of refusals().filter(({ option }) => option === undefined)) {
    const { command, because } = refusal;
    assert.ok(!names.has(command), command);
    const { message } = await errorOf([...command.split(' '), 'x']);
    assert.ok(message.endsWith(because), `${command}: ${message}`);
  }
});

test('the noun forms of a command refuse what the command refuses', () => {
  const refusal = findRefusal(['container', 'run'], '--link');
  assert.ok(refusal);
  assert.match(refusalError(refusal).sentence, /^run --link is not supported: .*; use --network NAME$/);
  assert.deepEqual(findRefusal(['container', 'create'], '--link'), findRefusal(['create'], '--link'));
});

test('commands by several names have one', () => {
  for (const [long, short] of [
    ['container ls', 'ps'],
    ['image list', 'images'],
    ['image rm', 'rmi'],
    ['container rm', 'rm'],
    ['image inspect', 'image inspect'],
    ['container clone', 'container clone'],
  ] as const)
    assert.equal(shortName(long), short);
});

test('the nearest name has few letters that differ', () => {
  const names = ['start', 'stop', 'restart', 'images', 'run'];
  assert.equal(nearest('statr', names), 'start');
  assert.equal(nearest('imags', names), 'images');
  assert.equal(nearest('ru', names), 'run');
  assert.equal(nearest('frobnicate', names), undefined);
});
