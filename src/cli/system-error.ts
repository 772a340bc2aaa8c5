import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { dataFolder } from '../sys/paths.js';

/**
 * The message for an error of Node that the machine causes, such as a full disk. Undefined for any other error, which is a
 * bug of foster.
 */
export function systemFailure(error: unknown): string | undefined {
  const code = errnoOf(error);
  if (code !== undefined && error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd')
    return `cannot find out the working directory: ${errnoWords(errnoNumber(code))}; it may have been removed: cd to another one`;
  const advice = code === undefined ? undefined : ADVICE[code]?.();
  if (code === undefined || advice === undefined) return undefined;
  const path = error instanceof Error && 'path' in error ? ` at ${error.path}` : '';
  return `foster cannot continue: ${errnoWords(errnoNumber(code))}${path}; ${advice}`;
}

const room = () => `free some space on the disk of ${dataFolder()}: 'foster prune' removes ended containers`;
const access = () => `check that ${dataFolder()} and everything in it belong to you and are writable`;
const files = () => "end other programs, or raise the limit: 'ulimit -n'";

const ADVICE: Readonly<Record<string, () => string>> = {
  ENOSPC: room,
  EDQUOT: room,
  EROFS: access,
  EMFILE: files,
  ENFILE: files,
  EIO: () => "the disk may be failing: 'dmesg' may say more",
};
