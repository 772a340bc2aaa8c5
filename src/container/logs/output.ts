import { writeFully } from '../../sys/write.js';
import type { Frame, LogSink, LogStream } from './reader.js';

/** The descriptors for the container's two streams. */
export interface LogOutput {
  1: number;
  2: number;
}

/** Size at which writing a frame directly is cheaper than joining it with the previous one. */
const DIRECT_WRITE_SIZE = 8 * 1024;

/** Writes output unchanged. Small frames of the same stream are written together. */
export class RawSink implements LogSink {
  readonly #output: LogOutput;
  #stream: LogStream = 1;
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(output: LogOutput) {
    this.#output = output;
  }

  take({ stream }: Frame, buffer: Buffer, start: number, end: number): void {
    const isMore = stream === this.#stream && this.#end > this.#start;
    if (isMore && end - start < DIRECT_WRITE_SIZE) {
      buffer.copyWithin(this.#end, start, end);
      this.#end += end - start;
      return;
    }
    this.flush();
    this.#stream = stream;
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
  }

  flush(): void {
    writeFully(this.#output[this.#stream], this.#buffer, this.#start, this.#end);
    this.#start = this.#end;
  }
}

export interface LineOptions {
  /** Whether each line starts with the time of its first byte. */
  timestamps: boolean;
  /** Text at the start of each line, before the time. */
  prefix?: string | undefined;
  /** What comes after its time. */
  details?: string | undefined;
  /** Only lines at or after `since`, and at or before `until`: nanoseconds since 1970. */
  since?: bigint | undefined;
  until?: bigint | undefined;
}

const ROOM = 256 * 1024;
const NEWLINE = 10;
const TWO_32 = 2 ** 32;

/** The state of a stream's last line. */
interface LineState {
  isWhole: boolean;
  isWanted: boolean;
}

/** Writes lines with a prefix or a time, or only the lines of a period. A line may be in several frames. */
export class LineSink implements LogSink {
  readonly #output: LogOutput;
  readonly #timestamps: boolean;
  readonly #prefix: Buffer;
  readonly #details: Buffer;
  readonly #since: number;
  readonly #until: number;
  readonly #lines: Record<LogStream, LineState> = {
    1: { isWhole: true, isWanted: false },
    2: { isWhole: true, isWanted: false },
  };
  readonly #room = Buffer.allocUnsafeSlow(ROOM);
  #used = 0;
  #stream: LogStream = 1;
  #stamp = new Stamp();

  constructor(output: LogOutput, options: LineOptions) {
    this.#output = output;
    this.#timestamps = options.timestamps;
    this.#prefix = Buffer.from(options.prefix ?? '');
    this.#details = Buffer.from(options.details ?? '');
    // As doubles, which are exact to 256 ns, good enough for comparing clocks of two processes.
    this.#since = options.since === undefined ? Number.NEGATIVE_INFINITY : Number(options.since);
    this.#until = options.until === undefined ? Number.POSITIVE_INFINITY : Number(options.until);
  }

  take(frame: Frame, buffer: Buffer, start: number, end: number): void {
    const line = this.#lines[frame.stream];
    const time = frame.high * TWO_32 + frame.low;
    const isTime = time >= this.#since && time <= this.#until;
    if (!isTime && (line.isWhole || !line.isWanted)) {
      line.isWhole = buffer[end - 1] === NEWLINE;
      line.isWanted = false;
      return;
    }
    if (frame.stream !== this.#stream) {
      this.flush();
      this.#stream = frame.stream;
    }
    const piece = buffer.subarray(start, end);
    for (let at = 0; at < piece.length; ) {
      if (line.isWhole) {
        line.isWanted = isTime;
        if (isTime && this.#prefix.length > 0) this.#put(this.#prefix);
        if (isTime && this.#timestamps) this.#put(this.#stamp.of(frame));
        if (isTime && this.#details.length > 0) this.#put(this.#details);
      }
      const newline = piece.indexOf(NEWLINE, at);
      const next = newline < 0 ? piece.length : newline + 1;
      if (line.isWanted) this.#put(piece.subarray(at, next));
      line.isWhole = newline >= 0;
      at = next;
    }
  }

  flush(): void {
    writeFully(this.#output[this.#stream], this.#room, 0, this.#used);
    this.#used = 0;
  }

  #put(bytes: Buffer): void {
    if (this.#used + bytes.length > ROOM) this.flush();
    if (bytes.length > ROOM) {
      writeFully(this.#output[this.#stream], bytes);
      return;
    }
    this.#room.set(bytes, this.#used);
    this.#used += bytes.length;
  }
}

/** The time of a frame in RFC 3339 format with nanoseconds, followed by a space. Formatted once for all its lines. */
class Stamp {
  readonly #text = Buffer.from('1970-01-01T00:00:00.000000000Z ');
  #low = -1;
  #high = -1;
  #second = -1;

  of({ low, high }: Frame): Buffer {
    if (low === this.#low && high === this.#high) return this.#text;
    this.#low = low;
    this.#high = high;
    const nanoseconds = (BigInt(high) << 32n) | BigInt(low);
    const second = Number(nanoseconds / 1_000_000_000n);
    if (second !== this.#second) {
      this.#second = second;
      this.#text.write(new Date(Math.min(second * 1000, LAST_TIME)).toISOString().slice(0, 20), 0, 'latin1');
    }
    const rest = Number(nanoseconds % 1_000_000_000n);
    this.#text.write(String(rest).padStart(9, '0'), 20, 'latin1');
    return this.#text;
  }
}

/** Limit for times in a damaged log: the end of the year 9999. */
const LAST_TIME = 253402300799000;
