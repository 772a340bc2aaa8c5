import { lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { FosterError } from './errors.js';

/** Where foster keeps things: the XDG base directory specification, as the design says. */

/** Images, root file systems, containers: `$XDG_DATA_HOME/foster`. */
export function dataFolder(): string {
  const base = process.env.XDG_DATA_HOME;
  return join(base?.startsWith('/') ? base : join(homedir(), '.local/share'), 'foster');
}

let runtime: string | undefined;

/** What lives no longer than the machine's uptime: `$XDG_RUNTIME_DIR/foster`, or a folder of ours below /tmp. */
export function runtimeFolder(): string {
  if (runtime !== undefined) return runtime;
  const uid = process.getuid?.() ?? 0;
  const candidates = [process.env.XDG_RUNTIME_DIR, `/run/user/${uid}`];
  for (const candidate of candidates) {
    if (candidate?.startsWith('/') && isOwn(candidate, uid)) {
      runtime = join(candidate, 'foster');
      mkdirSync(runtime, { recursive: true, mode: 0o700 });
      return runtime;
    }
  }
  runtime = `/tmp/foster-${uid}`;
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  // Anybody may make a folder of that name in /tmp before us.
  if (!isOwn(runtime, uid, 0o077)) {
    throw new FosterError(`cannot use ${runtime}: it is not a folder that belongs to you alone`, {
      advice: 'set XDG_RUNTIME_DIR to a folder of your own with mode 0700',
    });
  }
  return runtime;
}

function isOwn(path: string, uid: number, forbidden = 0): boolean {
  try {
    const info = lstatSync(path);
    return info.isDirectory() && info.uid === uid && (info.mode & forbidden) === 0;
  } catch {
    return false;
  }
}

export function containerFolder(id: string): string {
  return join(dataFolder(), 'containers', id);
}

export function liveFolder(id: string): string {
  return join(runtimeFolder(), id);
}

export function nameLink(name: string): string {
  return join(dataFolder(), 'names', name);
}
