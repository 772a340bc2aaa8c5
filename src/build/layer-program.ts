import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FosterError } from '../errors.js';
import { withCaller } from '../image/unpack.js';
import { hasOneOwner, type IdMaps } from '../sys/id-maps.js';
import { pipe, takeMemoryFile, waitForChild } from '../sys/libc.js';
import { howItEnded, type Reporter, readReport, startReporter } from '../sys/node-program.js';
import type { LayerOrder, LayerReport } from './layer-protocol.js';

/** What an input of the program is: bytes that come meanwhile, or a file of ours. */
export type LayerInput = Iterable<Buffer> | AsyncIterable<Buffer> | { fd: number };

/** The program at work. */
export interface LayerProgram {
  /** Comes when the layer is packed. @throws FosterError */
  report: Promise<Exclude<LayerReport, { error: string }>>;
  /** Ends it at once, and waits. */
  kill(): void;
}

/**
 * Starts the program that makes a layer (build-layer-main.ts) in a user namespace with the container's id maps.
 * @param output descriptor of the file that the compressed layer goes to
 * @throws FosterError where there are no user namespaces to be had
 */
export function startLayerProgram(
  order: Omit<LayerOrder, 'hasOneOwner'>,
  maps: IdMaps,
  inputs: LayerInput[],
  output: number,
): LayerProgram {
  const whole: LayerOrder = { ...order, hasOneOwner: hasOneOwner(maps) };
  const piped = inputs.map((input) => ('fd' in input ? undefined : pipe()));
  let program: Reporter;
  try {
    program = startReporter({
      name: 'foster-layer',
      argv: [join(__dirname, 'build-layer-main.cjs'), JSON.stringify(whole)],
      maps: withCaller(maps),
      files: [output, ...inputs.map((input, index) => ('fd' in input ? input.fd : piped[index]?.[0]))],
    });
  } catch (error) {
    for (const ends of piped) if (ends !== undefined) closeSync(ends[1]);
    throw error;
  } finally {
    for (const ends of piped) if (ends !== undefined) closeSync(ends[0]);
  }
  const { pid, report, errors } = program;
  const feeding = Promise.all(inputs.map((input, index) => feed(input, piped[index]?.[1])));
  let isOver = false;
  const end = () => {
    if (isOver) return undefined;
    isOver = true;
    return { status: waitForChild(pid), said: takeMemoryFile(errors) };
  };
  return {
    report: finished(report, feeding, end),
    kill() {
      if (!isOver) process.kill(pid, 'SIGKILL');
      end();
    },
  };
}

/** Returns what went wrong on our side: nothing, or the reason why a file could not be read. */
async function feed(input: LayerInput, fd: number | undefined): Promise<unknown> {
  if ('fd' in input || fd === undefined) return undefined;
  let failure: unknown;
  const source = Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]();
  async function* pieces(): AsyncGenerator<Buffer> {
    try {
      for (let next = await nextPiece(); !next.done; next = await nextPiece()) yield next.value;
    } finally {
      await source.return?.();
    }
  }
  // Not around the `yield`, where what went wrong with the pipe is thrown too.
  async function nextPiece(): Promise<IteratorResult<Buffer>> {
    try {
      return await source.next();
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  const pipe = new Socket({ fd, readable: false, writable: true });
  try {
    pipe.on('error', () => {}); // also of a second write, when the pipeline has ended
    await pipeline(Readable.from(pieces(), { highWaterMark: 4 }), pipe);
  } catch {
    // the program has ended, and says why, or it is our own failure
  }
  return failure;
}

async function finished(
  fd: number,
  feeding: Promise<unknown[]>,
  end: () => { status: { code: number; signal: number }; said: string } | undefined,
): Promise<Exclude<LayerReport, { error: string }>> {
  const text = await readReport(fd);
  const ended = end();
  const failure = (await feeding).find((each) => each !== undefined);
  if (failure !== undefined) throw failure;
  if (text === '') {
    const { status = { code: 0, signal: 0 }, said = '' } = ended ?? {};
    throw new FosterError(`the program that makes layers ${howItEnded(status, said)}`);
  }
  const report = JSON.parse(text) as LayerReport;
  if (!('error' in report)) return report;
  throw new FosterError(report.error, { exitCode: 1, ...(report.advice && { advice: report.advice }) });
}
