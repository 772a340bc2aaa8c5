import { wire } from '../sys/wire-constants.js';
import { shorten } from './render.js';
import type { StartProgram } from './step.js';

/** The folders that fuse-overlayfs mounts: absolute paths on the host. */
export interface StorageProgram {
  /** The program itself. */
  program: string;
  /** A folder with the mount point `root`, and `upper` and `work`, which are created if they are missing. */
  container: string;
  /** Topmost first. */
  layers: readonly string[];
}

/** How to start the program: see run_storage in src/init/storage.c. */
export interface StorageOptions {
  /** The namespaces of PID 1 that it joins; by default it mounts in the current ones. */
  joins?: 'user and mount' | 'mount';
  /** Whether the mount is read-only; `upper` is then an ordinary layer, which must be listed in `layers`. */
  isReadOnly?: boolean;
  /** Whether it outlives this process, until its mount is gone. */
  outlivesUs?: boolean;
}

/** Milliseconds that the program may take to exit after its mount is gone. */
const STOP_TIMEOUT = 2000;

const WITHOUT_FUSE = '"foster --storage-driver copy" works without it';

/** Failures by the number of the part. */
const PARTS: StartProgram['parts'] = {
  [wire.STORAGE_JOIN]: { why: 'enter the namespaces of the container' },
  [wire.STORAGE_DEVICE]: {
    why: 'open /dev/fuse',
    advice: 'check that it exists and is writable: "modprobe fuse", "chmod 666 /dev/fuse"',
  },
  [wire.STORAGE_FOLDER]: { why: "use the container's own folder" },
  [wire.STORAGE_MOUNT]: { why: 'mount a FUSE file system', advice: WITHOUT_FUSE },
  [wire.STORAGE_VIEW]: { why: 'show the layers to fuse-overlayfs', advice: WITHOUT_FUSE },
  [wire.STORAGE_LAYER]: { why: 'open a layer of the root filesystem' },
  [wire.STORAGE_PROGRAM]: {
    why: 'execute fuse-overlayfs',
    advice: 'check that it is a program for this machine',
  },
};

/** The host step that starts fuse-overlayfs. When it is done, `root` is mounted. */
export function storageStep(storage: StorageProgram, options: StorageOptions): StartProgram {
  const { program, container, layers } = storage;
  const letters = [
    options.joins === undefined ? '' : 'm',
    options.joins === 'user and mount' ? 'u' : '',
    options.isReadOnly ? 'r' : '',
    options.outlivesUs ? '' : 'd',
  ];
  const mountOptions = `lowerdir=${layers.join(':')},upperdir=${container}/upper,workdir=${container}/work`;
  const shown = [shorten(mountOptions), `${container}/root`].map((text) => JSON.stringify(text));
  return {
    kind: 'start',
    name: 'fuse-overlayfs',
    args: ['storage', letters.join(''), program, container, ...layers],
    call: `execve(${JSON.stringify(program)}, ["fuse-overlayfs", "-f", "-o", ${shown.join(', ')}])`,
    why: 'let fuse-overlayfs mount the root filesystem, in the user and mount namespaces of PID 1, but outside its PID namespace',
    parts: PARTS,
    stopTimeout: STOP_TIMEOUT,
    undo: `wait up to ${STOP_TIMEOUT / 1000} s for it to finish writing and exit, then kill it`,
    // Errors of a file system whose program is gone.
    earlyExit: {
      errnos: ['ENOTCONN', 'ECONNABORTED', 'ECONNREFUSED', 'EIO'],
      why: 'mount the root filesystem of the container',
      advice: WITHOUT_FUSE,
    },
  };
}
