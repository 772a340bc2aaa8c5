import { copyBetween, copyIn, copyOut } from '../container/copy/copy.js';
import { findContainer } from '../container/store.js';
import type { CopyOrder } from './own-process.js';

/** Copies in this process, and blocks it until the copy is done: copy.ts. @throws FosterError */
export function copyHere(order: CopyOrder, warn: (sentence: string) => void): void {
  const { direction, other = '', source, destination, archive, followLink, overwrite } = order;
  const container = findContainer(order.container);
  const options = { archive, followLink, overwrite, warn };
  if (direction === 'between')
    copyBetween({ container, path: source }, { container: findContainer(other), path: destination }, options);
  else if (direction === 'in') copyIn(source, container, destination, options);
  else copyOut(container, source, destination, options);
}
