import { addressOf } from '../../sys/ffi.js';

/** A library that inflates gzip: RFC 1952. Its state is a C structure, in a Buffer. */
export interface InflateEngine {
  readonly name: string;
  /** The state for a new stream. */
  start(): Buffer;
  /** Prepares the state of a stream whose member has ended for the next member. */
  reset(state: Buffer): void;
  /** Frees what belongs to the state. */
  free(state: Buffer): void;
  /**
   * Continues in another thread. Takes input and makes output until it runs out of one of them, or the member ends.
   * @returns undefined if the input is corrupt
   */
  run(state: Buffer, input: Buffer, output: Buffer): Promise<Progress | undefined>;
}

export interface Progress {
  /** Bytes of the input that were taken, and bytes of output that were made. */
  taken: number;
  made: number;
  /** Whether the member has ended, with the right checksum and size. */
  isEnd: boolean;
}

/** Where a structure has its pointers (64 bits) and counts (32 bits). */
export interface StreamLayout {
  nextInput: number;
  inputLeft: number;
  nextOutput: number;
  outputLeft: number;
}

/** Sets input and output of a structure. */
export function setPieces(state: Buffer, layout: StreamLayout, input: Buffer, output: Buffer): void {
  state.writeBigUInt64LE(input.length === 0 ? 0n : addressOf(input), layout.nextInput);
  state.writeUInt32LE(input.length, layout.inputLeft);
  state.writeBigUInt64LE(addressOf(output), layout.nextOutput);
  state.writeUInt32LE(output.length, layout.outputLeft);
}

/** What was taken and made since `setPieces`. @throws Error if the numbers make no sense */
export function progressOf(
  state: Buffer,
  layout: StreamLayout,
  input: Buffer,
  output: Buffer,
): Omit<Progress, 'isEnd'> {
  const taken = input.length - state.readUInt32LE(layout.inputLeft);
  const made = output.length - state.readUInt32LE(layout.outputLeft);
  if (taken < 0 || made < 0) throw new Error('the library that inflates has returned an impossible number');
  return { taken, made };
}
