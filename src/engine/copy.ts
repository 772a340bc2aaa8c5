import { once } from 'node:events';
import { resolve } from 'node:path';
import { FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import type { CopyOrder } from './own-process.js';

export type { CopyOrder };

/**
 * Copies a file or directory between a container and the host, or between containers. `-` on the host's side is a tar
 * archive on the standard streams, which only commands may use. Copying blocks, so for a program that uses the library
 * another process does it.
 * @throws FosterError
 */
export async function copy(order: CopyOrder): Promise<void> {
  if (surroundings().ownsProcess) {
    const { copyHere } = await import('./copy-here.js');
    copyHere(order, surroundings().warn);
    return;
  }
  const { findContainer } = await import('../container/store.js');
  const { id } = findContainer(order.container).record;
  if (order.direction === 'between') {
    const other = findContainer(order.other ?? '').record.id;
    return await copyElsewhere({ ...order, container: id, other });
  }
  const [host, container] =
    order.direction === 'in' ? (['source', 'destination'] as const) : (['destination', 'source'] as const);
  if (order[host] === '-')
    throw new FosterError('cannot copy from or to the standard streams of a program', { kind: 'invalid' });
  await copyElsewhere({
    ...order,
    container: id,
    [host]: absolute(order[host]),
    [container]: order[container],
  });
}

async function copyElsewhere(order: CopyOrder): Promise<void> {
  const { startOwnProcess } = await import('./own-process.js');
  const { onInterrupt } = await import('../worker/interrupt.js');
  const { child, failure } = startOwnProcess({ kind: 'copy', order }, ['ignore', 'ignore', 'ignore']);
  const stopListening = onInterrupt(() => void child.kill('SIGKILL'));
  try {
    const [[code, signal], error] = await Promise.all([once(child, 'close'), failure]);
    if (error !== undefined) throw error;
    if (code !== 0) throw new FosterError(`the helper that copies has ended: ${code ?? signal}`);
  } finally {
    stopListening();
  }
}

/** The end of the path matters: `DIRECTORY/.` means the contents of the directory. */
function absolute(path: string): string {
  const end = /(\/\.?)?$/.exec(path)?.[0] ?? '';
  const whole = resolve(path);
  return whole === '/' ? whole : `${whole}${end}`;
}
