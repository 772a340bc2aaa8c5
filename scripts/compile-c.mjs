/**
 * Compiles the C programs. Each file is compiled once for all programs that contain it, two at a time, and again only when it, a
 * header, the compiler or the options have changed: objects are kept in build/objects, under a digest of all these.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OBJECTS = join(ROOT, 'build/objects');
const DAY = 24 * 3600 * 1000;

/** What the result of a compiler depends on besides a file and the options: its version, and all headers. */
export function commonDigest(compiler) {
  const digest = createHash('sha256').update(
    spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout ?? '',
  );
  const headers = readdirSync(join(ROOT, 'src/init'), { recursive: true }).filter((name) =>
    name.endsWith('.h'),
  );
  for (const name of headers.sort())
    digest.update(`${name}\0`).update(readFileSync(join(ROOT, 'src/init', name)));
  return digest.digest();
}

/** Names what a compiler makes of a file with these options. @returns 32 hexadecimal digits */
export function digestOf(common, source, flags) {
  const key = createHash('sha256')
    .update(common)
    .update(`${source}\0${flags.join('\0')}\0`)
    .update(readFileSync(join(ROOT, source)));
  return key.digest('hex').slice(0, 32);
}

/** Whether there is such a file. If so, it is kept for another day. */
export function isKept(path) {
  const isThere = existsSync(path);
  if (isThere) utimesSync(path, new Date(), new Date()); // of others, builds at the same time may use it
  return isThere;
}

/** Makes the object of a file, unless there is one. @returns its path */
async function objectOf(compiler, common, { source, flags }) {
  const object = join(OBJECTS, `${digestOf(common, source, flags)}.o`);
  if (isKept(object)) return object;
  const fresh = `${object}.${process.pid}`;
  const { stderr } = await promisify(execFile)(compiler, [...flags, '-c', '-o', fresh, source], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
  });
  process.stderr.write(stderr);
  renameSync(fresh, object);
  return object;
}

/** Makes a folder, or removes the files in it that nobody has used for a day. */
export function openKept(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > DAY) rmSync(path, { force: true });
  }
}

/**
 * Compiles and links programs.
 * @param programs each with `output`, the absolute path, `sources`, relative to the source tree, `flags` for both, and `define`,
 * options by source for compiling
 * @throws Error if a file does not compile; the messages of the compiler are printed
 */
export async function compilePrograms(compiler, programs) {
  openKept(OBJECTS);
  const common = commonDigest(compiler);
  const wanted = new Map();
  const objectKey = ({ source, flags }) => JSON.stringify([source, flags]);
  const partsOf = ({ sources, flags, define = {} }) =>
    sources.map((source) => ({ source, flags: [...flags, ...(define[source] ?? [])] }));
  for (const program of programs) for (const part of partsOf(program)) wanted.set(objectKey(part), part);
  const queue = [...wanted.entries()];
  const objects = new Map();
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      objects.set(next[0], await objectOf(compiler, common, next[1]));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  for (const program of programs)
    link(
      compiler,
      program,
      partsOf(program).map((part) => objects.get(objectKey(part))),
    );
}

/** To a temporary file first, because a container may be starting from the old one. */
function link(compiler, { output, flags }, objects) {
  const fresh = `${output}.${process.pid}`;
  const { status, error } = spawnSync(compiler, [...flags, '-o', fresh, ...objects], {
    stdio: 'inherit',
    cwd: ROOT,
  });
  if (error || status !== 0) {
    rmSync(fresh, { force: true });
    throw error ?? new Error(`${compiler} could not link ${output}`);
  }
  renameSync(fresh, output);
}
