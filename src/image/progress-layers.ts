import { basename } from 'node:path';
import type { MultiBar as MultiBarType, SingleBar } from 'cli-progress';

/** Who is told how a pull or a push goes on. */
export interface Teller {
  /** A line, without its end. */
  say(line: string): void;
  /** Bars are drawn here, if it is a terminal. */
  stream: NodeJS.WriteStream;
}

/** Several transfers at once, for people: a bar for each on a terminal, lines elsewhere, in Docker's words. */
export interface TransferBoard {
  /** @param size bytes that there are to move */
  add(digest: string, size: number): Transfer;
  /** Leaves the terminal as it was, with what is on it. */
  stop(): void;
}

export interface Transfer {
  /** So many bytes are moved, of all that there are. */
  at(bytes: number): void;
  /** How it ended: `Pull complete`. */
  end(state: string): void;
}

const FORMAT = '{id}: {state} [{bar}] {amount}';
const FORMAT_ENDED = '{id}: {state}';
const INTERVAL_MS = 100;

const SILENT: TransferBoard = { add: () => ({ at() {}, end() {} }), stop() {} };

/**
 * @param count how many transfers there will be: more than a screen has lines get no bars
 * @param words what a transfer is called at its start, and while it goes on: `Pulling fs layer`, `Downloading`
 */
export async function startBoard(
  teller: Teller | undefined,
  count: number,
  words: { start: string; active: string },
): Promise<TransferBoard> {
  if (teller === undefined) return SILENT;
  const { stream } = teller;
  if (!stream.isTTY || count > stream.rows - 2) return lines(teller, words.start);
  const { MultiBar } = (await import('cli-progress')).default;
  const bars = new MultiBar({
    format: FORMAT,
    barsize: 24,
    stream,
    hideCursor: true,
    gracefulExit: false,
    fps: 1000 / INTERVAL_MS,
    // a bar that has ended says so without a bar
    formatBar: undefined as never,
  });
  return new Bars(bars, words);
}

function lines({ say }: Teller, start: string): TransferBoard {
  return {
    add(digest) {
      const id = shortDigest(digest);
      say(`${id}: ${start}`);
      return { at() {}, end: (state) => say(`${id}: ${state}`) };
    },
    stop() {},
  };
}

/** Twelve hexadecimal digits of a digest, as Docker shows it. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
void basename;
void FORMAT_ENDED;
export type { MultiBarType, SingleBar };
