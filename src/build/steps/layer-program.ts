import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasOneOwner } from '../../init/id-maps.js';
import { withCaller } from '../../layers/unpack.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { FosterError } from '../../sys/errors.js';
import { memoryFile, pipe, takeMemoryFile, waitForChild } from '../../sys/libc.js';
import { howItEnded, type Reporter, readReport, startReporter } from '../../worker/node-program.js';
import { joinInputs, type LayerInput } from '../context/inputs.js';
import type { LayerOrder, LayerReport } from './layer-protocol.js';

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
  const orderFile = memoryFile('foster-layer-order', Buffer.from(JSON.stringify(whole)));
  const piped = pipe();
  let program: Reporter;
  try {
    program = startReporter({
      name: 'foster-layer',
      argv: [join(__dirname, 'build-layer-main.cjs')],
      maps: withCaller(maps),
      files: [output, orderFile, piped[0]],
    });
  } catch (error) {
    closeSync(piped[1]);
    throw error;
  } finally {
    closeSync(piped[0]);
    closeSync(orderFile);
  }
  const { pid, report, errors } = program;
  const feeding = feed(inputs, piped[1]);
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
  feeding: Promise<unknown>,
  end: () => { status: { code: number; signal: number }; said: string } | undefined,
): Promise<Exclude<LayerReport, { error: string }>> {
  const text = await readReport(fd);
  const ended = end();
  const failure = await feeding;
  if (failure !== undefined) throw failure;
  if (text === '') {
    const { status = { code: 0, signal: 0 }, said = '' } = ended ?? {};
    throw new FosterError(`the program that makes layers ${howItEnded(status, said)}`);
  }
  const report = JSON.parse(text) as LayerReport;
  if (!('error' in report)) return report;
  throw new FosterError(report.error, { exitCode: 1, ...(report.advice && { advice: report.advice }) });
}
