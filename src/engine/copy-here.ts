import { copyIn, copyOut } from '../container/copy/copy.js';
import { findContainer } from '../container/store.js';
import type { CopyOrder } from './own-process.js';

/** Does a copy in this process, which waits for nothing else meanwhile: copy.ts. @throws FosterError */
export function copyHere(order: CopyOrder, warn: (sentence: string) => void): void {
  const { direction, source, destination, archive, followLink } = order;
  const container = findContainer(order.container);
  const options = { archive, followLink, warn };
  if (direction === 'in') copyIn(source, container, destination, options);
  else copyOut(container, source, destination, options);
}
