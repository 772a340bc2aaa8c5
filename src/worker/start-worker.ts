import { closeSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { IdMapping, IdMaps } from '../spec/id-maps.js';
import { hasOneOwner } from '../spec/id-maps.js';
import { FosterError } from '../sys/errors.js';
import {
  type ExitStatus,
  memoryFile,
  pipe,
  takeMemoryFile,
  waitForChild,
  waitReadable,
} from '../sys/libc.js';
import { startNodeProgram } from './node-program.js';
import type { Envelope, Outcome } from './protocol.js';

const SIGKILL = 9;

/** A helper program: does one thing in other namespaces, says what became of it, and ends. It dies with us. */
export interface WorkerOptions<Order> {
  /** Name of its bundle, `tree-main`: its main function is `runWorker`. */
  program: string;
  /** What it is called in a list of processes. */
  name: string;
  /** What a sentence calls it: `the unpacker`. */
  title: string;
  order: Order;
  /** Of the container whose files it works with: of the user namespace that it is root of. undefined: it stays in ours. */
  maps: IdMaps | undefined;
  /** pidfd of a process whose user namespace it enters instead of a new one; it has one of `files` then, no more. */
  enters?: number | undefined;
  /** Descriptors of its standard input and output; /dev/null where there is none. All of ours stay open. */
  input?: number | undefined;
  output?: number | undefined;
  /** Descriptors from WORKER_FD.files on. */
  files?: (number | undefined)[];
}

/**
 * Starts a helper program, in a mount namespace of its own.
 * @throws FosterError where there are no user namespaces to be had; nothing is left then
 */
export function startWorker<Order, Result>(options: WorkerOptions<Order>): RunningWorker<Result> {
  const { program, name, title, order, maps, enters, input, output, files = [] } = options;
  const envelope: Envelope<Order> = {
    order,
    parent: process.pid,
    title,
    root: maps && { canSetGroups: !hasOneOwner(maps) },
  };
  const orderFile = memoryFile(`${name}-order`, Buffer.from(JSON.stringify(envelope)));
  const errors = memoryFile(`${name}-errors`, new Uint8Array());
  const report = pipe();
  try {
    const pid = startNodeProgram({
      name,
      argv: [join(__dirname, `${program}.cjs`)],
      maps: maps && withCaller(maps),
      enters,
      descriptors: (control, nothing) => [
        input ?? nothing,
        output ?? nothing,
        errors,
        control,
        report[1],
        orderFile,
        ...files,
      ],
      parentDeathSignal: SIGKILL,
    });
    return new RunningWorker(title, pid, report[0], errors);
  } catch (error) {
    closeSync(report[0]);
    closeSync(errors);
    throw error;
  } finally {
    closeSync(report[1]);
    closeSync(orderFile);
  }
}

/**
 * A helper at work. It is to be waited for by `result` or by `wait`, or to be killed.
 */
export class RunningWorker<Result> {
  readonly #title: string;
  readonly #pid: number;
  /** Of the report and of what it writes to stderr: descriptors. */
  readonly #report: number;
  readonly #errors: number;
  #isReading = false;
  #end: { status: ExitStatus; said: string } | undefined;

  constructor(title: string, pid: number, report: number, errors: number) {
    this.#title = title;
    this.#pid = pid;
    this.#report = report;
    this.#errors = errors;
  }

  /** Comes when it has ended. To be called once. @throws FosterError, whose `code` is that of the errno behind it */
  async result(): Promise<Result> {
    this.#isReading = true;
    return this.#resultOf(await readAll(this.#report));
  }

  /**
   * As `result`, but blocks.
   * @param check called at least every 100 ms; what it throws ends the helper
   */
  wait(check?: () => void): Result {
    this.#isReading = true;
    const pieces: Buffer[] = [];
    try {
      for (let size = -1; size !== 0; ) {
        check?.();
        if (check !== undefined && waitReadable(this.#report, 100) !== 'ready') continue;
        const piece = Buffer.alloc(4096);
        size = readSync(this.#report, piece);
        pieces.push(piece.subarray(0, size));
      }
    } catch (error) {
      this.kill();
      throw error;
    } finally {
      closeSync(this.#report);
    }
    return this.#resultOf(Buffer.concat(pieces).toString());
  }

  /** Ends it at once, if it has not ended. When this returns it is gone; what it has written stays. */
  kill(): void {
    if (this.#end !== undefined) return; // by now its pid may be another's
    process.kill(this.#pid, 'SIGKILL');
    this.#ended();
    if (!this.#isReading) closeSync(this.#report);
  }

  #ended(): { status: ExitStatus; said: string } {
    this.#end ??= { status: waitForChild(this.#pid), said: takeMemoryFile(this.#errors) };
    return this.#end;
  }

  #resultOf(text: string): Result {
    const { status, said } = this.#ended();
    const outcome = parse<Result>(text);
    if (outcome === undefined) throw new FosterError(`${this.#title} ${howItEnded(status, said)}`);
    if ('done' in outcome) return outcome.done;
    const { error, advice, kind = 'failed', errno } = outcome;
    throw Object.assign(
      new FosterError(error, { exitCode: 1, kind, ...(advice !== undefined && { advice }) }),
      errno !== undefined && { code: errno },
    );
  }
}

/** undefined where it was killed before the report was whole. */
function parse<Result>(text: string): Outcome<Result> | undefined {
  try {
    return JSON.parse(text) as Outcome<Result>;
  } catch {
    return undefined;
  }
}

/** All that comes until the other end closes, at the latest when the program has ended. */
function readAll(fd: number): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text += piece;
    });
    socket.on('error', () => {});
    socket.on('close', () => done(text));
  });
}

/** The rest of a sentence about a program that has ended without a report. `said`: what it wrote to stderr. */
function howItEnded({ signal, code }: ExitStatus, said: string): string {
  const how = signal === 0 ? `ended with exit code ${code}` : `was killed by signal ${signal}`;
  const line = said.split('\n').find((each) => /error/i.test(each));
  return `${how}${line === undefined ? '' : ` (${line.trim()})`}`;
}

/**
 * The container's maps, with the caller in them, whose folders are above the container's files. An id of his that the
 * container has not becomes one that it does not use.
 */
export function withCaller(maps: IdMaps): IdMaps {
  const add = (map: IdMapping[], own: number): IdMapping[] => {
    if (map.some(({ hostID, size }) => own >= hostID && own < hostID + size)) return map;
    const free = Math.max(...map.map(({ containerID, size }) => containerID + size));
    return [...map, { containerID: free, hostID: own, size: 1 }];
  };
  return {
    ...maps,
    uid: add(maps.uid, process.getuid?.() ?? 0),
    gid: add(maps.gid, process.getgid?.() ?? 0),
  };
}
