#!/usr/bin/env node
/**
 * Builds dist/: the command `foster`, a bundle for each program in TypeScript, and a folder for each architecture
 * with foster-init and foster-entry.so. With --pack, for `npm pack`, it also reports missing binaries, generates the
 * types of the library (--types only adds these), and omits the fault points for tests (src/sys/fault.ts).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In a fresh clone there is nothing yet to build with. */
const { build } = await import('esbuild').catch(() => {
  console.error('build: the dependencies are not installed: run make build, which installs them and builds');
  process.exit(1);
});

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');
const IS_PACKAGE = process.argv.includes('--pack');

/** For each architecture, by Node's name: compilers in the order of preference, and the page size for the file layout. */
const TARGETS = {
  x64: { compilers: ['x86_64-linux-gnu-gcc'], pageSize: 4096 },
  arm64: { compilers: ['aarch64-linux-gnu-gcc'], pageSize: 65536 },
};

// A loop that fills memory must not become a call of memset where it is memset (tree-loop-distribute-patterns).
const C_FLAGS =
  '-std=gnu11 -Os -Wall -Wextra -Wconversion -Werror -ffreestanding -nostdlib -fno-stack-protector -fcf-protection=none ' +
  '-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-tree-loop-distribute-patterns -fno-ident ' +
  '-ffunction-sections -fdata-sections -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack ' +
  // constants in the segment of the code: a page less to map, and the file is no larger than its content, wherever a page ends
  '-Wl,-z,noseparate-code -Wl,-z,common-page-size=16 -Wl,-z,norelro -s';
const INIT_FLAGS = '-static -fno-pie -no-pie';
const ENTRY_FLAGS = '-shared -fPIC -fvisibility=hidden';
/** Options for both foster-init and foster-entry.so. */
const SHARED = ['program.c', 'launcher.c', 'inside.c', 'cgroup.c', 'check.c', 'libc.c'];

function words(text) {
  return text.split(' ');
}

function isPresent(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

function compilerFor(arch) {
  const own = arch === process.arch ? [process.env.CC, 'gcc', 'cc'] : [];
  return [...own, ...TARGETS[arch].compilers].find((program) => program && isPresent(program));
}

/** Compiles to a temporary file first, because a container may be starting from the old one. */
function compile(compiler, arch, flags, sources, name) {
  const output = join(DIST, arch, name);
  const fresh = `${output}.${process.pid}`;
  const { pageSize } = TARGETS[arch];
  const args = [
    ...words(C_FLAGS),
    `-Wl,-z,max-page-size=${pageSize}`,
    ...words(flags),
    '-o',
    fresh,
    ...sources,
  ];
  const { status, error } = spawnSync(compiler, args, { stdio: 'inherit', cwd: ROOT });
  if (error || status !== 0) {
    rmSync(fresh, { force: true });
    throw new Error(`${compiler} could not compile ${name} for ${arch}`);
  }
  renameSync(fresh, output);
}

/** Returns whether dist/ has the binaries of `arch` afterwards. */
function buildNative(arch) {
  const folder = join('src', 'init');
  const sources = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.c') && name !== 'entry.c');
  const compiler = compilerFor(arch);
  if (compiler === undefined) return existsSync(join(DIST, arch, 'foster-init'));
  mkdirSync(join(DIST, arch), { recursive: true });
  compile(
    compiler,
    arch,
    INIT_FLAGS,
    sources.map((name) => join(folder, name)),
    'foster-init',
  );
  compile(
    compiler,
    arch,
    ENTRY_FLAGS,
    ['entry.c', ...SHARED].map((name) => join(folder, name)),
    'foster-entry.so',
  );
  return true;
}

/** Where to find each bundle's main file: the library's in src/engine, NAME-main's in a file NAME-main.ts anywhere. */
function entryPoints() {
  const entries = { library: 'src/engine/index.ts' };
  for (const path of readdirSync(join(ROOT, 'src'), { recursive: true })) {
    if (path.endsWith('-main.ts')) entries[basename(path, '.ts')] = join('src', path);
  }
  return entries;
}

/** commander loads child_process (2 ms) for commands that are programs of their own; foster has none. */
const WITHOUT_CHILD_PROCESS = {
  name: 'without-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'nothing', namespace: 'nothing' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'nothing' }, () => ({ contents: '' }));
  },
};

/** Packages that few commands need. They are in bundles of their own, so that a start does not read them. */
const SELDOM_NEEDED = ['cli-progress', 'https-proxy-agent', 'tar'];

const packageBundle = (name) => `package-${name}`;

