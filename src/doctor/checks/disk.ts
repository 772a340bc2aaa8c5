import { constants, open, statfs } from 'node:fs/promises';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { dataFolderPath } from '../../sys/paths.js';
import { defineCheck, type Failure, type Finding } from '../check.js';
import { failureOf } from '../failure.js';
import { existingFolder } from '../read.js';

interface DiskFacts {
  /** Where images and containers are, or the nearest folder above that exists. */
  folder: string;
  /** Bytes that the caller may still write, and that there are. */
  free: number;
  size: number;
  /** New files that may be made, and all; undefined if the file system makes them as needed. */
  inodes?: { free: number; all: number };
  /** The name of the errno with which a file cannot be made. */
  error?: string;
}

const MB = 1024 * 1024;
/** Less is not enough for a root filesystem; less is not enough for most images. */
const LEAST = 64 * MB;
const LITTLE = 2048 * MB;
const LEAST_FILES = 1000;
const FEW_FILES = 20_000;

/** Room on the file system of the data folder. */
export const DISK = defineCheck<DiskFacts | { failure: Failure }>({
  name: 'disk',
  group: 'reads',
  async probe() {
    try {
      const folder = await existingFolder(dataFolderPath());
      const { bsize, blocks, bavail, files, ffree } = await statfs(folder);
      const error = await errnoOfWriting(folder);
      return {
        folder,
        free: bavail * bsize,
        size: blocks * bsize,
        ...(files > 0 && { inodes: { free: ffree, all: files } }),
        ...(error !== undefined && { error }),
      };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  },
  judge: judgeDisk,
});

/** Writes to a file without a name, open(2), which goes with its descriptor. */
async function errnoOfWriting(folder: string): Promise<string | undefined> {
  const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
  try {
    const file = await open(folder, O_TMPFILE | constants.O_RDWR, 0o600);
    try {
      await file.write(Buffer.alloc(4096));
    } finally {
      await file.close();
    }
    return undefined;
  } catch (error) {
    const code = errnoOf(error);
    // the file system has no such files
    return code === undefined || ['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL'].includes(code)
      ? undefined
      : code;
  }
}

function judgeDisk(facts: DiskFacts | { failure: Failure }): Finding {
  if ('failure' in facts) {
    const { message, advice = 'set HOME or XDG_DATA_HOME to a folder of your own' } = facts.failure;
    return { level: 'fail', found: message, means: 'No container can run.', mend: [{ who: 'you', advice }] };
  }
  const { folder, free, size, inodes, error } = facts;
  const found = `${inUnits(free)} of ${inUnits(size)} free at ${folder}`;
  const mend = [
    { who: 'you', command: 'foster system df' },
    { who: 'you', command: 'foster system prune' },
  ] as const;
  if (error !== undefined) {
    const elsewhere = {
      who: 'you',
      advice: 'choose another folder with --root DIR or XDG_DATA_HOME',
    } as const;
    const isFull = error === 'ENOSPC' || error === 'EDQUOT';
    return {
      level: 'fail',
      found: `${found}; no file can be written there: ${errnoWords(errnoNumber(error))}`,
      means: 'No container can run.',
      mend: isFull ? [...mend] : [elsewhere],
    };
  }
  if (free < LITTLE) {
    const isLeast = free < LEAST;
    const means = isLeast
      ? 'There is no room for a root filesystem, so containers cannot run.'
      : 'Larger images do not fit.';
    return { level: isLeast ? 'fail' : 'warn', found, means, mend: [...mend] };
  }
  if (inodes !== undefined && inodes.free < FEW_FILES) {
    return {
      level: inodes.free < LEAST_FILES ? 'fail' : 'warn',
      found: `${found}, but only ${inodes.free} of ${inodes.all} inodes`,
      means: 'Images have tens of thousands of files, and each takes an inode.',
      mend: [...mend],
    };
  }
  return { level: 'ok', found };
}

function inUnits(bytes: number): string {
  const gigabytes = bytes / (1024 * MB);
  return gigabytes >= 1 ? `${gigabytes.toFixed(1)} GB` : `${Math.floor(bytes / MB)} MB`;
}
