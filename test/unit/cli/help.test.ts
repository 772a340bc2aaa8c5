/** Help is readable on terminals of any width, for every command and subcommand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../../../src/cli/commands.js';
import { wrapLines } from '../../../src/cli/help-layout.js';
import { type CommandHelp, commandReference } from '../../../src/cli/reference.js';

const references = new Map<number, Promise<CommandHelp[]>>();

/** The help of a command and of each of its subcommands, by their names. */
async function helpOf(name: string, width: number): Promise<Map<string, string>> {
  const reference = references.get(width) ?? commandReference(width);
  references.set(width, reference);
  const own = (await reference).filter(({ words: [first] }) => first === name);
  assert.ok(own.length > 0);
  return new Map(own.map(({ words, text }) => [words.join(' '), text]));
}

const words = (text: string) => text.split(/\s+/);

for (const { name } of COMMANDS) {
  for (const width of [40, 80, 200]) {
    test(`the help of ${name} fits ${width} columns, and breaks no word`, async () => {
      const unwrapped = await helpOf(name, 10_000);
      for (const [command, help] of await helpOf(name, width)) {
        // A word, with its indentation, may be longer than the line.
        const long = help.split('\n').filter((line) => line.length > width && /\S\s+\S/.test(line));
        assert.deepEqual(long, [], command);
        assert.deepEqual(words(help), words(unwrapped.get(command) ?? ''), command);
      }
    });
  }

  test(`the help of ${name} has examples`, async () => {
    for (const [command, help] of await helpOf(name, 80)) assert.match(help, /\nExamples:\n {2}\S/, command);
  });
}

test('an example that is too long is wrapped, and its comment follows on a line of its own', () => {
  assert.deepEqual(wrapLines(['  foster run busybox     a container', 'short'], 24), [
    '  foster run busybox',
    '      a container',
    'short',
  ]);
  assert.deepEqual(wrapLines(['  foster run --rm -it busybox sh'], 20), [
    '  foster run --rm',
    '      -it busybox sh',
  ]);
});

test('lines of prose are one paragraph, whatever the width', () => {
  assert.deepEqual(wrapLines(['one two three', 'four', '', 'five'], 10), [
    'one two',
    'three four',
    '',
    'five',
  ]);
});
