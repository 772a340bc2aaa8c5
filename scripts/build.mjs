#!/usr/bin/env node
/**
 * Builds dist/: the command `foster`, a bundle for each program in TypeScript, and a folder for each architecture
 * with foster-init and foster-entry.so, and manual pages. With --pack, for `npm pack`, it also reports missing binaries, generates the
 * types of the library (--types only adds these), and omits the fault points for tests (src/sys/fault.ts).
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { writeCommandBundle } from './command-bundle.mjs';
import { compilePrograms, ROOT } from './compile-c.mjs';
import { writeManPages } from './man-pages.mjs';

/** What needs packages: they are missing in a fresh clone, and some of them where an older version was built. */
const [{ build, transform }, { SCHEMA_MODULES, schemaFile }] = await Promise.all([
  import('esbuild'),
  import('./schemas.mjs'),
]).catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('build: the dependencies are not installed: run make build, which installs them and builds');
  process.exit(1);
});

const DIST = join(ROOT, 'dist');
/** What only the build and the tests need. */
const BUILD = join(ROOT, 'build');
const IS_PACKAGE = process.argv.includes('--pack');

/** For each architecture, by Node's name: compilers in the order of preference, and the page size for the file layout. */
const TARGETS = {
  x64: { compilers: ['x86_64-linux-gnu-gcc'], pageSize: 4096 },
  arm64: { compilers: ['aarch64-linux-gnu-gcc'], pageSize: 65536 },
};

// tree-loop-distribute-patterns would turn the loop in our own memset into a call of memset.
const C_FLAGS =
  '-std=gnu11 -Os -Wall -Wextra -Wconversion -Werror -ffreestanding -nostdlib -fno-stack-protector -fcf-protection=none ' +
  '-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-tree-loop-distribute-patterns -fno-ident ' +
  '-ffunction-sections -fdata-sections -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack ' +
  // Constants share a segment with the code: that saves a page, and the file is not padded to the end of a page.
  '-Wl,-z,noseparate-code -Wl,-z,common-page-size=16 -Wl,-z,norelro -s ' +
  // What is aligned most comes first, without gaps.
  '-Wl,--sort-section=alignment';
const INIT_FLAGS = '-static -fno-pie -no-pie';
const ENTRY_FLAGS = '-shared -fPIC -fvisibility=hidden';
/** What is linked into both foster-init and foster-entry.so, and into both foster-init and the front. */
const SHARED = ['program.c', 'launcher.c', 'inside.c', 'cgroup.c', 'check.c', 'libc.c'];
const SHARED_WITH_FRONT = [...SHARED, 'process-stat.c', 'clock.c', 'line.c', 'remove.c'];

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

/** Returns whether dist/ has the binaries of `arch` afterwards. */
async function buildNative(arch) {
  const folder = join('src', 'init');
  const sources = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.c') && name !== 'entry.c');
  const front = readdirSync(join(ROOT, folder, 'front')).filter((name) => name.endsWith('.c'));
  const compiler = compilerFor(arch);
  if (compiler === undefined) return existsSync(join(DIST, arch, 'foster-init'));
  mkdirSync(join(DIST, arch), { recursive: true });
  const { pageSize } = TARGETS[arch];
  const program = (name, kind, files, define = {}) => ({
    output: join(DIST, arch, name),
    flags: [...words(C_FLAGS), `-Wl,-z,max-page-size=${pageSize}`, ...words(kind)],
    sources: files.map((file) => join(folder, file)),
    define,
  });
  const ofFront = [...front.map((name) => join('front', name)), ...SHARED_WITH_FRONT];
  const faults = { [join(folder, 'front', 'fault.c')]: ['-DFOSTER_FAULTS'] };
  await compilePrograms(compiler, [
    program('foster-init', INIT_FLAGS, sources),
    program('foster', INIT_FLAGS, ofFront, IS_PACKAGE ? {} : faults),
    program('foster-entry.so', ENTRY_FLAGS, ['entry.c', ...SHARED]),
  ]).catch((error) => {
    throw new Error(`${compiler} could not compile src/init for ${arch}:\n${error.stderr ?? error.message}`);
  });
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

/** Packages that few commands need. They are in bundles of their own, so that a start does not read them. */
const SELDOM_NEEDED = ['cli-progress', 'https-proxy-agent', 'tar', 'yaml', ...SCHEMA_MODULES];

const packageBundle = (name) => `package-${name}`;

/** Fault injection for tests: not in packages. */
const WITHOUT_FAULT_POINTS = {
  name: 'without-fault-points',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/sys\/fault\.[jt]s$/ }, () => ({ contents: 'export function faultPoint() {}' }));
  },
};

