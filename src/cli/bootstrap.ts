import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { baseFolder } from '../sys/base-folders.js';
import { NO_SURROUNDINGS, setSurroundings } from '../sys/surroundings.js';

/**
 * The script that Node starts. It runs the bundle foster-cli.cjs with the compiled code that an earlier run has stored,
 * which halves the time of a start without Node's own. Without such code, the bundle runs as well: if there is none, if V8
 * refuses it because another version has compiled it, or if it cannot be stored. Node's own compile cache needs Node 22,
 * and stores nothing when the process becomes another program instead of exiting.
 */

declare global {
  /** Set if compiled code must be stored: called when everything that the command needs has been compiled. */
  var fosterKeepCode: (() => void) | undefined;
  /** Identifies the content of foster-cli.cjs. The build inserts it. */
  const FOSTER_BUNDLE_ID: string;
}

const BUNDLE = join(__dirname, 'foster-cli.cjs');

/** A file for each command, because commands compile different functions. @throws FosterError if there is no folder for it */
function codeFile(): string {
  const folder = join(baseFolder('XDG_CACHE_HOME', '.cache'), 'foster', 'code');
  const word = process.argv[2] ?? '';
  return join(folder, `${process.arch}-${/^[a-z]{1,16}$/.test(word) ? word : 'other'}`);
}

interface KeptCode {
  /** Undefined after the first run, which stores none. */
  code: Buffer | undefined;
}

/**
 * Reads compiled code. It is trusted like the program itself, so it must belong to us: `sudo` may keep another user's HOME.
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
    // the home folder is not writable: the next start is as slow as this one
  }
}

function start(): void {
  setSurroundings({ ...NO_SURROUNDINGS, env: process.env });
  const kept = readCode();
  const cachedData = kept?.code;
  const source = readFileSync(BUNDLE, 'latin1'); // ASCII: a function expression with the parameters of a module
  const script = new Script(source, {
    filename: BUNDLE,
    ...(cachedData && { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected === true) {
    // The first run does more than later ones, such as making a root filesystem. Its code would slow down all of them.
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
