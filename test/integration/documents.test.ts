/** The documents are correct: each command in them runs, and prints the output that they show. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { commandReference } from '../../src/cli/reference.js';
import {
  blocksOf,
  type Example,
  examplesOf,
  headingsOf,
  inlineCommands,
  linksOf,
  matchesOutput,
} from './support/documents.js';
import { FOSTER, Home } from './support/foster.js';
import { DEADLINE } from './support/wait.js';

const home = new Home();

/** Each with the reasons for which blocks in it are not run, in their order. */
const DOCUMENTS: [path: string, notRun: string[]][] = [
  ['README.md', ['installs packages', 'needs a keyboard', 'needs a registry']],
  ['docs/manual.md', ['needs a keyboard', 'needs a keyboard']],
  ['docs/architecture.md', []],
  ['docs/compose.md', []],
  ['docs/pods.md', []],
  ['docs/kube.md', []],
  ['docs/view.md', ['runs until Ctrl-C', 'runs until Ctrl-C']],
  ['docs/pictures/demo.md', []],
  ['docs/labs.md', []],
  ['docs/pid1.md', []],
];

/** Commands that only read are repeated until their output is right. */
const LOOKS =
  /^(cd shop && )?foster ((compose )?(top|ps|logs|exec|inspect|stats|events)|pod (top|ps|logs))( |$)/;

for (const [path, notRun] of DOCUMENTS) {
  const blocks = blocksOf(readFileSync(path, 'utf8'));

  test(`${path}: the blocks that are not run are known`, () => {
    assert.deepEqual(
      blocks.flatMap((block) => block.notRun ?? []),
      notRun,
    );
  });

  test(`${path}: each command prints what the text shows`, async (t) => {
    const folder = workFolder(path);
    for (const block of blocks.filter((each) => each.notRun === undefined)) {
      for (const example of examplesOf(block)) {
        await t.test(`line ${example.line}: ${example.command}`, () => check(example, folder));
      }
    }
    home.foster(['rm', '-f', ...home.foster(['ps', '-aq']).stdout.split('\n').filter(Boolean)]);
    await home.assertNothingLeft();
  });
}

/** As a reader has it who is in the source tree. */
function workFolder(path: string): string {
  const folder = join(home.folder, 'work', path.replaceAll('/', '-'));
  mkdirSync(folder, { recursive: true });
  cpSync('README.md', join(folder, 'README.md'));
  return folder;
}

function run(command: string, folder: string): { output: string; status: number | null } {
  const { output, status } = spawnSync('bash', ['-c', `exec 2>&1\n${command}`], {
    cwd: folder,
    env: { ...home.env, LANG: 'C.UTF-8', PATH: `${dirname(FOSTER)}:${process.env.PATH}` },
    input: '',
    encoding: 'utf8',
    timeout: DEADLINE,
    killSignal: 'SIGKILL',
  });
  return { output: output[1] ?? '', status };
}

function check({ command, output: expected }: Example, folder: string): void {
  const end = Date.now() + DEADLINE;
  let result = run(command, folder);
  if (expected.length === 0) {
    assert.equal(result.status, 0, result.output);
    return;
  }
  while (!matchesOutput(expected, result.output) && LOOKS.test(command) && Date.now() < end) {
    result = run(command, folder);
  }
  if (!matchesOutput(expected, result.output)) assert.equal(result.output, `${expected.join('\n')}\n`);
}

const helps = new Map((await commandReference(80)).map(({ words, text }) => [words.join(' '), text]));

const PAGES = [
  'README.md',
  'README.zh-CN.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

for (const path of PAGES) {
  test(`${path}: links lead somewhere`, () => {
    const broken = linksOf(readFileSync(path, 'utf8')).filter((link) => {
      const target = link.path === '' ? path : join(dirname(path), link.path);
      if (!existsSync(target)) return true;
      return link.heading !== undefined && !headingsOf(readFileSync(target, 'utf8')).includes(link.heading);
    });
    assert.deepEqual(broken, []);
  });

  // made from foster's own commands, and from what is refused: scripts/compat.mjs --check
  const options = { skip: path === 'docs/compatibility.md' };
  test(`${path}: commands and options in the text exist`, options, () => {
    const unknown = inlineCommands(readFileSync(path, 'utf8')).filter(({ words }) => !exists(words));
    assert.deepEqual(unknown, []);
  });
}

/** Whether there is a command of that name, with all options that are given. */
function exists(words: string[]): boolean {
  const [first = '', second = ''] = words;
  if (!/^[a-z]+$/.test(first)) return first.startsWith('-') || first === 'COMMAND' || first === '...';
  const isGroup =
    /^(image|system|manifest|container|builder|volume|network|compose|pod|kube|lab)$/.test(first) &&
    /^[a-z]+$/.test(second);
  const help = helps.get(isGroup ? `${first} ${second}` : first);
  const options = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/=.*/, ''));
  return help !== undefined && options.every((option) => help.includes(option));
}

test('the Chinese README has the same examples and links as the English one', () => {
  const partsOf = (path: string) => {
    const text = readFileSync(path, 'utf8');
    const links = linksOf(text).map((link) => link.path);
    return [blocksOf(text).map(({ lines }) => lines), links.filter((link) => !link.startsWith('README'))];
  };
  assert.deepEqual(partsOf('README.zh-CN.md'), partsOf('README.md'));
});

test('the picture in the README shows the commands that it is made from', () => {
  const picture = readFileSync('docs/pictures/demo.svg', 'utf8');
  const lines = [...picture.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, line = '']) =>
    line.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
  );
  const examples = blocksOf(readFileSync('docs/pictures/demo.md', 'utf8')).flatMap(examplesOf);
  const shown = examples.map(({ command }) => (command.startsWith('#') ? command : `$ ${command}`));
  assert.deepEqual(
    lines.filter((line) => /^[$#] /.test(line)),
    shown,
  );
});

test('output that differs from a document is detected', () => {
  assert.ok(matchesOutput(['1     ...   S', '...', 'end'], '1  4711  S\nmore\nand more\nend\n'));
  assert.ok(matchesOutput(['1 S', '...', 'end'], '1 S\nend\n'));
  assert.ok(!matchesOutput(['3   1 Z'], '3   1 S\n'));
  assert.ok(!matchesOutput(['end'], 'more\nend\n'));
  assert.ok(!matchesOutput(['a.c'], 'abc\n'));
});
