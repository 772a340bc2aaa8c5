import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { ChangedFiles } from '../../../src/layers/changed-files.js';
import { mountPointNames, treeChanges } from '../../../src/layers/changes.js';
import { copyTree } from '../../../src/layers/copy-tree.js';
import { moveChanges } from '../../../src/layers/move-changes.js';
import { LayerStack } from '../../../src/layers/stack.js';
import { FuseUpperDirectory } from '../../../src/layers/writable-layer.js';
import { makeWhiteout, setExtendedAttribute } from '../../../src/sys/libc.js';

const top = mkdtempSync(join(tmpdir(), 'foster-layers-'));
after(() => rmSync(top, { recursive: true, force: true }));
let count = 0;

/** A directory: names to contents; a name with a slash at its end is a directory, `.wh.` files are marks. */
function folder(files: Record<string, string> = {}): string {
  const path = join(top, `folder-${count++}`);
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) {
    const file = join(path, name);
    mkdirSync(name.endsWith('/') ? file : dirname(file), { recursive: true });
    if (name.endsWith('/')) continue;
    if (name.includes('.wh.') && content === '') closeSync(openSync(file, 'w', 0));
    else writeFileSync(file, content);
  }
  return path;
}

/** All names of a tree, and what the files contain. */
function seen(stack: LayerStack, directory = ''): string[] {
  return stack.names(directory).flatMap((base) => {
    const name = `${directory}${base}`;
    return stack.lstat(name)?.isDirectory() ? [`${name}/`, ...seen(stack, `${name}/`)] : [name];
  });
}

interface Copy {
  tree: string;
  stack: LayerStack;
  /** `KIND PATH` each. */
  changes(): string[];
  since: number;
}

function copyOf(layers: string[]): Copy {
  const tree = folder();
  const stack = new LayerStack(layers);
  assert.deepEqual(copyTree(stack, tree), { count: 0 });
  const mark = join(top, `copied-${count++}`);
  closeSync(openSync(mark, 'w'));
  const since = lstatSync(mark).ctimeMs;
  const changes = () => {
    const own = new ChangedFiles(tree, stack, since);
    return [...treeChanges(own, stack, mountPointNames(own, stack, ['/proc']))].map(
      ({ kind, path }) => `${kind} ${path}`,
    );
  };
  return { tree, stack, changes, since };
}

test('merged layers look like an overlay', () => {
  const lower = folder({
    'd/one': '',
    'd/two': '',
    'e/one': '',
    gone: '',
    'file/x': '',
    kept: 'low',
    'f/x': '',
  });
  const upper = folder({ 'd/new': 'x', 'e/new': 'x', file: 'x', kept: 'high', 'sub/y': 'y' });
  makeWhiteout(join(upper, 'gone'));
  makeWhiteout(join(upper, 'd/one'));
  setExtendedAttribute(join(upper, 'e'), 'user.overlay.opaque', Buffer.from('y'));
  const shown = ['d/', 'd/new', 'd/two', 'e/', 'e/new', 'f/', 'f/x', 'file', 'kept', 'sub/', 'sub/y'];
  assert.deepEqual(seen(new LayerStack([upper, lower])), shown);
  const { tree } = copyOf([upper, lower]);
  assert.deepEqual(seen(new LayerStack([tree])), shown);
  assert.equal(readFileSync(join(tree, 'kept'), 'utf8'), 'high');
});

test('whiteouts that are files work, too, and a directory beside its whiteout is opaque', () => {
  const lower = folder({ 'd/one': '', 'd/two': '', 'e/one': '', gone: '', 'g/x': '' });
  const upper = folder({
    '.wh.gone': '',
    'd/.wh.one': '',
    'e/.wh..wh..opq': '',
    'e/new': 'x',
    '.wh.g': '',
    'g/y': 'y',
  });
  assert.deepEqual(seen(new LayerStack([upper, lower])), ['d/', 'd/two', 'e/', 'e/new', 'g/', 'g/y']);
});

test('a file that only looks like a whiteout is a file', () => {
  assert.deepEqual(seen(new LayerStack([folder({ '.wh.note': 'text' })])), ['.wh.note']);
});

test('a copy keeps modes, times, links, attributes and holes', () => {
  const layer = folder({ 'd/file': 'content', suid: 'x' });
  const at = (name: string) => join(layer, name);
  linkSync(at('d/file'), at('hard'));
  symlinkSync('/nowhere', at('link'));
  lutimesSync(at('link'), 5, 1234.5);
  setExtendedAttribute(at('d/file'), 'user.note', Buffer.from('n'));
  closeSync(openSync(at('sparse'), 'w'));
  truncateSync(at('sparse'), 10_000_000);
  chmodSync(at('suid'), 0o4711);
  chmodSync(at('d'), 0o1755);
  utimesSync(at('d'), 1, 1_000_000_000.123);
  const { tree, changes } = copyOf([layer]);
  const info = (name: string) => lstatSync(join(tree, name));
  assert.equal(info('hard').ino, info('d/file').ino);
  assert.equal(readlinkSync(join(tree, 'link')), '/nowhere');
  assert.equal(info('link').mtimeMs, 1_234_500);
  assert.equal(info('suid').mode & 0o7777, 0o4711);
  assert.equal(info('d').mode & 0o7777, 0o1755);
  assert.ok(Math.abs(info('d').mtimeMs - 1_000_000_000_123) < 0.01);
  assert.equal(info('sparse').size, 10_000_000);
  assert.ok(info('sparse').blocks * 512 < 1_000_000);
  assert.deepEqual(changes(), []);
});

