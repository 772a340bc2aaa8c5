/**
 * The bundle of the command: dist/foster-cli.cjs, an array of functions, one for each CommonJS module, and
 * dist/foster-cli.json, which says where each of them is. src/cli/bootstrap.ts reads and compiles only the modules that a
 * command uses. A module is imported when one of its exports is first used, and not where the `import` is: half of the
 * modules that a module imports are for options that were not given and for errors that did not happen.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The functions of the package tslib that tsc's CommonJS calls. They can be simple, because tsc has checked all imports. */
const TSLIB = `
// the default of a package that is CommonJS is the package itself
exports.__importStar = (module) => (module.__esModule ? module : { __proto__: module, default: module });`;

/** What tsc makes of an import. Its names end with a number, and are nowhere else. */
const IMPORT = /^const (\w+_\d+) = (tslib_\d+\.__importDefault\()?(require\("[^"]+"\))\)?;$/gm;

/** What tsc makes of `import('./module.js')`. */
const OWN_IMPORT = /tslib_\d+\.__importStar\((require\("\.[^"]+"\))\)/g;

const REQUIRE = /\brequire\((["'])([^"']+)\1\)/g;

/** Makes every use of an import's name an expression that imports. */
function importLate(code) {
  const imports = new Map();
  const rest = code.replace(OWN_IMPORT, '$1').replace(IMPORT, (_, name, isDefault, call) => {
    imports.set(name, isDefault ? `{ default: ${call} }` : call);
    return '';
  });
  if (imports.size === 0) return rest;
  const late = rest.replace(/(?<![\w$]|(?<!\.\.)\.)\w+_\d+\b/g, (name) =>
    imports.has(name) ? `(${name} ??= ${imports.get(name)})` : name,
  );
  return `var ${[...imports.keys()].join(', ')};\n${late}`;
}

/** Collects the modules that `entry` needs, with numbers instead of the names in their calls of `require`. */
class Modules {
  #root;
  #replaced;
  #seldomNeeded;
  /** Paths, in the order of their numbers. */
  #paths = [];
  #numbers = new Map();

  constructor({ root, replaced, seldomNeeded }) {
    this.#root = root;
    this.#replaced = replaced;
    this.#seldomNeeded = seldomNeeded;
  }

  /** @returns the code of each module, by its number */
  collect(entry) {
    this.#numberOf(entry);
    const codes = [];
    for (let number = 0; number < this.#paths.length; number++) codes.push(this.#codeOf(this.#paths[number]));
    return codes;
  }

  #codeOf(path) {
    const own = this.#replaced(path) ?? (path === 'tslib' ? TSLIB : readFileSync(path, 'utf8'));
    return importLate(own).replace(REQUIRE, (_, quote, name) => this.#requireOf(path, name, quote));
  }

  #requireOf(importer, name, quote) {
    // commander's modules for programs of their own (2 ms), which foster has none of, and a name for a global variable
    if (name === 'node:child_process' && importer.includes('/commander/')) return '{}';
    if (name === 'node:process') return 'globalThis.process';
    if (this.#seldomNeeded.has(name)) return `require(${quote}./${this.#seldomNeeded.get(name)}${quote})`;
    const path = this.#resolve(importer, name);
    return path === undefined ? `require(${quote}${name}${quote})` : `require(${this.#numberOf(path)})`;
  }

  #resolve(importer, name) {
    if (name === 'tslib') return name;
    if (name === 'commander') return join(this.#root, 'node_modules/commander/index.js');
    if (!name.startsWith('.')) return undefined;
    const path = join(dirname(importer), name);
    const found = [path, `${path}.js`].find((one) => existsSync(one));
    if (found === undefined) throw new Error(`${importer} imports ${name}, which does not exist`);
    return found;
  }

  #numberOf(path) {
    let number = this.#numbers.get(path);
    if (number === undefined) {
      number = this.#paths.length;
      this.#numbers.set(path, number);
      this.#paths.push(path);
    }
    return number;
  }
}

/**
 * Without comments and indentation, which are half of the text. Names are unchanged and lines are short, for the stack traces
 * of --debug. It is ASCII, because bytes are read faster than characters; esbuild leaves others only in regular expressions.
 */
async function shortened(code, transform) {
  const options = { minifyWhitespace: true, minifySyntax: true, lineLimit: 120, target: 'node20' };
  const short = (await transform(code, options)).code.trimEnd();
  return short.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Writes both files into `folder`.
 * @param entry the path of the first module, CommonJS by tsc
 * @param replaced gives the code of a module that is not to be read from its file, by its path
 * @param seldomNeeded packages that have files of their own, and their names
 * @param transform esbuild's, which may not be installed where this file is read
 * @returns what identifies the bundle
 */
export async function writeCommandBundle(entry, folder, { root, replaced, seldomNeeded, transform }) {
  const codes = new Modules({ root, replaced, seldomNeeded }).collect(entry);
  const texts = await Promise.all(codes.map((code) => shortened(code, transform)));
  const places = [];
  let bundle = '[\n';
  let line = 1;
  for (const text of texts) {
    const whole = `function(exports,require,module,__dirname){${text}}`;
    places.push([bundle.length, whole.length, line]);
    bundle += `${whole},\n`;
    line += whole.split('\n').length;
  }
  bundle += ']\n';
  writeFileSync(join(folder, 'foster-cli.cjs'), bundle);
  writeFileSync(join(folder, 'foster-cli.json'), JSON.stringify(places));
  return createHash('sha256').update(bundle).digest('hex').slice(0, 32);
}
