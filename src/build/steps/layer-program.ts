import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { IdMaps } from '../../spec/id-maps.js';
import { pipe } from '../../sys/libc.js';
import { type RunningWorker, startWorker } from '../../worker/start-worker.js';
import { joinInputs, type LayerInput } from '../context/inputs.js';
import type { LayerOrder, LayerResult } from './layer-protocol.js';

/** The running helper. */
export interface LayerProgram {
  /** Resolves when the layer is packed. @throws FosterError */
  report: Promise<LayerResult>;
  /** Kills it and waits for its end. */
  kill(): void;
}

/**
 * Starts the helper that makes a layer (build-layer-main.ts) in a user namespace with the container's id maps.
 * @param output descriptor of the file for the compressed layer
 * @throws FosterError if no user namespace can be created
 */
export function startLayerProgram(
  order: LayerOrder,
  maps: IdMaps,
  inputs: LayerInput[],
  output: number,
): LayerProgram {
  const piped = pipe();
  let worker: RunningWorker<LayerResult>;
  try {
    worker = startWorker({
      program: 'build-layer-main',
      name: 'foster-layer',
      title: 'the helper that makes layers',
      order,
      maps,
      files: [output, piped[0]],
    });
  } catch (error) {
    closeSync(piped[1]);
    throw error;
  } finally {
    closeSync(piped[0]);
  }
  return { report: resultOf(worker, feed(inputs, piped[1])), kill: () => worker.kill() };
}

/** Returns the error of reading a file, if any. */
async function feed(inputs: LayerInput[], fd: number): Promise<unknown> {
  let failure: unknown;
  const source = joinInputs(inputs);
  async function* pieces(): AsyncGenerator<Buffer> {
    try {
      for (let next = await nextPiece(); !next.done; next = await nextPiece()) yield next.value;
    } finally {
      await source.return(undefined);
    }
  }
  // Not around the `yield`, which also throws the errors of the pipe.
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
    pipe.on('error', () => {}); // also after a second write, when the pipeline has ended
    await pipeline(Readable.from(pieces(), { highWaterMark: 4 }), pipe);
  } catch {
    // the helper has ended and reports why, or this is the failure
  }
  return failure;
}

/** If the helper has failed, an unreadable input is the reason. */
async function resultOf(worker: RunningWorker<LayerResult>, feeding: Promise<unknown>): Promise<LayerResult> {
  const [outcome] = await Promise.allSettled([worker.result()]);
  const failure = await feeding;
  if (failure !== undefined) throw failure;
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}
