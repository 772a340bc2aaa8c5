import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { baseFolder } from '../sys/base-folders.js';
import { NO_SURROUNDINGS, setSurroundings } from '../sys/surroundings.js';

/**
 * What Node is started with. It runs the bundle foster-cli.cjs from the compiled code that an earlier run has kept,
 * which halves what a start costs on top of Node's own. V8 refuses code that another version of it has compiled; where
 * there is none, where it is refused or cannot be kept, the bundle runs all the same. Node's own compile cache needs
 * Node 22, and keeps nothing when the process becomes another program instead of ending.
 */

declare global {
  /** Set where compiled code is to be kept: called when all that the command needs has been compiled. */
  var fosterKeepCode: (() => void) | undefined;
  /** Identifies the content of foster-cli.cjs; the build puts it in. */
  const FOSTER_BUNDLE_ID: string;
}

const BUNDLE = join(__dirname, 'foster-cli.cjs');

/** A file per command, as each compiles other functions. @throws FosterError where there is no place for it */
function codeFile(): string {
  const folder = join(baseFolder('XDG_CACHE_HOME', '.cache'), 'foster', 'code');
  const word = process.argv[2] ?? '';
  return join(folder, `${process.arch}-${/^[a-z]{1,16}$/.test(word) ? word : 'other'}`);
}

interface KeptCode {
  /** Undefined after a first run, which keeps none. */
  code: Buffer | undefined;
}

/**
 * Compiled code is trusted like the program itself, so it must be ours: `sudo` may keep the HOME of somebody else.
 * @returns undefined before the first run
 */
function readCode(): KeptCode | undefined {
  try {
    const file = openSync(codeFile(), 'r');
    try {
      const { uid, mode } = fstatSync(file);
      if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return undefined;
      const content = readFileSync(file);
      const id = content.toString('latin1', 0, FOSTER_BUNDLE_ID.length);
      if (id !== FOSTER_BUNDLE_ID) return undefined;
      return { code: content.length === id.length ? undefined : content.subarray(id.length) };
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function keepCode(code: Buffer): void {
  try {
    const path = codeFile();
    const fresh = `${path}.${process.pid}`;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(fresh, Buffer.concat([Buffer.from(FOSTER_BUNDLE_ID), code]), { mode: 0o600 });
    renameSync(fresh, path);
  } catch {
    // a home that cannot be written to: the next start is as slow as this one
  }
}

function start(): void {
  setSurroundings({ ...NO_SURROUNDINGS, env: process.env });
  const kept = readCode();
  const cachedData = kept?.code;
  const source = readFileSync(BUNDLE, 'latin1'); // ASCII; a function of what a module has, as the build has written it
  const script = new Script(source, {
    filename: BUNDLE,
    ...(cachedData && { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected === true) {
    // A first run does what later ones need not, such as making a root filesystem: its code would slow them all.
    const isFirst = kept === undefined;
    globalThis.fosterKeepCode = () => keepCode(isFirst ? Buffer.alloc(0) : script.createCachedData());
    process.once('exit', (code) => {
      if (code < 125) globalThis.fosterKeepCode?.();
    });
  }
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(BUNDLE), module, BUNDLE, __dirname);
}

start();
