import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  realpathSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TreeRecipe } from '../src/image/rootfs/recipe.js';
import { FosterError } from '../src/sys/errors.js';
import { surroundings } from '../src/sys/surroundings.js';
import { interpreterOf } from './elf.js';
import { HOST_COMMANDS, REQUIRED_COMMAND, TERMINALS } from './host-contents.js';
import { makeDirectory, writeSkeleton } from './skeleton.js';

/** Increase this with each change of the result of `build`. */
const VERSION = 2;

const COMMAND_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];

/** Links in the root directory, such as /lib -> usr/lib, are created as on the machine. */
const TOP_LINKS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** Any update of a program or library changes one of these, since package managers rename new files into place. */
const WATCHED = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/etc/ld.so.cache'];

/** The machine's everyday programs with their libraries, for machines without busybox. */
export const recipe: TreeRecipe = {
  name: 'host',
  description: 'the shell and the everyday programs of this machine',
  produces: 'tree',

  fingerprint() {
    const newest = WATCHED.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    return `${VERSION}-${Math.floor(Math.max(...newest))}`;
  },

  async build(tree) {
    const { execFileSync } = await import('node:child_process'); // milliseconds to load
    for (const name of TOP_LINKS) {
      const link = lstatSync(`/${name}`, { throwIfNoEntry: false });
      if (link?.isSymbolicLink()) symlinkSync(targetFromTop(`/${name}`), join(tree, name));
    }
    writeSkeleton(tree, 'host');
    const copied = new Set<string>();
    const libraries = new Set<string>();
    for (const name of HOST_COMMANDS) {
      const path = findCommand(name);
      if (path === undefined) continue;
      const real = realpathSync(path);
      copyOnce(real, tree, copied);
      const place = join(tree, realpathSync(dirname(path)), name);
      if (!existsSync(place)) {
        makeDirectory(dirname(place));
        symlinkSync(real, place);
      }
      for (const library of librariesOf(real, execFileSync)) libraries.add(library);
    }
    for (const library of [...libraries, ...nameServiceLibraries(libraries)]) copyAs(library, tree, copied);
    copyTerminals(tree);
    for (const path of ['/etc/ld.so.cache', '/etc/ld-musl-x86_64.path', '/etc/ld-musl-aarch64.path']) {
      if (existsSync(path)) copyOnce(path, tree, copied, 0o644);
    }
    copyFolder('/usr/lib/locale/C.utf8', tree);
  },
};

/** The target of a link, relative to the top: an absolute one would lead out of the tree while it is filled. */
function targetFromTop(link: string): string {
  return realpathSync(link).slice(1);
}

function findCommand(name: string): string | undefined {
  const found = COMMAND_FOLDERS.map((folder) => `${folder}/${name}`).find((path) =>
    statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
  if (found === undefined && name === REQUIRED_COMMAND) {
    throw new FosterError(`cannot build the host root filesystem: ${name} is not installed`, {
      advice: 'use "busybox", or a directory or tar file of your own',
    });
  }
  return found;
}

type Execute = typeof import('node:child_process').execFileSync;

/** The libraries that the dynamic loader would load: ld.so(8), --list. */
function librariesOf(program: string, execFileSync: Execute): string[] {
  const loader = interpreterOf(program);
  if (loader === undefined) return []; // a script, or static
  let listed: string;
  try {
    listed = execFileSync(loader, ['--list', program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {},
    });
  } catch {
    return []; // a library of it is missing here too
  }
  const paths = [...listed.matchAll(/(?:=>|^)\s*(\/\S+) \(0x/gm)].map((match) => match[1] ?? '');
  return [loader, ...paths];
}

/** glibc loads these by name for looking up users and hosts: nss(5). */
function nameServiceLibraries(libraries: ReadonlySet<string>): string[] {
  const libc = [...libraries].find((path) => basename(path).startsWith('libc.so'));
  if (libc === undefined) return [];
  return ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2']
    .map((name) => join(dirname(libc), name))
    .filter((path) => existsSync(path));
}

/** Copies a file under the given name, which may be that of a symbolic link. */
function copyAs(path: string, tree: string, copied: Set<string>): void {
  const place = join(realpathSync(dirname(path)), basename(path));
  const real = realpathSync(path);
  copyOnce(real, tree, copied);
  const link = join(tree, place);
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) return;
  makeDirectory(dirname(link));
  symlinkSync(dirname(real) === dirname(place) ? basename(real) : real, link);
}

/** Set-user-ID bits are not copied. */
function copyOnce(path: string, tree: string, copied: Set<string>, mode = 0o755): void {
  if (copied.has(path)) return;
  copied.add(path);
  const target = join(tree, path);
  makeDirectory(dirname(target));
  copyFileSync(path, target, constants.COPYFILE_FICLONE);
  chmodSync(target, mode);
}

function copyTerminals(tree: string): void {
  for (const folder of ['/usr/share/terminfo', '/lib/terminfo', '/etc/terminfo']) {
    for (const name of new Set([...TERMINALS, surroundings().env.TERM ?? ''])) {
      if (!/^[\w.+-]+$/.test(name)) continue;
      const path = join(folder, name.charAt(0), name);
      if (existsSync(path)) copyPlain(path, join(tree, '/usr/share/terminfo', name.charAt(0), name));
    }
  }
}

function copyFolder(folder: string, tree: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) copyFolder(path, tree);
    else copyPlain(path, join(tree, path));
  }
}

function copyPlain(path: string, target: string): void {
  makeDirectory(dirname(target));
  copyFileSync(realpathSync(path), target, constants.COPYFILE_FICLONE);
  chmodSync(target, 0o644);
}