test('changes of a copy are found, whatever the modification times', () => {
  const files = {
    'a/same': '1',
    'a/content': '1',
    'b/mode': '1',
    'c/attribute': '1',
    gone: '1',
    'd/x': '1',
    old: '1',
  };
  const layer = folder(files);
  symlinkSync('one', join(layer, 'link'));
  const { tree, changes } = copyOf([layer]);
  const at = (name: string) => join(tree, name);
  const { atimeMs, mtimeMs } = statSync(at('a/content'));
  writeFileSync(at('a/content'), '2');
  utimesSync(at('a/content'), atimeMs / 1000, mtimeMs / 1000);
  assert.ok(Math.abs(statSync(at('a/content')).mtimeMs - mtimeMs) < 0.01);
  chmodSync(at('b/mode'), 0o600);
  setExtendedAttribute(at('c/attribute'), 'user.note', Buffer.from('n'));
  rmSync(at('gone'));
  rmSync(at('d'), { recursive: true });
  writeFileSync(at('d'), 'a file now');
  mkdirSync(at('new/sub'), { recursive: true });
  linkSync(at('old'), at('new/sub/hard'));
  const link = lstatSync(at('link'));
  rmSync(at('link'));
  symlinkSync('two', at('link'));
  lutimesSync(at('link'), link.atimeMs / 1000, link.mtimeMs / 1000);
  mkdirSync(at('proc'));
  assert.deepEqual(changes(), [
    'C /a',
    'C /a/content',
    'C /b',
    'C /b/mode',
    'C /c',
    'C /c/attribute',
    'C /d',
    'D /gone',
    'C /link',
    'A /new',
    'A /new/sub',
    'A /new/sub/hard',
    'C /old',
  ]);
});

test('a file rewritten with the same content is unchanged', () => {
  const { tree, changes } = copyOf([folder({ file: 'same' })]);
  const { atimeMs, mtimeMs } = statSync(join(tree, 'file'));
  writeFileSync(join(tree, 'other'), 'same');
  chmodSync(join(tree, 'other'), statSync(join(tree, 'file')).mode);
  utimesSync(join(tree, 'other'), atimeMs / 1000, mtimeMs / 1000);
  renameSync(join(tree, 'other'), join(tree, 'file'));
  assert.deepEqual(changes(), []);
});

test('a layer made from a copy gives the same tree again', () => {
  const layer = folder({ 'd/one': '1', 'd/two': '2', gone: '', 'e/deep/x': 'x' });
  const { tree, stack, since } = copyOf([layer]);
  rmSync(join(tree, 'gone'));
  rmSync(join(tree, 'd/one'));
  writeFileSync(join(tree, 'd/three'), '3');
  rmSync(join(tree, 'e'), { recursive: true });
  writeFileSync(join(tree, 'e'), 'file');
  mkdirSync(join(tree, 'new'), { mode: 0o700 });
  const expected = seen(new LayerStack([tree]));
  const upper = folder();
  moveChanges(tree, stack, upper, since);
  const both = new LayerStack([upper, layer]);
  assert.deepEqual(seen(both), expected);
  assert.deepEqual(seen(new LayerStack([upper])), ['d/', 'd/three', 'e', 'new/']);
  assert.equal(statSync(join(upper, 'new')).mode & 0o7777, 0o700);
});

test('all kinds of whiteouts of fuse-overlayfs are read', () => {
  const lower = folder({ 'd/one': '1', 'd/two': '2', 'e/x': '', 'f/y': '', 'g/z': '', gone: '', back: '' });
  // "user.fuseoverlayfs.opaque" and both files go together; each alone must do, for not every file system has all
  const upper = folder({
    'd/.wh.one': '',
    'e/.wh..wh..opq': '',
    'e/new': '',
    'f/.wh..opq': '',
    'g/': '',
    'new/.wh..wh..opq': '',
    '.wh.gone': '',
    '.wh.back': '',
    back: 'again',
  });
  setExtendedAttribute(join(upper, 'g'), 'user.fuseoverlayfs.opaque', Buffer.from('y'));
  const below = new LayerStack([lower]);
  const own = new FuseUpperDirectory(upper, below);
  const changes = [...treeChanges(own, below, new Set())].map(({ kind, path }) => `${kind} ${path}`);
  assert.deepEqual(changes, [
    'C /back',
    'C /d',
    'D /d/one',
    'C /e',
    'A /e/new',
    'D /e/x',
    'C /f',
    'D /f/y',
    'C /g',
    'D /g/z',
    'D /gone',
    'A /new',
  ]);
  assert.equal(own.isOpaque('new/'), false, 'there is nothing that it could hide');
});
