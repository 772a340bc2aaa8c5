import { callInThread, callRaw, hasFunction } from '../../sys/ffi.js';
import { type InflateEngine, progressOf, type StreamLayout, setPieces } from './engine.js';

/** The zlib that Node itself uses and offers to its addons: zlib.h, struct z_stream. */
const LAYOUT: StreamLayout = { nextInput: 0, inputLeft: 8, nextOutput: 24, outputLeft: 32 };
const STATE_SIZE = 112;
/** A window of 32 KiB, and gzip around it: zlib.h, inflateInit2. */
const GZIP_WINDOW = 15 + 16;
/** Only the first character counts. */
const VERSION = '1';

const Z_OK = 0;
const Z_STREAM_END = 1;
/** Nothing could be done without more input or more room. */
const Z_BUF_ERROR = -5;

/** Node's own copy has a prefix; the system's zlib, which some distributions build Node with, has none. */
const PREFIXES = ['Cr_z_', ''];

/** @returns undefined if this Node does not offer it */
export function findZlib(): InflateEngine | undefined {
  const prefix = PREFIXES.find((each) => hasFunction('', `${each}inflate`));
  if (prefix === undefined) return undefined;
  return {
    name: 'zlib',
    start() {
      const state = Buffer.alloc(STATE_SIZE);
      const prototype = `int ${prefix}inflateInit2_(void *stream, int window, const char *version, int size)`;
      const result = callRaw('', prototype, state, GZIP_WINDOW, VERSION, STATE_SIZE);
      if (result !== Z_OK) throw new Error(`zlib cannot be used: ${result}`);
      return state;
    },
    reset(state) {
      callRaw('', `int ${prefix}inflateReset(void *stream)`, state);
    },
    free(state) {
      callRaw('', `int ${prefix}inflateEnd(void *stream)`, state);
    },
    async run(state, input, output) {
      setPieces(state, LAYOUT, input, output);
      const result = await callInThread('', `int ${prefix}inflate(void *stream, int flush)`, state, 0);
      if (![Z_OK, Z_STREAM_END, Z_BUF_ERROR].includes(result)) return undefined;
      return { ...progressOf(state, LAYOUT, input, output), isEnd: result === Z_STREAM_END };
    },
  };
}
