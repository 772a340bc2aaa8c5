import * as wire from '../sys/wire-constants.js';
import { shorten } from './render.js';
import type { StartProgram } from './step.js';

/** What fuse-overlayfs lays over each other, and where: absolute paths of the host. */
export interface StorageProgram {
  /** The program itself. */
  program: string;
  /** A folder with `root`, the place to mount on, and `upper` and `work`, which are made where they are missing. */
  container: string;
  /** The uppermost first. */
  layers: readonly string[];
}

/** How the program is started: see run_storage in src/init/storage.c. */
export interface StorageWishes {
  /** Which namespaces of PID 1 it joins; none: it mounts in ours. */
  joins?: 'user and mount' | 'mount';
  /** Nothing can be written; `upper` is just a layer like others, and to be named among them. */
  isReadOnly?: boolean;
  /** It goes on when we end, until its mount is gone. */
  outlivesUs?: boolean;
}

/** How long the program may write what it still has to when its mount is gone. Milliseconds. */
const PATIENCE = 2000;

const WITHOUT_FUSE = '"foster --storage-driver copy" works without it';

/** By the number of the part. */
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

/** The host step that starts fuse-overlayfs. When it is done, `root` is mounted; who uses it waits for the program. */
export function storageStep(storage: StorageProgram, wishes: StorageWishes): StartProgram {
  const { program, container, layers } = storage;
  const letters = [
    wishes.joins === undefined ? '' : 'm',
    wishes.joins === 'user and mount' ? 'u' : '',
    wishes.isReadOnly ? 'r' : '',
    wishes.outlivesUs ? '' : 'd',
  ];
  const options = `lowerdir=${layers.join(':')},upperdir=${container}/upper,workdir=${container}/work`;
  const shown = [shorten(options), `${container}/root`].map((text) => JSON.stringify(text));
  return {
    kind: 'start',
    name: 'fuse-overlayfs',
    args: ['storage', letters.join(''), program, container, ...layers],
    call: `execve(${JSON.stringify(program)}, ["fuse-overlayfs", "-f", "-o", ${shown.join(', ')}])`,
    why: 'have fuse-overlayfs mount the root filesystem, in the user and mount namespaces of PID 1, but outside of its PID namespace',
    parts: PARTS,
    patience: PATIENCE,
    undo: `wait up to ${PATIENCE / 1000} s for it to write what it has and to end, then kill it`,
    // What the kernel says of a file system whose program is gone.
    loss: {
      errnos: ['ENOTCONN', 'ECONNABORTED', 'ECONNREFUSED', 'EIO'],
      why: 'make the root filesystem of the container',
      advice: WITHOUT_FUSE,
    },
  };
}
