import { lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { FosterError } from './errors.js';
import { errnoOf } from './sys/errno.js';

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
      makeFolder(runtime);
      return runtime;
    }
  }
  runtime = `/tmp/foster-${uid}`;
  makeFolder(runtime);
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

/**
 * Makes a folder that only we may enter, and those above it, where they are missing. Node's own way to do so never
 * returns on a file system that takes no new names, such as proc(5).
 * @throws Error of node:fs
 */
export function makeFolder(path: string): void {
  for (let isSecond = false; ; isSecond = true) {
    try {
      mkdirSync(path, 0o700);
      return;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EEXIST') return;
      if (code !== 'ENOENT' || isSecond) throw error;
      makeFolder(dirname(path));
    }
  }
}

/** Compiled code, and what else can be made anew at any time: `$XDG_CACHE_HOME/foster`. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'foster');
}

export function containerFolder(id: string): string {
  return join(dataFolder(), 'containers', id);
}

/** The anonymous volumes of a container. */
export function volumesFolder(id: string): string {
  return join(containerFolder(id), 'volumes');
}

export function liveFolder(id: string): string {
  return join(runtimeFolder(), id);
}

export function nameLink(name: string): string {
  return join(dataFolder(), 'names', name);
}
