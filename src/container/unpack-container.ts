import { Socket } from 'node:net';
import { surroundings } from '../sys/surroundings.js';
import { TarReader } from '../tar/reader.js';
import { onInterrupt } from '../worker/interrupt.js';
import { copyPath, HOST } from './copy/paths.js';
import { CopySink } from './copy/sink.js';
import type { Container } from './store.js';
import { readTreeByPipe } from './tree.js';

/**
 * Writes all files of a container, without its volumes, to a directory of the host. They belong to the caller, and links
 * that are there already are not followed.
 * @throws FosterError
 */
export async function unpackContainer(container: Container, directory: string): Promise<void> {
  const { read, program } = readTreeByPipe(container, 'export');
  const done = program.done;
  done.catch(() => {}); // it is awaited later
  const stopListening = onInterrupt(program.kill);
  const input = new Socket({ fd: read, readable: true, writable: false });
  const sink = new CopySink(copyPath(HOST, directory), {
    isStream: true,
    keepOwners: false,
    keepSetIds: false,
  });
  try {
    const reader = new TarReader(sink);
    for await (const piece of input) reader.push(piece as Buffer);
    await done; // its error says more than the end of the archive
    reader.end();
    sink.finish();
    if (sink.skipped > 0) surroundings().warn(`${sink.skipped} devices of the image are not in ${directory}`);
  } finally {
    program.kill();
    input.destroy();
    sink.close();
    stopListening();
  }
}