/** Schemas have bundles of their own for the library, too, which are large. */
const WITH_SCHEMA_BUNDLES = {
  name: 'with-schema-bundles',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${SCHEMA_MODULES.join('|')})$`) }, ({ path }) => ({
      path: `./${packageBundle(path)}.cjs`,
      external: true,
    }));
  },
};

const PLUGINS = [WITH_SCHEMA_BUNDLES, ...(IS_PACKAGE ? [WITHOUT_FAULT_POINTS] : [])];

/**
 * CommonJS starts faster than ES modules. A module that is imported by `import()` is in the same file, but runs only when it
 * is imported. Names are unchanged and lines are short, for the stack traces of --debug.
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

function runTsc(args, failure) {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { status, error } = spawnSync(tsc, args, { stdio: 'inherit', cwd: ROOT });
  if (error || status !== 0) throw new Error(failure);
}

/**
 * The bundle of the command, made of CommonJS modules. esbuild puts the content of ES modules side by side instead: then every
 * start makes 7,000 functions and variables, which takes 5 ms.
 */
async function buildCommandBundle() {
  const folder = join(BUILD, 'commonjs');
  runTsc(['-p', 'scripts/commonjs.tsconfig.json', '--outDir', folder], 'the command could not be compiled');
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
  const id = await writeCommandBundle(join(folder, 'src/cli/main.js'), DIST, {
    root: ROOT,
    replaced: (path) =>
      IS_PACKAGE && path.endsWith('/src/sys/fault.js') ? 'exports.faultPoint = () => {};' : undefined,
    seldomNeeded: new Map(SELDOM_NEEDED.map((name) => [name, `${packageBundle(name)}.cjs`])),
    transform,
  });
  await bundle(
    { foster: 'src/cli/bootstrap.ts' },
    { define: { FOSTER_BUNDLE_ID: JSON.stringify(id) }, minifyWhitespace: true, lineLimit: 120 },
  );
}

async function buildBundles() {
  const fileOf = (name) => (SCHEMA_MODULES.includes(name) ? schemaFile(name) : name);
  const packages = Object.fromEntries(SELDOM_NEEDED.map((name) => [packageBundle(name), fileOf(name)]));
  await Promise.all([
    buildCommandBundle(),
    bundle(entryPoints()),
    bundle(packages, { minifyWhitespace: true, minifySyntax: true }),
  ]);
}

/**
 * The command: foster.cjs behind a line that a shell can execute. For a shell its first word is `:`; for JavaScript the line
 * is a string and a comment. The shell starts Node without NODE_EXTRA_CA_CERTS, because reading these certificates takes
 * longer than everything else at a start. src/cli/main.ts restores the variable. An installed command is a symbolic link;
 * Node follows it, because readlink(1) would take 2 ms.
 *
 * What the front may know goes there first: src/init/front. Its folder is beside this file, or where npm puts it for a link in
 * its folder of commands; `-ef` makes sure that it belongs to this very file. From Linux 6.1 on, nothing of this starts a
 * process. Only for a link that somebody else has made, readlink(1) finds the folder.
 */
const SHELL_HEAD = `#!/bin/sh
':' //; case "$1\${FOSTER_NO_FRONT+-}" in exec|run|start|kill|stop|restart|wait|rm|pod|--debug|-D) for d in "\${0%/*}" "\${0%/*}/../lib/node_modules/foster/dist" "\${0%/*}/../foster/dist" link; \
do if [ "$d" = link ]; then [ -h "$0" ] && d=$(readlink -f -- "$0") || break; d=\${d%/*}; fi; if [ "$d/foster" -ef "$0" ]; then { read -r a </proc/sys/kernel/arch; } 2>/dev/null || a=$(uname -m); case "$a" in x86_64) a=x64;; aarch64) a=arm64;; *) a=-;; esac; \
[ -x "$d/$a/foster" ] && exec "$d/$a/foster" "$@"; fi; done;; esac; \
if [ "\${NODE_EXTRA_CA_CERTS+set}" ]; then export FOSTER_NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"; \
unset NODE_EXTRA_CA_CERTS; fi; \
command -v node >/dev/null || { echo 'foster: cannot find node in PATH; install Node.js 20 or later' >&2; exit 127; }; exec node -- "$0" "$@"
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

/** Manual pages: package.json names their folder, and npm installs them with the command. */
async function buildManPages() {
  await bundle({ reference: 'src/cli/reference.ts' }, { outdir: BUILD, minifyWhitespace: true });
  const { commandReference } = createRequire(import.meta.url)(join(BUILD, 'reference.cjs'));
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  writeManPages(await commandReference(Number.POSITIVE_INFINITY), join(DIST, 'man', 'man1'), version);
}

/** The page of `foster view`, which it sends to browsers: no other command reads it. */
async function buildPage() {
  const [folder, target] = [join(ROOT, 'src/page'), join(DIST, 'view')];
  await build({
    entryPoints: [join(folder, 'page.ts'), join(folder, 'page.css')],
    outdir: target,
    bundle: true,
    format: 'iife',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  });
  copyFileSync(join(folder, 'page.html'), join(target, 'page.html'));
}

function buildCommand() {
  // For a file without an extension, the package.json above it says what kind of module it is.
  writeFileSync(join(DIST, 'package.json'), '{ "type": "commonjs" }\n');
  const fresh = join(DIST, `foster.${process.pid}`);
  writeFileSync(fresh, SHELL_HEAD + readFileSync(join(DIST, 'foster.cjs'), 'utf8'), { mode: 0o755 });
  renameSync(fresh, join(DIST, 'foster'));
}

async function main() {
  mkdirSync(DIST, { recursive: true });
  const missing = [];
  for (const arch of Object.keys(TARGETS)) if (!(await buildNative(arch))) missing.push(arch);
  if (missing.includes(process.arch)) throw new Error('no C compiler found: install gcc and libc6-dev');
  if (IS_PACKAGE && missing.length > 0) {
    console.error(
      `WARNING: the package will not run on ${missing.join(', ')}, because there is no cross compiler`,
    );
    console.error('  (Debian: gcc-aarch64-linux-gnu, gcc-x86-64-linux-gnu)');
  }
  await Promise.all([buildBundles(), buildPage()]);
  writeFileSync(join(DIST, 'library.mjs'), LIBRARY);
  buildCommand();
  await buildManPages();
  if (IS_PACKAGE || process.argv.includes('--types')) buildTypes();
}

main().catch((error) => {
  console.error(`build: ${error.message}`);
  process.exit(1);
});
