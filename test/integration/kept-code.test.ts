/** What src/cli/bootstrap.ts keeps of earlier runs: it is complete after a few, and nothing that is spoiled or not ours is used. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { FOSTER, Home, type Result } from './support/foster.js';

const home = new Home();
home.env.XDG_CACHE_HOME = join(home.folder, 'cache');

const HEADER = 64;
const fileOf = (command: string) => join(home.folder, `cache/foster/code/${process.arch}-${command}`);

/** The numbers in the header: bytes of compiled code, bytes of modules, and how often modules were added. */
function kept(command: string): { id: string; code: number; source: number; growth: number } {
  const [id = '', code, source, growth] = readFileSync(fileOf(command), 'latin1').slice(0, HEADER).split(' ');
  return { id, code: Number(code), source: Number(source), growth: Number(growth) };
}

function ok(args: string[]): Result {
  const result = home.foster(args);
  assert.equal(result.status, 0, result.stderr);
  assert.equal(result.stderr, '');
  return result;
}

/** Runs a command until what it needs is kept with its code. */
function complete(args: string[]): Result {
  for (let run = 0; run < 4; run++) ok(args);
  const { code, source } = kept(args[0] ?? '');
  assert.ok(code > 10_000 && source > 10_000, `${code} bytes of code for ${source} bytes of modules`);
  return ok(args);
}

test('the modules that a command uses are kept, then their code, and then nothing is written any more', () => {
  ok(['version']);
  assert.deepEqual({ ...kept('version'), id: '' }, { id: '', code: 0, source: 2, growth: 0 }, 'only a mark');
  ok(['version']);
  const modules = kept('version');
  assert.ok(modules.code === 0 && modules.source > 10_000 && modules.growth === 1);
  ok(['version']);
  const { code, ...rest } = kept('version');
  assert.ok(code > 10_000);
  assert.deepEqual({ ...rest, code: 0 }, modules);
  const before = statSync(fileOf('version'), { bigint: true });
  ok(['version']);
  assert.deepEqual(statSync(fileOf('version'), { bigint: true }).mtimeNs, before.mtimeNs);
});

test('modules that an option needs are added a few times, and work always', () => {
  const plain = complete(['version']).stdout;
  const before = kept('version');
  const [, version] = ok(['version', '--format', '{{.Client.Version}}']).stdout.split(/^(\S+)\n$/);
  assert.ok(version !== undefined && plain.includes(version), plain);
  const grown = kept('version');
  assert.deepEqual([grown.code, grown.growth], [0, before.growth + 1]);
  assert.ok(grown.source > before.source);
  assert.equal(complete(['version']).stdout, plain);
  const content = readFileSync(fileOf('version'));
  content.write(`${grown.id} ${kept('version').code} ${grown.source} 8 `.padEnd(HEADER), 'latin1');
  writeFileSync(fileOf('version'), content);
  assert.match(ok(['version', '--help']).stdout, /^Usage: foster version/);
  assert.ok(readFileSync(fileOf('version')).equals(content), 'eight times are enough');
});

test('what is spoiled is not used, and is replaced', () => {
  const expected = complete(['version']).stdout;
  const whole = readFileSync(fileOf('version'));
  const { code, source } = kept('version');
  const changed = (at: number, bytes: Buffer) => {
    const copy = Buffer.from(whole);
    bytes.copy(copy, at);
    return copy;
  };
  const spoiled = {
    'an empty file': Buffer.alloc(0),
    'half a file': whole.subarray(0, whole.length / 2),
    'a file whose end was never written': changed(whole.length - 4096, Buffer.alloc(4096)),
    'another id': changed(0, Buffer.from('0123456789abcdef')),
    'wrong lengths': changed(HEADER / 2, Buffer.from(` ${code - 8} ${source + 16} `)),
    'no numbers': changed(HEADER / 2, Buffer.from(' -1 1e9 x')),
    'code of another V8': changed(HEADER + 4, Buffer.alloc(4)),
    'code that is longer than the file': changed(HEADER + 16, Buffer.alloc(4, 0xff)),
  };
  for (const [what, content] of Object.entries(spoiled)) {
    writeFileSync(fileOf('version'), content);
    assert.equal(ok(['version']).stdout, expected, what);
    assert.ok(!readFileSync(fileOf('version')).equals(content), `${what} is not replaced`);
  }
  assert.equal(complete(['version']).stdout, expected);
});

test('a file that others can write to is not used', () => {
  complete(['version']);
  const { id } = kept('version');
  const source = '[function(){process.stdout.write("not foster")}]';
  const content = `${`${id} 0 ${source.length} 1 `.padEnd(HEADER)}${source}${id}`;
  writeFileSync(fileOf('version'), content);
  assert.equal(ok(['version']).stdout, 'not foster', 'what is ours is trusted');
  writeFileSync(fileOf('version'), content);
  for (const mode of [0o620, 0o602]) {
    chmodSync(fileOf('version'), mode);
    assert.doesNotMatch(ok(['version']).stdout, /not foster/);
    writeFileSync(fileOf('version'), content);
  }
});

test('a stack trace names lines of the bundle, whether modules are kept or not', () => {
  const lines = readFileSync(join(dirname(FOSTER), 'foster-cli.cjs'), 'latin1').split('\n');
  for (let run = 0; run < 4; run++) {
    const { status, stderr } = home.foster(['--debug', 'inspect', 'nobody']);
    assert.equal(status, 1, stderr);
    const [, line, column] = /^ {4}at .*foster-cli\.cjs:(\d+):(\d+)\)?$/m.exec(stderr) ?? [];
    const place = lines[Number(line) - 1]?.slice(Number(column) - 1) ?? '';
    assert.match(place, /^new\b/, `${line}:${column} is no place where an error is made: ${place}`);
  }
});

test('without a folder for it, nothing is kept', () => {
  const { status, stderr } = home.foster(['version'], { env: { XDG_CACHE_HOME: '', HOME: '/dev/null' } });
  assert.equal(status, 0, stderr);
  const inspected = home.foster(['version'], { env: { XDG_CACHE_HOME: 'relative', HOME: 'relative' } });
  assert.equal(inspected.status, 0, inspected.stderr);
});
