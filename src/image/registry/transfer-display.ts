import type { GenericFormatter } from 'cli-progress';
import { onInterrupt } from '../../worker/interrupt.js';
import { canDraw } from './screen.js';

/** Where a pull or push prints its progress. */
export interface ProgressOutput {
  /** Prints a line, given without its end. */
  printLine(line: string): void;
  /** Where bars are drawn, if it is a terminal. */
  stream: NodeJS.WriteStream | undefined;
}

/** Shows several transfers: a bar for each on a terminal, lines elsewhere, in Docker's words. */
export interface TransferDisplay {
  /**
   * @param size bytes to transfer
   * @param end its final state, if there is nothing to do
   */
  add(digest: string, size: number, end?: string): Transfer;
  /** Stops drawing, and leaves the bars on the screen. */
  stop(): void;
}

export interface Transfer {
  /** Sets the number of bytes transferred so far. */
  update(bytes: number): void;
  /** Sets the state: `Extracting`. */
  setState(state: string): void;
  /** Sets the final state: `Pull complete`. */
  end(state: string): void;
}

/** How the states of a transfer are called. */
export interface TransferLabels {
  /** `Pulling fs layer` */
  start: string;
  /** `Downloading` */
  active: string;
}

/** @param count the number of transfers; if the screen has fewer lines, no bars are drawn */
export async function startTransferDisplay(
  output: ProgressOutput | undefined,
  count: number,
  words: TransferLabels,
): Promise<TransferDisplay> {
  if (output === undefined) return { add: () => ({ update() {}, setState() {}, end() {} }), stop() {} };
  const { stream } = output;
  if (!canDraw(stream) || count === 0 || count > stream.rows - 2) return lineDisplay(output, words);
  return await barDisplay(stream, words);
}

function lineDisplay({ printLine }: ProgressOutput, { start }: TransferLabels): TransferDisplay {
  return {
    add(digest, _size, end) {
      const id = shortDigest(digest);
      printLine(`${id}: ${end ?? start}`);
      return { update() {}, setState() {}, end: (state) => printLine(`${id}: ${state}`) };
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
  const stopListening = onInterrupt(() => bars.stop());
  return {
    add(digest, size, end) {
      const id = shortDigest(digest);
      const bar = bars.create(size, 0, { id, state: end ?? 'Waiting', isActive: false } satisfies BarState);
      return {
        update: (bytes) => bar.update(bytes, { state: words.active, isActive: true }),
        setState: (state) => bar.update(size, { state, isActive: false }),
        end: (state) => bar.update(size, { state, isActive: false }),
      };
    },
    stop() {
      stopListening();
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

/** The first twelve hexadecimal digits of a digest, as Docker shows it. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
