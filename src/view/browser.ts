import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath } from '../sys/programs.js';
import { surroundings } from '../sys/surroundings.js';

/** xdg-open(1) of all desktops, and what opens the browser of Windows from WSL. */
const OPENERS = ['xdg-open', 'wslview'];

/**
 * Opens an address in the caller's browser, if there is a desktop with one. Every user of the machine sees the arguments of
 * programs, so the address goes there in a file that only the caller can read.
 * @returns removes the file; undefined if nothing was opened
 */
export function openInBrowser(address: string): (() => void) | undefined {
  const { env } = surroundings();
  const hasDesktop = [env.DISPLAY, env.WAYLAND_DISPLAY, env.WSL_DISTRO_NAME].some(Boolean);
  const program = hasDesktop ? OPENERS.map(findOnPath).find((path) => path !== undefined) : undefined;
  if (program === undefined) return undefined;
  const folder = mkdtempSync(join(env.XDG_RUNTIME_DIR || tmpdir(), 'foster-view-'));
  const path = join(folder, 'page.html');
  writeFileSync(path, `<meta http-equiv="refresh" content="0; url=${address}">\n`, { mode: 0o600 });
  const child = spawn(program, [path], { stdio: 'ignore', detached: true, env });
  child.on('error', () => {}); // the address is printed, too
  child.unref();
  return () => rmSync(folder, { recursive: true, force: true });
}
