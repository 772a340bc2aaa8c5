import { type ChildProcess, spawn } from 'node:child_process';
import zlib from 'node:zlib';
import { installCommand } from '../sys/packages.js';
import type { UnpackReport } from './unpack-protocol.js';

/** zstd(1), because Node supports zstd only since 22.15. */
export interface ZstdProgram {
  readonly child: ChildProcess;
  /** What it has complained about. */
  complaint(): string;
}

/** Whether zstd needs the program. */
export function needsZstdProgram(): boolean {
  return !('createZstdDecompress' in zlib);
}

/** Starts it. @param input a descriptor, or `pipe` for a pipe to `child.stdin` */
export function startZstd(input: number | 'pipe', output: number): ZstdProgram {
  const child = spawn('zstd', ['-dcq', '--no-progress'], { stdio: [input, output, 'pipe'] });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    complaint = (complaint + piece).slice(0, 1000);
  });
  return { child, complaint: () => complaint };
}

/** The report of an unpacker that reads its output: to the unpacker, a corrupt zstd file looks like a truncated archive. */
export async function afterZstd(
  { child, complaint }: ZstdProgram,
  unpacked: Promise<UnpackReport>,
): Promise<UnpackReport> {
  const ended = new Promise<number | undefined>((done) => {
    child.on('error', () => done(undefined));
    child.on('close', (code) => done(code ?? 0)); // null: killed by this process, or by SIGPIPE
  });
  const report = await unpacked;
  const code = await ended;
  if (code === undefined) {
    return {
      error: 'zstd is not installed, and this version of Node does not support it',
      advice: installCommand('zstd'),
    };
  }
  if (code === 0) return report;
  const why = complaint().trim().split('\n').at(-1)?.replace(/^.*: /, '') ?? '';
  return { error: `the compressed file is corrupt or truncated (${why})` };
}
