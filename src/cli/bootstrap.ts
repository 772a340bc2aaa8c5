import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { Script } from 'node:vm';

/**
 * The script that Node starts. It runs the modules of the bundle foster-cli.cjs (scripts/command-bundle.mjs) that the command
 * uses. Earlier runs of the same command have left them in one file, as text and as V8 has compiled them; this more than
 * halves the time of a start without Node's own. A module that is not in there is read from the bundle.
 *
 * It takes two or three runs until the file is complete: one leaves the modules that it has used, and a later one that needs no
 * others leaves them with the compiled code. Node's own compile cache needs Node 22, and stores nothing when the process becomes
 * another program instead of exiting.
 *
 * This file is compiled at each start, so it is short and imports little; what seldom runs is in functions of its own.
 */

declare global {
  /** Set if the modules of this run must be stored: called when everything that the command needs has been compiled. */
  var fosterKeepCode: (() => void) | undefined;
  /** Identifies the content of foster-cli.cjs. The build inserts it: 32 hexadecimal digits. */
  const FOSTER_BUNDLE_ID: string;
}

type Require = (name: string | number) => unknown;

type ModuleFunction = (exports: object, require: Require, module: object, __dirname: string) => void;

/** Where a module is in the bundle: its offset, its length, and the number of lines before it. */
type Place = readonly [start: number, length: number, line: number];

/** What an earlier run has left. */
interface Kept {
  /** The bundle without the modules that were not needed: a JavaScript array with holes. */
  source: string;
  /** `source` compiled; undefined after a run that was the first one to need these modules. */
  code: Buffer | undefined;
  /** How often modules have been added. */
  growth: number;
}

const BUNDLE = `${__dirname}/foster-cli.cjs`;

/** The file begins with the id, the lengths of the code and of the source, and the growth; it ends with the id. */
const HEADER = 64;

/** How often modules are added. Each time, the code is compiled again in the next run. */
const MOST_GROWTH = 8;

/** A file for each command, because commands use different modules; undefined if there is no folder for it. */
function keptFile(): string | undefined {
  const { HOME, XDG_CACHE_HOME } = process.env;
  const isPath = (path: string | undefined) => path?.startsWith('/') === true;
  const cache = isPath(XDG_CACHE_HOME) ? XDG_CACHE_HOME : isPath(HOME) ? `${HOME}/.cache` : undefined;
  const word = process.argv[2] ?? '';
  // it must start even if the folder is on a file system that does not answer, and changes nothing
  if (word === 'doctor') return undefined;
  return cache && `${cache}/foster/code/${process.arch}-${/^[a-z]{1,16}$/.test(word) ? word : 'other'}`;
}

/**
 * Reads what an earlier run has left. It is trusted like the program itself, so it must belong to us: `sudo` may keep another
 * user's HOME.
 */
function readKept(path: string | undefined): Kept | undefined {
  if (path === undefined) return undefined;
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { uid, mode, size } = fstatSync(file);
    if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return undefined;
    const content = Buffer.allocUnsafeSlow(size);
    readSync(file, content);
    const [id, code, source, growth] = content.toString('latin1', 0, HEADER).split(' ');
    const start = HEADER + Number(code);
    const end = start + Number(source);
    if (id !== FOSTER_BUNDLE_ID || content.toString('latin1', end) !== id) return undefined;
    return {
      source: content.toString('latin1', start, end),
      code: start === HEADER ? undefined : content.subarray(HEADER, start),
      growth: Number(growth),
    };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function writeKept(path: string, { source, code = Buffer.alloc(0), growth }: Kept): void {
  try {
    const fresh = `${path}.${process.pid}`;
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true, mode: 0o700 });
    const header = `${FOSTER_BUNDLE_ID} ${code.length} ${source.length} ${growth} `.padEnd(HEADER);
    const content = [Buffer.from(header), code, Buffer.from(source), Buffer.from(FOSTER_BUNDLE_ID)];
    writeFileSync(fresh, Buffer.concat(content), { mode: 0o600 });
    renameSync(fresh, path);
  } catch {
    // the home folder is not writable: the next start is as slow as this one
  }
}

/** The bundle, for modules that no earlier run of this command has used. */
class Bundle {
  readonly #text = readFileSync(BUNDLE, 'latin1'); // ASCII
  readonly #places: readonly Place[] = JSON.parse(readFileSync(`${__dirname}/foster-cli.json`, 'utf8'));

  textOf(number: number): string {
    const [start, length] = this.#places[number] as Place;
    return this.#text.slice(start, start + length);
  }

  compile(number: number): ModuleFunction {
    const lineOffset = (this.#places[number] as Place)[2];
    const script = new Script(`(${this.textOf(number)})`, { filename: BUNDLE, lineOffset, columnOffset: -1 });
    return script.runInThisContext();
  }

  /** Some modules, each in the lines where it is in the bundle, as stack traces name them. */
  arrayOf(isIncluded: (number: number) => boolean): string {
    const texts = this.#places.map((_, number) => {
      const text = this.textOf(number);
      return `${isIncluded(number) ? text : text.replace(/[^\n]+/g, '')},\n`;
    });
    return `[\n${texts.join('')}]`;
  }
}

function start(): void {
  const path = keptFile();
  const kept = readKept(path);
  const cachedData = kept?.code;
  const script = kept && new Script(kept.source, { filename: BUNDLE, ...(cachedData && { cachedData }) });
  const functions: (ModuleFunction | undefined)[] = script?.runInThisContext() ?? [];
  const own: { exports: object }[] = [];
  const others = new Map<string, unknown>();
  let bundle: Bundle | undefined;
  function load(name: string | number): unknown {
    if (typeof name === 'string') {
      const other = others.get(name) ?? require(name);
      others.set(name, other);
      return other;
    }
    const known = own[name];
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    own[name] = module;
    try {
      let make = functions[name];
      if (make === undefined) {
        bundle ??= new Bundle();
        make = bundle.compile(name);
      }
      make(module.exports, load, module, __dirname);
    } catch (error) {
      delete own[name]; // whoever imports it next gets the error, too
      throw error;
    }
    return module.exports;
  }
  /** Stores what this run has used beside what is kept already. */
  function keep(): void {
    if (path === undefined) return;
    if (kept === undefined || script === undefined)
      // The first run does more than later ones, such as making a root filesystem. Its modules would slow down all of them.
      writeKept(path, { source: '[]', code: undefined, growth: 0 });
    else if (bundle !== undefined && kept.growth < MOST_GROWTH) {
      const source = bundle.arrayOf((number) => own[number] !== undefined || functions[number] !== undefined);
      writeKept(path, { source, code: undefined, growth: kept.growth + 1 });
    } else if (script.cachedDataRejected !== false)
      writeKept(path, { ...kept, code: script.createCachedData() });
  }
  globalThis.fosterKeepCode = keep;
  process.once('exit', (code) => {
    if (code < 125) keep();
  });
  load(0);
}

start();
