import type { GenericFormatter } from 'cli-progress';
import { onInterrupt } from '../../worker/interrupt.js';

/** Who is told how a pull or a push goes on. */
export interface ProgressOutput {
  /** A line, without its end. */
  say(line: string): void;
  /** Where bars are drawn, if it is a terminal. */
  stream: NodeJS.WriteStream | undefined;
}

/** Several transfers at once, for people: a bar for each on a terminal, lines elsewhere, in Docker's words. */
export interface TransferDisplay {
  /**
   * @param size bytes that there are to move
   * @param end how it has ended already, where there is nothing to do
   */
  add(digest: string, size: number, end?: string): Transfer;
  /** Leaves the terminal as it was, with what is on it. */
  stop(): void;
}

export interface Transfer {
  /** So many bytes are moved, of all that there are. */
  at(bytes: number): void;
  /** What goes on now: `Extracting`. */
  now(state: string): void;
  /** How it ended: `Pull complete`. */
  end(state: string): void;
}

/** What a transfer is said to do. */
export interface TransferLabels {
  /** `Pulling fs layer` */
  start: string;
  /** `Downloading` */
  active: string;
}

/** @param count how many transfers there will be: more than a screen has lines get no bars */
export async function startTransferDisplay(
  output: ProgressOutput | undefined,
  count: number,
  words: TransferLabels,
): Promise<TransferDisplay> {
  if (output === undefined) return { add: () => ({ at() {}, now() {}, end() {} }), stop() {} };
  const { stream } = output;
  if (!stream?.isTTY || count === 0 || count > stream.rows - 2) return lineDisplay(output, words);
  return await barDisplay(stream, words);
}

function lineDisplay({ say }: ProgressOutput, { start }: TransferLabels): TransferDisplay {
  return {
    add(digest, _size, end) {
      const id = shortDigest(digest);
      say(`${id}: ${end ?? start}`);
      return { at() {}, now() {}, end: (state) => say(`${id}: ${state}`) };
    },
    stop() {},
  };
}

interface BarState {
  id: string;
  state: string;
  isActive: boolean;
}

async function barDisplay(stream: NodeJS.WriteStream, words: TransferLabels): Promise<TransferDisplay> {
  const { MultiBar } = (await import('cli-progress')).default;
  const bars = new MultiBar({ stream, format: drawLine, hideCursor: true, gracefulExit: false });
  const takeBack = onInterrupt(() => bars.stop());
  return {
    add(digest, size, end) {
      const id = shortDigest(digest);
      const bar = bars.create(size, 0, { id, state: end ?? 'Waiting', isActive: false } satisfies BarState);
      return {
        at: (bytes) => bar.update(bytes, { state: words.active, isActive: true }),
        now: (state) => bar.update(size, { state, isActive: false }),
        end: (state) => bar.update(size, { state, isActive: false }),
      };
    },
    stop() {
      takeBack();
      bars.stop();
    },
  };
}

const BAR_WIDTH = 30;

const drawLine: GenericFormatter = (_options, { progress, value, total }, payload: BarState) => {
  const { id, state, isActive } = payload;
  if (!isActive) return `${id}: ${state}`;
  const filled = Math.round(Math.min(1, progress) * BAR_WIDTH);
  const bar = `${'='.repeat(filled)}>`.slice(0, BAR_WIDTH).padEnd(BAR_WIDTH);
  return `${id}: ${state} [${bar}] ${megabytes(value)}/${megabytes(total)}`;
};

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)}MB`;
}

/** Twelve hexadecimal digits of a digest, as Docker shows it. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
