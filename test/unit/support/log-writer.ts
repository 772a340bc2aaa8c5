import { appendFileSync, closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogSink, LogStream } from '../../../src/container/logs/reader.js';

/** A frame as written by the monitor: docs/state.md. */
export interface Piece {
  stream: LogStream;
  text: string;
  /** Nanoseconds since 1970. */
  time?: bigint;
}

export function encodeFrame({ stream, text, time = 0n }: Piece): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(time);
  head.writeUInt32LE(Buffer.byteLength(text), 8);
  head[12] = stream;
  return Buffer.concat([head, Buffer.from(text)]);
}

/** A container's folder with a log, and two files for the output. */
export class LogFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'foster-log-'));
  readonly output = { 1: openSync(join(this.path, 'out'), 'w+'), 2: openSync(join(this.path, 'err'), 'w+') };

  write(...pieces: Piece[]): void {
    appendFileSync(join(this.path, 'log'), Buffer.concat(pieces.map(encodeFrame)));
  }

  /** Rotates as src/init/log.c does. @param files how many are kept */
  rotate(files = 1000): void {
    for (let index = files - 1; index > 0; index--) {
      try {
        renameSync(
          join(this.path, index === 1 ? 'log' : `log.${index - 1}`),
          join(this.path, `log.${index}`),
        );
      } catch {
        // there are not so many yet
      }
    }
    appendFileSync(join(this.path, 'log'), '');
  }

  written(stream: LogStream): string {
    return readFileSync(join(this.path, stream === 1 ? 'out' : 'err'), 'utf8');
  }

  remove(): void {
    closeSync(this.output[1]);
    closeSync(this.output[2]);
    rmSync(this.path, { recursive: true });
  }
}

/** Records what it receives, in order. */
export class MemorySink implements LogSink {
  readonly taken: [LogStream, string][] = [];

  take({ stream }: { stream: LogStream }, buffer: Buffer, start: number, end: number): void {
    this.taken.push([stream, buffer.toString('utf8', start, end)]);
  }

  flush(): void {}

  text(stream: LogStream): string {
    return this.taken.flatMap(([from, text]) => (from === stream ? [text] : [])).join('');
  }
}
