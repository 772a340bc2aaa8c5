import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { hasOneOwner } from '../init/id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { FosterError } from '../sys/errors.js';
import { type ExitStatus, takeMemoryFile, waitForChild, waitReadable } from '../sys/libc.js';
import { howItEnded, type Reporter, readReport, startReporter } from '../worker/node-program.js';
import { shiftedMounts } from '../worker/shifted-mounts.js';
import type { Skipped } from './copy.js';
import type { TreeOrder, TreeReport } from './tree-protocol.js';
import { withCaller } from './unpack.js';

/** The program at work. */
export interface TreeProgram {
  /** Comes when it has written all. @throws FosterError */
  done: Promise<void>;
  /** Ends it, if it has not ended. */
  kill(): void;
}

type Order = Omit<TreeOrder, 'isMapped' | 'hasOneOwner'>;

/**
 * Starts the program that looks at a container's files (tree-main.ts), in a user namespace with the container's id maps,
 * or in ours where the container has none.
 * @param output descriptor that it writes to; ours stays open
 * @throws FosterError where there are no user namespaces to be had
 */
export function startTreeProgram(order: Order, maps: IdMaps | undefined, output: number): TreeProgram {
  const { pid, report, errors } = start(order, maps, output);
  let isOver = false;
  const done = readReport(report).then((text) => {
    const status = waitForChild(pid);
    isOver = true;
    reported(text, status, errors);
  });
  return {
    done,
    kill() {
      if (!isOver) process.kill(pid, 'SIGKILL');
    },
  };
}

/**
 * Copies files of the layers to a container's folder: those of its volumes, or all for a container without an overlay.
 * Blocks.
 * @param check called now and then, at least every 100 ms; what it throws ends the work
 * @returns what was left out, since it may not be read
 * @throws FosterError; what was copied until then is there
 */
export function fillFolder(
  what: Pick<Order, 'driver' | 'layers' | 'isShifted' | 'folder' | 'volumes'>,
  maps: IdMaps | undefined,
  check: () => void,
): Skipped {
  const nothing = openSync('/dev/null', 'r+');
  let started: Reporter;
  try {
    started = start({ action: 'fill', ...what, mountPoints: [] }, maps, nothing);
  } finally {
    closeSync(nothing);
  }
  const { pid, report, errors } = started;
  let text = '';
  try {
    const piece = Buffer.alloc(4096);
    for (let size = -1; size !== 0; ) {
      check();
      if (waitReadable(report, 100) !== 'ready') continue;
      size = readSync(report, piece);
      text += piece.toString('utf8', 0, size);
    }
  } catch (error) {
    process.kill(pid, 'SIGKILL');
    waitForChild(pid);
    closeSync(errors);
    throw error;
  } finally {
    closeSync(report);
  }
  return reported(text, waitForChild(pid), errors);
}

function start(order: Order, maps: IdMaps | undefined, output: number): Reporter {
  const whole: TreeOrder = {
    ...order,
    isMapped: maps !== undefined,
    hasOneOwner: maps !== undefined && hasOneOwner(maps),
  };
  const layer = maps && order.isShifted ? shiftedLayer(order, maps) : undefined;
  try {
    return startReporter({
      name: 'foster-tree',
      argv: [join(__dirname, 'tree-main.cjs'), JSON.stringify(whole)],
      maps: maps && withCaller(maps),
      output,
      files: [layer],
    });
  } finally {
    if (layer !== undefined) closeSync(layer);
  }
}

function shiftedLayer({ layers: [source = '/'] }: Order, maps: IdMaps): number {
  const [layer] = shiftedMounts([{ source, isDeep: false }], maps);
  if (layer !== undefined) return layer;
  throw new FosterError(`the ids of the files in ${source} cannot be shifted`, {
    advice: 'its file system cannot do that: --userns keep-id needs no shift',
    exitCode: 1,
  });
}

function reported(text: string, status: ExitStatus, errors: number): Skipped {
  const said = takeMemoryFile(errors);
  if (text === '') {
    throw new FosterError(`the program that looks at the container's files ${howItEnded(status, said)}`);
  }
  const answer = JSON.parse(text) as TreeReport;
  if ('done' in answer) return answer.skipped;
  const { error, advice, errno } = answer;
  throw Object.assign(new FosterError(error, { exitCode: 1, ...(advice !== undefined && { advice }) }), {
    code: errno,
  });
}
