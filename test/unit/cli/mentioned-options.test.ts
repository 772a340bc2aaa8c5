/** A start tells commander only of the options that its command line mentions: none of them may be missing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { prepareCommand } from '../../../src/cli/command.js';
import { configure, configureMentioned } from '../../../src/cli/container/run.js';

const whole = prepareCommand(new Command('run'));
configure(whole, []);

function mentionedBy(argv: string[]): (string | undefined)[] {
  const command = prepareCommand(new Command('run'));
  configureMentioned(command, argv);
  return command.options.flatMap(({ short, long }) => [short, long]);
}

for (const { short, long, flags } of whole.options) {
  test(`foster run knows ${flags} where its command line has it`, () => {
    for (const name of [short, long]) {
      if (name === undefined) continue;
      assert.ok(mentionedBy(['--rm', name, 'value', 'busybox']).includes(name));
      assert.ok(mentionedBy([`${name}=value`, 'busybox']).includes(name));
    }
    if (short !== undefined) assert.ok(mentionedBy([`-i${short.slice(1)}`, 'busybox']).includes(short));
  });
}

test('an option that the command line does not have is left out', () => {
  assert.ok(!mentionedBy(['--rm', 'busybox', 'true']).includes('--name'));
});
