import type { ChildProcess } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';
import { onInterrupt, stopIfInterrupted } from '../worker/interrupt.js';
import type { RunResult, StreamOptions } from './types.js';

const MOST_OUTPUT = 64 * 1024 * 1024;

/**
 * Connects a program's streams as its caller wants them, and waits for its end.
 * @param child what carries them
 * @param kill ends the program, and with it `child`
 */
export async function carryStreams(
  child: ChildProcess,
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
    new Output(child.stdout, options.stdout, maxOutput, exceed),
    new Output(child.stderr, options.stderr, maxOutput, exceed),
  ] as const;
  feed(child.stdin, stdin);
  try {
    const exitCode = await new Promise<number>((done, fail) => {
      child.on('error', fail);
      child.on('close', (code) => done(code ?? 137));
    });
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
    if (stdin instanceof Readable && child.stdin !== null) stdin.unpipe(child.stdin);
  }
}

function feed(to: Writable | null, stdin: StreamOptions['stdin']): void {
  if (to === null) return;
  to.on('error', () => {}); // it has ended, or closed its input
  if (stdin === undefined) to.end();
  else if (stdin instanceof Readable) stdin.pipe(to);
  else to.end(stdin);
}

/** What comes from one of its streams: kept, or passed on. */
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
    to?.once('close', () => from?.resume()); // nobody takes it any more
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }
}
