import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CrashHome } from './support/crash.js';
import { FosterError } from './support/library.js';
import { descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** State files that were cut short, emptied, or hold something else: every command works, and prune cleans up. */
const home = new CrashHome();
const data = join(home.folder, 'data/foster');

const FILES = ['config.json', 'live', 'exit', 'restart', 'stopped', 'counts', 'health', 'log'];
const DAMAGES: Record<string, (path: string) => void> = {
  empty: (path) => writeFileSync(path, ''),
  cut: (path) => {
    const text = readIfThere(path);
    writeFileSync(path, text.subarray(0, Math.floor(text.length / 2)));
  },
  garbage: (path) => writeFileSync(path, Buffer.from([0, 255, 10, 32, 57, 57, 57, 0, 128, 10, 123, 125])),
  other: (path) => writeFileSync(path, '{"id":"x","name":"../../../etc","spec":{"linux":7}}\n'),
};

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/** A container for each file and each damage, and the damage done to it. */
function damageAll(args: string[]): { id: string; what: string }[] {
  return FILES.flatMap((file) =>
    Object.entries(DAMAGES).map(([damage, apply]) => {
      const id = home.must(args).trim();
      apply(join(data, 'containers', id, file));
      return { id, what: `${file} ${damage}` };
    }),
  );
}

const { library } = home;

/** What is done to each container, in this order: by the command, and by the library if it can, which needs no Node for each. */
const VERBS: { args: (id: string) => string[]; ask?: (id: string) => Promise<unknown> }[] = [
  { args: (id) => ['logs', id], ask: readLog },
  { args: (id) => ['top', id], ask: (id) => library.top(id) },
  { args: (id) => ['exec', id, 'true'] }, // reads the files without Node
  { args: (id) => ['stop', '-t', '1', id], ask: (id) => library.stop(id, { timeout: 1 }) },
  { args: (id) => ['start', id] }, // so does this
  { args: (id) => ['rename', id, newName(id)], ask: (id) => library.rename(id, newName(id)) },
  { args: (id) => ['wait', id], ask: (id) => library.wait(id) },
  { args: (id) => ['kill', id], ask: (id) => library.kill(id) },
];

async function readLog(id: string): Promise<void> {
  for await (const { data } of library.logs(id)) assert.ok(data.length > 0);
}

const newName = (id: string) => `n${id.slice(0, 12)}`;

/** The library may refuse, but not fail in a way that it does not know. */
async function asksSanely(what: string, answer: Promise<unknown>): Promise<void> {
  await answer.catch((error) => assert.ok(error instanceof FosterError, `${what}: ${error}`));
}

async function tryEverything(all: { id: string; what: string }[]): Promise<void> {
  for (const args of [['ps', '-a'], ['ps'], ['stats', '--no-stream']]) home.must(args);
  home.sane(home.foster(['ps', '--tree']), 'ps --tree');
  home.must(['inspect', ...(await home.listed()).map(({ id }) => id)]);
  await Promise.all(
    all.map(async ({ id, what }) => {
      for (const { args, ask } of VERBS) {
        const [verb = ''] = args(id);
        if (verb === 'wait' && (await home.listed()).some((one) => one.id === id && one.state === 'running'))
          continue;
        const why = `${verb} with ${what}`;
        if (ask === undefined || what.startsWith('config.json')) home.sane(await home.begin(args(id)), why);
        else await asksSanely(why, ask(id));
      }
    }),
  );
  for (const args of [
    ['ps', '-a'],
    ['stats', '--no-stream'],
  ])
    home.must(args);
}

test('damaged files of running containers', async () => {
  const all = damageAll(['run', '-d', 'busybox', 'sleep', '1000']);
  await tryEverything(all);
  home.must(['rm', '-f', ...all.map(({ id }) => id)]);
  await home.assertCleans();
});

test('damaged files of stopped containers', async () => {
  const all = damageAll(['run', '-d', 'busybox', 'sh', '-c', 'touch /f && chown 5:5 /f']);
  await waitUntil('all have ended', () => descendants().length === 0);
  await tryEverything(all);
  home.must(['stop', '-t', '0', ...(await home.listed()).map(({ id }) => id)]);
  await home.assertCleans();
});

test('a container whose record is lost while it runs can still be removed', async () => {
  const id = home.must(['run', '-d', '--name', 'one', 'busybox', 'sleep', '1000']).trim();
  truncateSync(join(data, 'containers', id, 'config.json'), 100);
  assert.match(home.foster(['ps', '-a']).stderr, new RegExp(`${id.slice(0, 12)} is damaged`));
  home.must(['prune', '-f']);
  assert.ok(descendants().length > 0, 'prune must leave alone what runs');
  home.must(['rm', '-f', 'one']);
  await home.assertCleans();
});

test('dangling names, and an events file with garbage', async () => {
  home.must(['run', '-d', '--name', 'one', 'busybox', 'sleep', '1000']);
  const nobody = '0123456789abcdef'.repeat(4);
  symlinkSync(`../containers/${nobody}`, join(data, 'names/nobody'));
  symlinkSync('../..', join(data, 'names/up'));
  writeFileSync(join(data, 'names/file'), 'text');
  appendFileSync(
    join(data, 'events'),
    Buffer.concat([Buffer.alloc(5000, 0xff), Buffer.from('\n\0\n12 die\n')]),
  );
  home.must(['ps', '-a']);
  home.must(['events', '--since', '1h', '--until', '0s']);
  for (const name of ['nobody', 'up', 'file']) {
    assert.match(home.sane(home.foster(['inspect', name]), name).stderr, /no such container/);
    home.must(['rm', '-f', name]);
    home.must(['create', '--name', name, 'busybox', 'true']);
  }
  home.must(['rm', '-f', 'one', 'nobody', 'up', 'file']);
  await home.assertCleans();
});
