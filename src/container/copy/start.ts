import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { hasOneOwner } from '../../init/id-maps.js';
import { withCaller } from '../../layers/unpack.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { FosterError } from '../../sys/errors.js';
import { takeMemoryFile, waitForChild } from '../../sys/libc.js';
import { howItEnded, type Reporter, startReporter } from '../../worker/node-program.js';
import type { CopyOrder, CopyReport, CopyResult } from './protocol.js';

/** The helper at work. */
export interface CopyHelper {
  /** Waits until it has ended. @throws FosterError with what it reported */
  finish(): CopyResult;
  /** Ends it at once, and waits. */
  kill(): void;
}

/** Descriptors that the helper gets; ours stay open. */
export interface CopyFiles {
  input: number;
  output: number;
  root: number | undefined;
  /** The container's lock: held until the helper is gone too. */
  lock: number | undefined;
  /** pidfd of a process of the container, where the helper has to be in the container's own user namespace. */
  inside: number | undefined;
  /** From COPY_FD.shifted on. */
  shifted: (number | undefined)[];
}

/**
 * Starts the helper of `foster cp` (copy-main.ts) in a user namespace with the container's id maps, or in ours where the
 * container has none; and in a mount namespace of its own.
 * @throws FosterError
 */
export function startCopyHelper(
  order: Omit<CopyOrder, 'isMapped' | 'hasOneOwner'>,
  maps: IdMaps | undefined,
  files: CopyFiles,
): CopyHelper {
  const whole: CopyOrder = {
    ...order,
    isMapped: maps !== undefined,
    hasOneOwner: maps !== undefined && hasOneOwner(maps),
  };
  const { input, output, root, lock, inside, shifted } = files;
  return helper(
    startReporter({
      name: 'foster-copy',
      argv: [join(__dirname, 'copy-main.cjs'), JSON.stringify(whole)],
      maps: maps && withCaller(maps),
      enters: inside,
      input,
      output,
      files: [root, lock, ...shifted],
    }),
  );
}

function helper({ pid, report, errors }: Reporter): CopyHelper {
  let isOver = false;
  const end = () => {
    if (isOver) return undefined;
    isOver = true;
    const text = readAll(report);
    return { text, status: waitForChild(pid), said: takeMemoryFile(errors) };
  };
  return {
    finish() {
      const { text = '', status = { code: 0, signal: 0 }, said = '' } = end() ?? {};
      if (text === '') throw new FosterError(`the helper that copies ${howItEnded(status, said)}`);
      const answer = JSON.parse(text) as CopyReport;
      if ('done' in answer) return answer.done;
      const { error, advice } = answer;
      throw new FosterError(error, { exitCode: 1, ...(advice === undefined ? {} : { advice }) });
    },
    kill() {
      if (!isOver) process.kill(pid, 'SIGKILL');
      end();
    },
  };
}

/** All that comes until the other end closes, at the latest when the helper has ended. Closes it. */
function readAll(fd: number): string {
  const MOST = 64 * 1024;
  const buffer = Buffer.alloc(MOST);
  let size = 0;
  for (let read = -1; read !== 0 && size < MOST; size += read)
    read = readSync(fd, buffer, size, MOST - size, null);
  closeSync(fd);
  return buffer.toString('utf8', 0, size);
}

/** What the helper gets in place of a file that it does not use. */
export function openNothing(): number {
  return openSync('/dev/null', 'r+');
}
