import { spawn } from 'node:child_process';
import { quoted, visible } from '../../spec/parse/flag.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { parseDocument } from '../store/blobs.js';

/** Docker's credential helpers: programs `docker-credential-NAME`, which keep passwords in a keychain. */

/** A helper may have to ask the user for the keychain's password. */
const TIMEOUT_MS = 120_000;
const MAX_OUTPUT = 1024 * 1024;

export interface HelperSecret {
  Username: string;
  Secret: string;
}

/** The program of a helper is not installed. */
export class NoSuchHelper extends FosterError {}

/**
 * The credentials that a helper has for a server, if any.
 * @throws NoSuchHelper, FosterError
 */
export async function getFromHelper(helper: string, server: string): Promise<HelperSecret | undefined> {
  const { status, output } = await run(helper, 'get', server);
  if (status !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw failure(helper, output);
  }
  const { Username, Secret } = parseDocument<Partial<HelperSecret>>(
    Buffer.from(output),
    `the output of docker-credential-${helper}`,
  );
  return typeof Username === 'string' && typeof Secret === 'string' ? { Username, Secret } : undefined;
}

/** @throws NoSuchHelper, FosterError */
export async function storeInHelper(helper: string, server: string, secret: HelperSecret): Promise<void> {
  const { status, output } = await run(helper, 'store', JSON.stringify({ ServerURL: server, ...secret }));
  if (status !== 0) throw failure(helper, output);
}

/** @throws NoSuchHelper, FosterError */
export async function eraseFromHelper(helper: string, server: string): Promise<void> {
  const { status, output } = await run(helper, 'erase', server);
  if (status !== 0 && !/credentials not found/i.test(output)) throw failure(helper, output);
}

function failure(helper: string, output: string): FosterError {
  return new FosterError(`docker-credential-${helper} failed: ${visible(output.trim().slice(0, 300))}`, {
    advice: 'it is named in your credentials file',
  });
}

async function run(helper: string, verb: string, input: string): Promise<{ status: number; output: string }> {
  if (typeof helper !== 'string' || !/^[\w.-]+$/.test(helper)) {
    throw new FosterError(`${quoted(String(helper))} is not the name of a credential helper`);
  }
  const program = `docker-credential-${helper}`;
  return await new Promise((resolve, reject) => {
    const child = spawn(program, [verb], {
      stdio: ['pipe', 'pipe', surroundings().screen === undefined ? 'ignore' : 'inherit'],
      timeout: TIMEOUT_MS,
      env: { ...surroundings().env },
    });
    let output = '';
    child.on('error', (error) => {
      reject(
        errnoOf(error) === 'ENOENT'
          ? new NoSuchHelper(`${program} is not installed`, {
              advice: 'install it, or remove it from your credentials file',
            })
          : new FosterError(`cannot run ${program}: ${error.message}`, { cause: error }),
      );
    });
    child.stdin.on('error', () => {}); // it may exit without reading
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > MAX_OUTPUT) child.kill('SIGKILL');
    });
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
    child.stdin.end(input);
  });
}
