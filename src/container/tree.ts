import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { findFuseOverlayfs } from '../launch/storage-program.js';
import { exportTree, finishTree } from '../layers/export-tree.js';
import { startTreeProgram, type TreeProgram } from '../layers/tree-program.js';
import type { TreeOrder } from '../layers/tree-protocol.js';
import { MTAB } from '../spec/mtab.js';
import { layeredDriver } from '../spec/storage-driver.js';
import { about } from '../sys/about.js';
import { FosterError } from '../sys/errors.js';
import { pipe } from '../sys/libc.js';
import { containerFolder } from '../sys/paths.js';
import { OWN_FILES } from './host-facts.js';
import { hasNoFiles, layersOf } from './record.js';
import { mapsOf } from './remove.js';
import type { Container } from './store.js';

/**
 * Starts the helper that reads a container's files.
 * @returns it, and the end of a pipe from which to read what it writes; to be closed
 */
export function readTreeByPipe(
  container: Container,
  action: TreeOrder['action'],
): { read: number; program: TreeProgram } {
  const [read, write] = pipe();
  try {
    return { read, program: readTree(container, action, write) };
  } catch (error) {
    closeSync(read);
    throw error;
  } finally {
    closeSync(write);
  }
}

/** Starts the helper of layers/tree-program.ts, which reads a container's files. */
export function readTree({ record }: Container, action: TreeOrder['action'], output: number): TreeProgram {
  const { driver = 'overlay' } = record;
  if (driver === 'in-place' && action !== 'export') {
    throw new FosterError(`it changes the files in ${record.spec.root.path} themselves`, {
      kind: 'unsupported',
      advice: 'there is nothing to compare them with',
      exitCode: 1,
    });
  }
  if (driver === 'empty') throw hasNoFiles(record);
  const order = {
    action,
    driver: layeredDriver(driver),
    ...(record.driver === 'fuse-overlayfs' && action === 'export' && { program: findFuseOverlayfs() }),
    layers: layersOf(record),
    ...(record.isRootShifted && { isShifted: true }),
    folder: containerFolder(record.id),
    mountPoints: [...record.spec.mounts.map(({ destination }) => destination), ...OWN_FILES, MTAB.path],
  };
  return startTreeProgram(order, mapsOf(record), output);
}

/** Like `readTree`, and waits until it has ended. An interruption kills the helper. @throws FosterError */
export async function writeTree(
  container: Container,
  action: TreeOrder['action'],
  output: number,
): Promise<void> {
  await finishTree(readTree(container, action, output));
}

/**
 * Writes all files of a container, without its volumes, as a tar archive with the container's ids.
 * @param path undefined for standard output
 * @throws FosterError; an existing file is then unchanged
 */
export async function exportContainer(container: Container, path: string | undefined): Promise<void> {
  try {
    await exportTree(path, (output) => readTree(container, 'export', output));
  } catch (error) {
    throw about(`cannot export container ${container.record.name}`, error);
  }
}

/**
 * The changes of a container, each a letter (A added, C changed, D deleted) and a path.
 * @throws FosterError
 */
export async function containerChanges(container: Container): Promise<string[]> {
  const { read, program } = readTreeByPipe(container, 'changes');
  try {
    const [text] = await Promise.all([readText(read), program.done]);
    return text
      .split('\0')
      .slice(0, -1)
      .map((line) => `${line.slice(0, 1)} ${Buffer.from(line.slice(1), 'latin1').toString()}`);
  } catch (error) {
    throw about(`cannot compare container ${container.record.name} with its image`, error);
  }
}

function readText(fd: number): Promise<string> {
  return new Promise((done, fail) => {
    const pieces: Buffer[] = [];
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('error', fail);
    socket.on('close', () => done(Buffer.concat(pieces).toString('latin1')));
  });
}