const WITHOUT_SELDOM_NEEDED = {
  name: 'without-seldom-needed',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${SELDOM_NEEDED.join('|')})$`) }, ({ path }) => ({
      path: `./${packageBundle(path)}.cjs`,
      external: true,
    }));
  },
};

/** Fault injection for tests: not in packages. */
const WITHOUT_FAULT_POINTS = {
  name: 'without-fault-points',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/sys\/fault\.[jt]s$/ }, () => ({ contents: 'export function faultPoint() {}' }));
  },
};

const PLUGINS = IS_PACKAGE ? [WITHOUT_CHILD_PROCESS, WITHOUT_FAULT_POINTS] : [WITHOUT_CHILD_PROCESS];

/**
 * CommonJS starts faster than ES modules do. A module that is imported by `import()` is in the same file, but runs only
 * when it is asked for. Names are left as they are and lines are short, for the stack traces of --debug.
 */
function bundle(entries, options = {}) {
  return build({
    absWorkingDir: ROOT,
    entryPoints: entries,
    outdir: DIST,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': false },
    external: ['koffi', '@koromix/*'],
    plugins: PLUGINS,
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
  });
}

/** All that tsc's CommonJS needs of the package tslib, given that each module's imports are known to be right. */
const TSLIB = `
// the default of a package that is CommonJS is the package itself
exports.__importStar = (module) => (module.__esModule ? module : { __proto__: module, default: module });
exports.__importDefault = (module) => ({ default: module });`;

const WITHOUT_TSLIB = {
  name: 'without-tslib',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^tslib$/ }, () => ({ path: 'tslib', namespace: 'tslib' }));
    onLoad({ filter: /./, namespace: 'tslib' }, () => ({ contents: TSLIB }));
  },
};

/**
 * src/cli/bootstrap.ts compiles the main bundle by itself; wrapped there, its text would have to be copied. Comments and
 * indentation, half of it, would take a start half a millisecond to read.
 */
const AS_FUNCTION = {
  minifyWhitespace: true,
  minifySyntax: true,
  plugins: [...PLUGINS, WITHOUT_SELDOM_NEEDED, WITHOUT_TSLIB],
  lineLimit: 120,
  banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
  footer: { js: '})' },
};

function runTsc(args, failure) {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { status, error } = spawnSync(tsc, args, { stdio: 'inherit', cwd: ROOT });
  if (error || status !== 0) throw new Error(failure);
}

/**
 * The bundle of the command, made of CommonJS modules. A module of that kind is a function, so all that V8 has to know
 * of one that a command does not need is that function; esbuild would put those of ES modules side by side, and 7,000
 * functions and variables be made at every start, which takes 5 ms.
 */
async function buildCommandBundle() {
  const folder = join(ROOT, 'build', 'commonjs');
  runTsc(['-p', 'scripts/commonjs.tsconfig.json', '--outDir', folder], 'the command could not be compiled');
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
  await bundle({ 'foster-cli': join(folder, 'src/cli/main.js') }, AS_FUNCTION);
  const id = createHash('sha256')
    .update(readFileSync(join(DIST, 'foster-cli.cjs')))
    .digest('hex')
    .slice(0, 32);
  await bundle({ foster: 'src/cli/bootstrap.ts' }, { define: { FOSTER_BUNDLE_ID: JSON.stringify(id) } });
}

async function buildBundles() {
  const packages = Object.fromEntries(SELDOM_NEEDED.map((name) => [packageBundle(name), name]));
  await Promise.all([buildCommandBundle(), bundle({ ...entryPoints(), ...packages })]);
}

/**
 * The command: foster.cjs, which a shell can execute too. For a shell the first word is `:`, for JavaScript the line is
 * a string and a comment. So Node can be started without the certificates of NODE_EXTRA_CA_CERTS, which take it longer
 * to read than all else together; src/cli/main.ts gives the variable back. It is Node that follows the symbolic links
 * which a command is installed as: a readlink(1) would take 2 ms.
 */
const SHELL_HEAD = `#!/bin/sh
':' //; if [ "\${NODE_EXTRA_CA_CERTS+set}" ]; then export FOSTER_NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"; \
unset NODE_EXTRA_CA_CERTS; fi; exec node -- "$0" "$@"
`;

/** The library for `import`: re-exports the bundle for `require`, so that it is loaded only once. */
const LIBRARY = `import library from './library.cjs';

export const { Foster, FosterError } = library;
`;

/** Types of the library: only the declarations that src/engine/index.ts needs. */
function buildTypes() {
  const folder = join(DIST, `types.${process.pid}`);
  runTsc(
    ['-p', 'scripts/library.tsconfig.json', '--outDir', folder],
    'the types of the library could not be generated',
  );
  const types = join(DIST, 'types');
  rmSync(types, { recursive: true, force: true });
  const keep = (path) => {
    const target = join(types, path);
    if (existsSync(target)) return;
    const text = readFileSync(join(folder, path), 'utf8');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    for (const [, name] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g))
      keep(join(dirname(path), name).replace(/\.js$/, '.d.ts'));
  };
  keep('src/engine/index.d.ts');
  rmSync(folder, { recursive: true });
}

function buildCommand() {
  // Without an extension, what a file is depends on the package.json above it.
  writeFileSync(join(DIST, 'package.json'), '{ "type": "commonjs" }\n');
  const fresh = join(DIST, `foster.${process.pid}`);
  writeFileSync(fresh, SHELL_HEAD + readFileSync(join(DIST, 'foster.cjs'), 'utf8'), { mode: 0o755 });
  renameSync(fresh, join(DIST, 'foster'));
}

async function main() {
  mkdirSync(DIST, { recursive: true });
  const missing = Object.keys(TARGETS).filter((arch) => !buildNative(arch));
  if (missing.includes(process.arch)) throw new Error('no C compiler found: install gcc and libc6-dev');
  if (IS_PACKAGE && missing.length > 0) {
    console.error(
      `WARNING: the package will not run on ${missing.join(', ')}, because there is no cross compiler`,
    );
    console.error('  (Debian: gcc-aarch64-linux-gnu, gcc-x86-64-linux-gnu)');
  }
  await buildBundles();
  writeFileSync(join(DIST, 'library.mjs'), LIBRARY);
  buildCommand();
  if (IS_PACKAGE || process.argv.includes('--types')) buildTypes();
}

main().catch((error) => {
  console.error(`build: ${error.message}`);
  process.exit(1);
});
