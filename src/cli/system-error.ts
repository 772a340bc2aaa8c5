import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { dataFolder } from '../sys/paths.js';

/**
 * What to say of an error of Node that the machine is the reason of, and not a mistake of foster's: a full disk and the
 * like. Undefined for any other.
 */
export function systemFailure(error: unknown): string | undefined {
  const code = errnoOf(error);
  if (code !== undefined && error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd')
    return `cannot tell what the working directory is: ${errnoWords(errnoNumber(code))}; it may have been removed: cd to another one`;
  const advice = code === undefined ? undefined : ADVICE[code]?.();
  if (code === undefined || advice === undefined) return undefined;
  const path = error instanceof Error && 'path' in error ? ` at ${error.path}` : '';
  return `the machine does not let foster go on: ${errnoWords(errnoNumber(code))}${path}; ${advice}`;
}

const room = () => `free some space on the disk of ${dataFolder()}: 'foster prune' removes ended containers`;
const access = () => `see that ${dataFolder()} and all in it belong to you and can be written to`;
const files = () => "end other programs, or raise the limit: 'ulimit -n'";

const ADVICE: Readonly<Record<string, () => string>> = {
  ENOSPC: room,
  EDQUOT: room,
  EROFS: access,
  EMFILE: files,
  ENFILE: files,
  EIO: () => "the disk may be failing: 'dmesg' tells more",
};
