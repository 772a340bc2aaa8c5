import type { ChildProcess } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';
import { surroundings } from '../sys/surroundings.js';
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
 */
export async function carryStreams(
  program: RunningProgram,
  options: StreamOptions,
  kill: () => Promise<void>,
): Promise<RunResult> {
  const { stdin, timeout, maxOutput = MOST_OUTPUT } = options;
  let [timedOut, outputExceeded] = [false, false];
  let killing: Promise<void> | undefined;
  const end = async () => {
    killing ??= kill();
    await killing.catch(() => {});
  };
  const stopListening = onInterrupt(end);
  // it may have been interrupted while the program was started
  if (surroundings().signal?.aborted) void end();
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
  feed(program.stdin, stdin);
  try {
    const exitCode = await program.exitCode;
    await killing;
    await stopIfInterrupted();
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
    if (stdin instanceof Readable && program.stdin !== null) stdin.unpipe(program.stdin);
  }
}

function feed(to: Writable | null, stdin: StreamOptions['stdin']): void {
  if (to === null) return;
  to.on('error', () => {}); // the program has ended, or has closed its input
  if (stdin === undefined) to.end();
  else if (stdin instanceof Readable) stdin.pipe(to);
  else to.end(stdin);
}

/** The output of one stream, which is kept or passed on. */
class Output {
  readonly #pieces: Buffer[] = [];
  #size = 0;

  constructor(from: Readable | null, to: Writable | undefined, most: number, exceed: () => void) {
    from?.on('data', (piece: Buffer) => {
      const room = most - this.#size;
      const part = piece.subarray(0, Math.max(room, 0));
      this.#size += piece.length;
      if (piece.length > room) exceed();
      if (part.length === 0) return;
      if (to === undefined) this.#pieces.push(part);
      else if (!to.write(part)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    to?.once('close', () => from?.resume()); // nobody reads it any more
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }
}
