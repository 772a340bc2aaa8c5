import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Written } from '../../layers/tree-writer.js';
import { visible } from '../../spec/parse/flag.js';
import { surroundings } from '../../sys/surroundings.js';
import { canDraw } from './screen.js';

/** Progress of unpacking: a bar on a terminal, nothing elsewhere. */
export interface Progress {
  stop(): void;
  /** Warns of what was left out, a line for each kind. */
  summarize(written: Written): void;
}

/** If unpacking takes less than this, no bar is shown. */
const INTERVAL_MS = 200;

/**
 * @param total size of the archive in bytes, if known
 * @param position returns how many bytes have been read
 */
export async function startProgress(
  title: string,
  total: number | undefined,
  position: () => number,
): Promise<Progress> {
  const { screen } = surroundings();
  if (!canDraw(screen)) return { stop() {}, summarize };
  const { SingleBar } = (await import('cli-progress')).default;
  const bar = new SingleBar({
    format:
      total === undefined ? '{title}: {amount}, {speed}' : '{title} [{bar}] {percentage}% {amount}, {speed}',
    barsize: 24,
    stream: screen,
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false,
  });
  const start = Date.now();
  const draw = () => {
    const done = position();
    const payload = {
      title: visible(basename(title)),
      amount: megabytes(done),
      speed: `${megabytes((done * 1000) / Math.max(1, Date.now() - start))}/s`,
    };
    if (bar.isActive) bar.update(done, payload);
    else bar.start(total ?? 0, done, payload);
  };
  const timer = setInterval(draw, INTERVAL_MS);
  return {
    stop() {
      clearInterval(timer);
      bar.stop();
    },
    summarize,
  };
}

/** The position of an open file description that another process reads from: proc_pid_fdinfo(5). */
export function readPosition(fd: number): number {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  return Number(/^pos:\s*(\d+)/m.exec(info)?.[1] ?? 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Warns of what was left out, a line for each kind. */
export function summarize(written: Written): void {
  if (written.lostOwners > 0) {
    warn(
      `${count(written.lostOwners, 'file')} of other users now belong to root, because you have no range in /etc/subuid`,
    );
  }
  if (written.lostAttributes > 0) {
    warn(
      `${count(written.lostAttributes, 'extended attribute')} could not be set, such as a program's capabilities`,
    );
  }
  if (written.skippedDevices > 0 && surroundings().screen?.isTTY) {
    warn(`${count(written.skippedDevices, 'device node')} in /dev skipped: containers get their own`);
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function warn(text: string): void {
  surroundings().warn(text);
}
