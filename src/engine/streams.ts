import type { ChildProcess } from 'node:child_process';
import { errorMonitor } from 'node:events';
import { finished, Readable, type Writable } from 'node:stream';
import { FosterError } from '../sys/errors.js';
import { onInterrupt, stopIfInterrupted } from '../worker/interrupt.js';
import type { RunResult, StreamOptions } from './types.js';

const MOST_OUTPUT = 64 * 1024 * 1024;

/** A running program, with our ends of its standard streams; null for a stream that does not come from us. */
export interface RunningProgram {
  stdin: Writable | null;
  stdout: Readable | null;
  stderr: Readable | null;
  /** Its exit code, once it has ended and all its output has been read. */
  exitCode: Promise<number>;
}

/** A child process as a `RunningProgram`. */
export function programOf(child: ChildProcess): RunningProgram {
  const { stdin, stdout, stderr } = child;
  const exitCode = new Promise<number>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done(code ?? 137));
  });
  return { stdin, stdout, stderr, exitCode };
}

/**
 * Connects a program's streams as the options say, and waits until it has ended.
 * @param kill ends the program
 * @throws FosterError if the stream for its standard input has failed, which ends the program
 */
export async function carryStreams(
  program: RunningProgram,
  options: StreamOptions,
  kill: () => Promise<void>,
): Promise<RunResult> {
  const { stdin, timeout, maxOutput = MOST_OUTPUT } = options;
  let [timedOut, outputExceeded] = [false, false];
  let inputFailure: FosterError | undefined;
  let killing: Promise<void> | undefined;
  const end = async () => {
    killing ??= kill();
    // what is left is little, and whoever does not read it must not hold up the end
    for (const output of outputs) output.stopWaiting();
    await killing.catch(() => {});
  };
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          end();
        }, timeout);
  const exceed = () => {
    outputExceeded = true;
    end();
  };
  const outputs = [
    new Output(program.stdout, options.stdout, maxOutput, exceed),
    new Output(program.stderr, options.stderr, maxOutput, exceed),
  ] as const;
  const stopListening = onInterrupt(end);
  const stopFeeding = feed(program.stdin, stdin, (failure) => {
    if (killing !== undefined) return; // it ends anyway, for another reason
    inputFailure = failure;
    end();
  });
  try {
    const exitCode = await program.exitCode;
    await killing;
    await stopIfInterrupted();
    if (inputFailure !== undefined) throw inputFailure;
    return {
      exitCode,
      stdout: outputs[0].text,
      stderr: outputs[1].text,
      timedOut,
      outputExceeded,
    };
  } finally {
    clearTimeout(timer);
    stopListening();
    stopFeeding();
    for (const output of outputs) output.stopWaiting();
  }
}

/**
 * @param fail is called if the stream ends before its data: the program must not take a part for the whole
 * @returns a function that leaves the caller's stream alone again
 */
function feed(
  to: Writable | null,
  stdin: StreamOptions['stdin'],
  fail: (failure: FosterError) => void,
): () => void {
  if (to === null) return () => {};
  to.on('error', () => {}); // the program has ended, or has closed its input
  if (!(stdin instanceof Readable)) {
    to.end(stdin);
    return () => {};
  }
  const stopListening = finished(stdin, { writable: false }, (cause) => {
    if (!cause) return;
    to.destroy();
    fail(
      new FosterError(`cannot pass on standard input: its stream has failed: ${cause.message}`, { cause }),
    );
  });
  stdin.pipe(to);
  return () => {
    stopListening();
    stdin.unpipe(to);
  };
}

/** After any of them, there is no reason to wait for a stream. An error is for its owner to handle. */
const ENDS_OF_WAIT = ['drain', 'close', errorMonitor] as const;

/** The output of one stream, which is kept or passed on. */
class Output {
  readonly #from: Readable | null;
  readonly #to: Writable | undefined;
  readonly #pieces: Buffer[] = [];
  #size = 0;
  #mayWait = true;

  constructor(from: Readable | null, to: Writable | undefined, most: number, exceed: () => void) {
    this.#from = from;
    this.#to = to;
    from?.on('data', (piece: Buffer) => {
      const room = most - this.#size;
      const part = piece.subarray(0, Math.max(room, 0));
      this.#size += piece.length;
      if (piece.length > room) exceed();
      if (part.length === 0) return;
      if (to === undefined) this.#pieces.push(part);
      else if (canTakeMore(to) && !to.write(part) && this.#mayWait) this.#wait(to);
    });
  }

  /** The caller's stream has listeners only as long as we wait for it: it may be used for many calls at the same time. */
  #wait(to: Writable): void {
    this.#from?.pause();
    for (const event of ENDS_OF_WAIT) to.on(event, this.#resume);
  }

  readonly #resume = () => {
    for (const event of ENDS_OF_WAIT) this.#to?.off(event, this.#resume);
    this.#from?.resume();
  };

  /** From now on, all output is read, no matter whether the caller's stream keeps up. */
  stopWaiting(): void {
    this.#mayWait = false;
    this.#resume();
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }
}

/** Nobody reads what is written to a closed stream. An HTTP response, which is not quite a stream, may be `writable` then. */
function canTakeMore(to: Writable): boolean {
  return to.writable && !to.destroyed && !to.writableEnded;
}
