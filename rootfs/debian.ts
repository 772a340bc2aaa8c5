import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchiveRecipe } from '../src/image/rootfs/recipe.js';
import { FosterError } from '../src/sys/errors.js';
import { surroundings } from '../src/sys/surroundings.js';

/** Increase this with each change of the result of `build`. */
const VERSION = 1;

const FALLBACK = { mirror: 'http://deb.debian.org/debian', suite: 'stable' };

/** A minimal Debian, from the mirror and release that this machine uses. */
export const recipe: ArchiveRecipe = {
  name: 'debian',
  description: 'a minimal Debian (mmdebstrap or debootstrap)',
  produces: 'tar',

  fingerprint() {
    return `${VERSION}-${debianSource().suite}`;
  },

  async build(scratch, onInterrupt) {
    const { mirror, suite } = debianSource();
    const archive = join(scratch, 'debian.tar');
    const command = bootstrapCommand(suite, mirror, scratch, archive);
    surroundings().progress(
      `foster: ${command[0]} builds a Debian ${suite} from ${mirror}, which takes about a minute`,
    );
    await run(command, onInterrupt);
    return archive;
  },
};

/** The first Debian mirror in this machine's apt sources. */
export function debianSource(folder = '/etc/apt'): { mirror: string; suite: string } {
  const files = [join(folder, 'sources.list')];
  try {
    const more = readdirSync(join(folder, 'sources.list.d')).sort();
    files.push(...more.map((name) => join(folder, 'sources.list.d', name)));
  } catch {
    // not every machine has this folder, or is a Debian
  }
  for (const file of files) {
    const found = parseSources(readOrEmpty(file));
    if (found !== undefined) return found;
  }
  return FALLBACK;
}

/** Parses both formats of sources.list(5); ignores security and backports suites. */
export function parseSources(text: string): { mirror: string; suite: string } | undefined {
  const line = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+\/debian\/?)\s+([a-z]+)\s/m.exec(text);
  if (line !== null) return { mirror: line[1] ?? '', suite: line[2] ?? '' };
  for (const stanza of text.split(/\n\s*\n/)) {
    const mirror = /^URIs:\s*(\S+\/debian\/?)(?:\s|$)/im.exec(stanza)?.[1];
    const suite = /^Suites:\s*([a-z]+)(?:\s|$)/im.exec(stanza)?.[1];
    if (mirror !== undefined && suite !== undefined) return { mirror, suite };
  }
  return undefined;
}

function bootstrapCommand(suite: string, mirror: string, scratch: string, archive: string): string[] {
  const isRoot = process.getuid?.() === 0;
  if (isInstalled('mmdebstrap')) {
    const mode = isRoot ? 'root' : 'unshare';
    return ['mmdebstrap', '--quiet', '--variant=minbase', `--mode=${mode}`, suite, archive, mirror];
  }
  if (!isInstalled('debootstrap')) {
    throw new FosterError('cannot build the debian root filesystem: mmdebstrap is not installed', {
      advice: 'apt-get install mmdebstrap',
    });
  }
  if (!isRoot) {
    throw new FosterError('cannot build the debian root filesystem: debootstrap must be run by root', {
      advice: 'use mmdebstrap, which does not need root: apt-get install mmdebstrap',
    });
  }
  const tree = join(scratch, 'debootstrap');
  // The shell gets the paths as arguments $1 ..., never as part of the script.
  const script =
    'debootstrap --variant=minbase "$1" "$2" "$3" >&2 && tar -C "$2" --numeric-owner -cf "$4" . && rm -rf "$2"';
  return ['sh', '-c', script, 'sh', suite, tree, mirror, archive];
}

async function run(command: string[], onInterrupt: (callback: () => void) => void): Promise<void> {
  const { spawn } = await import('node:child_process');
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...surroundings().env } });
  onInterrupt(() => child.kill('SIGTERM')); // it cleans up after itself
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    said = (said + piece).slice(-10_000);
  });
  const code = await new Promise<number | null>((done, fail) => {
    child.on('error', fail);
    child.on('close', done);
  });
  if (code === 0) return;
  const lines = said.trim().split('\n');
  const why = lines.findLast((line) => /^[EW]:|error/i.test(line)) ?? lines.at(-1) ?? '';
  throw new FosterError(
    `cannot build the debian root filesystem: ${why.trim() || `${file} ended with ${code}`}`,
    {
      advice: 'check the mirror in /etc/apt/sources.list',
    },
  );
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isInstalled(program: string): boolean {
  return ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
