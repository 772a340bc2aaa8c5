import { callInThread, callRaw, hasFunction } from '../../sys/ffi.js';
import { type InflateEngine, progressOf, type StreamLayout, setPieces } from './engine.js';

/**
 * ISA-L, which inflates twice as fast as zlib (Debian's package libisal2): igzip_lib.h, struct inflate_state. Its first
 * members have not changed since 2017, the others have, so `probe.ts` tries it out before it is used.
 */
const LIBRARY = 'libisal.so.2';
const LAYOUT: StreamLayout = { nextOutput: 0, outputLeft: 8, nextInput: 16, inputLeft: 32 };
const BLOCK_STATE = 21160;
const CRC_FLAG = 21172;
/** Of 2.30; with room for later versions. */
const STATE_SIZE = 87368 + 40_000;

const ISAL_GZIP = 1;
const ISAL_BLOCK_FINISH = 5;

/** @returns undefined if it is not installed */
export function findIsal(): InflateEngine | undefined {
  if (!hasFunction(LIBRARY, 'isal_inflate')) return undefined;
  return {
    name: 'ISA-L',
    start() {
      const state = Buffer.alloc(STATE_SIZE);
      callRaw(LIBRARY, 'void isal_inflate_init(void *state)', state);
      state.writeUInt32LE(ISAL_GZIP, CRC_FLAG);
      return state;
    },
    reset(state) {
      callRaw(LIBRARY, 'void isal_inflate_reset(void *state)', state);
    },
    free() {},
    async run(state, input, output) {
      setPieces(state, LAYOUT, input, output);
      const result = await callInThread(LIBRARY, 'int isal_inflate(void *state)', state);
      if (result < 0) return undefined;
      const isEnd = state.readUInt32LE(BLOCK_STATE) === ISAL_BLOCK_FINISH;
      return { ...progressOf(state, LAYOUT, input, output), isEnd };
    },
  };
}
