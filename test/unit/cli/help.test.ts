/** Help is readable on a narrow terminal: it breaks between words only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { prepareCommand } from '../../../src/cli/command.js';
import { COMMANDS } from '../../../src/cli/commands.js';
import { wrapLines } from '../../../src/cli/help-layout.js';

async function helpOf(name: string, width: number): Promise<string> {
  const entry = COMMANDS.find((one) => one.name === name);
  assert.ok(entry);
  const command = prepareCommand(new Command(name));
  new Command('foster').enablePositionalOptions().addCommand(command);
  let text = '';
  command.configureOutput({
    getOutHelpWidth: () => width,
    writeOut: (part) => {
      text += part;
    },
  });
  (await entry.load()).configure(command, [], COMMANDS);
  command.outputHelp();
  return text;
}

for (const width of [40, 80]) {
  for (const { name } of COMMANDS) {
    test(`the help of ${name} fits ${width} columns`, async () => {
      const lines = (await helpOf(name, width)).split('\n');
      // A word, with its indentation, may be longer than the line.
      const long = lines.filter((line) => line.length > width && /\S\s+\S/.test(line));
      assert.deepEqual(long, []);
    });
  }
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
