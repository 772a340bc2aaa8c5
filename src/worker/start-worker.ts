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
  readMemoryFile,
  waitForChild,
  waitReadable,
} from '../sys/libc.js';
import { startNodeProgram } from './node-program.js';
import type { Envelope, Outcome } from './protocol.js';

const SIGKILL = 9;

/** A helper program does one thing in other namespaces, reports the result, and exits. It dies with this process. */
export interface WorkerOptions<Order> {
  /** Name of its bundle, `tree-main`: its main function is `runWorker`. */
  program: string;
  /** Its name in a list of processes. */
  name: string;
  /** Its name in messages: `the unpacker`. */
  title: string;
  order: Order;
  /** Flags for Node, from `node --v8-options`. */
  flags?: string[];
  /** Id maps of the container whose files it works with. undefined: it stays in the current user namespace. */
  maps: IdMaps | undefined;
  /** pidfd of a process whose user namespace it enters instead of a new one; it can have only one of `files` then. */
  enters?: number | undefined;
  /** Descriptors for its standard input and output; /dev/null by default. They stay open in this process. */
  input?: number | undefined;
  output?: number | undefined;
  /** Descriptors starting at WORKER_FD.files. */
  files?: (number | undefined)[];
}

/**
 * Starts a helper program, in a mount namespace of its own.
 * @throws FosterError if no user namespace can be created; nothing is left behind then
 */
export function startWorker<Order, Result>(options: WorkerOptions<Order>): RunningWorker<Result> {
  const { program, name, title, order, flags = [], maps, enters, input, output, files = [] } = options;
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
      argv: [...flags, join(__dirname, `${program}.cjs`)],
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
 * A running helper. The caller must wait for it with `result` or `wait`, or kill it.
 */
export class RunningWorker<Result> {
  readonly #title: string;
  readonly #pid: number;
  /** Descriptors of the report and of its standard error. */
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

  /** Resolves when it has ended. Call it once. @throws FosterError, whose `code` is the errno that caused it */
  async result(): Promise<Result> {
    this.#isReading = true;
    return this.#resultOf(await readAll(this.#report));
  }

  /**
   * As `result`, but blocks.
   * @param check called at least every 100 ms; if it throws, the helper is killed
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

  /** Kills it if it is running, and waits until it has ended. Files that it has written stay. */
  kill(): void {
    if (this.#end !== undefined) return; // its pid may have been reused
    process.kill(this.#pid, 'SIGKILL');
    this.#ended();
    if (!this.#isReading) closeSync(this.#report);
  }

  #ended(): { status: ExitStatus; said: string } {
    this.#end ??= { status: waitForChild(this.#pid), said: readMemoryFile(this.#errors) };
    return this.#end;
  }

  #resultOf(text: string): Result {
    const { status, said } = this.#ended();
    const outcome = parse<Result>(text);
    if (outcome === undefined) throw new FosterError(`${this.#title} ${describeExit(status, said)}`);
    if ('done' in outcome) return outcome.done;
    const { error, advice, kind = 'failed', errno } = outcome;
    throw Object.assign(
      new FosterError(error, { exitCode: 1, kind, ...(advice !== undefined && { advice }) }),
      errno !== undefined && { code: errno },
    );
  }
}

/** undefined if it was killed before the report was complete. */
function parse<Result>(text: string): Outcome<Result> | undefined {
  try {
    return JSON.parse(text) as Outcome<Result>;
  } catch {
    return undefined;
  }
}

/** Reads until the other end closes, at the latest when the program ends. */
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

/** The end of a sentence about a program that ended without a report. `said`: its standard error. */
function describeExit({ signal, code }: ExitStatus, said: string): string {
  const how = signal === 0 ? `ended with exit code ${code}` : `was killed by signal ${signal}`;
  const line = said.split('\n').find((each) => /error/i.test(each));
  return `${how}${line === undefined ? '' : ` (${line.trim()})`}`;
}

/**
 * The container's maps plus the caller's ids, because the caller owns the parents of the container's files. If the
 * container does not have them, they are mapped to unused ids.
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
