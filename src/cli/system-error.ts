import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { dataFolder, dataFolderPath } from '../sys/paths.js';

/**
 * The message for an error of Node that the machine causes, such as a full disk. Undefined for any other error, which is a
 * bug of foster.
 */
export function systemFailure(error: unknown): string | undefined {
  const code = errnoOf(error);
  if (code !== undefined && error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd')
    return `cannot find out the working directory: ${errnoWords(errnoNumber(code))}; it may have been removed: cd to another one`;
  if (code !== undefined && isDataFolderMissing(error))
    return `cannot make the data folder ${dataFolderPath()}: ${errnoWords(errnoNumber(code))}; set HOME or XDG_DATA_HOME to a folder of your own, or choose one with --root`;
  const advice = code === undefined ? undefined : ADVICE[code]?.();
  if (code === undefined || advice === undefined) return undefined;
  const path = error instanceof Error && 'path' in error ? ` at ${error.path}` : '';
  return `foster cannot continue: ${errnoWords(errnoNumber(code))}${path}; ${advice}`;
}

/** Whether the data folder, or a folder that it is to be in, cannot be made. */
function isDataFolderMissing(error: unknown): boolean {
  const isOfFolder =
    error instanceof Error && 'syscall' in error && error.syscall === 'mkdir' && 'path' in error;
  return isOfFolder && `${dataFolderPath()}/`.startsWith(`${error.path}/`);
}

const room = () => `free some space on the disk of ${dataFolder()}: 'foster prune' removes ended containers`;
const access = () => `check that ${dataFolder()} and everything in it belong to you and are writable`;
const files = () => "end other programs, or raise the limit: 'ulimit -n'";

const ADVICE: Readonly<Record<string, () => string>> = {
  ENOSPC: room,
  EDQUOT: room,
  EROFS: access,
  EFBIG: () => "raise the limit on the size of files: 'ulimit -f'",
  EMFILE: files,
  ENFILE: files,
  EIO: () => "the disk may be failing: 'dmesg' may say more",
};
