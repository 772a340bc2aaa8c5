import { readFileSync } from 'node:fs';
import { readText, shown } from '../../compose/discover.js';
import type { Ignore } from '../../kube/check.js';
import type { KubeObject } from '../../kube/place.js';
import { kubeText, readObjects } from '../../kube/read.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';

/** Bytes: a file of Kubernetes is smaller. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Milliseconds. */
const TIMEOUT = 30_000;

/**
 * Reads the objects of a file.
 * @param file a path, `-` for standard input, or the address of a file: `http://` on this machine only
 * @param options.onlyNames what is wrong is a warning, as long as names can be read
 * @throws FosterError that says where something is wrong
 */
export async function readFile(
  file: string,
  { strict, onlyNames = false }: { strict: boolean; onlyNames?: boolean },
): Promise<KubeObject[]> {
  const cwd = process.cwd();
  const text =
    file === '-' ? readFileSync(0, 'utf8') : isAddress(file) ? await download(file) : readText(file);
  const name = file === '-' ? 'standard input' : isAddress(file) ? file : shown(file, cwd);
  return readObjects(
    { ...kubeText(file === '-' || isAddress(file) ? '.' : file, cwd, text), name },
    ignoring(strict),
    onlyNames ? (error) => surroundings().warn(error.message) : undefined,
  );
}

/** What is left out is a warning, unless it is an error. */
export function ignoring(strict: boolean): Ignore | undefined {
  if (strict) return undefined;
  return (error) => surroundings().warn(`${error.message}; it is left out`);
}

function isAddress(file: string): boolean {
  return /^https?:\/\//.test(file);
}

async function download(address: string): Promise<string> {
  const url = addressOf(address);
  if (url.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname))
    throw new FosterError(`${address} is not read: what comes by http could have been changed on its way`, {
      kind: 'invalid',
      advice: 'use https',
      exitCode: 1,
    });
  try {
    const { signal } = surroundings();
    const limit = AbortSignal.timeout(TIMEOUT);
    const response = await fetch(url, {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      redirect: 'error',
    });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return await limitedText(response);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new FosterError(
      `cannot read ${address}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { exitCode: 1, cause: error },
    );
  }
}

function addressOf(address: string): URL {
  try {
    return new URL(address);
  } catch {
    throw new FosterError(`${address} is not an address`, { kind: 'invalid', exitCode: 1 });
  }
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error('the file is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
