import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * The first of so many free ports in a row. They are below those that the kernel chooses for others (32768 and more: ip(7)), so
 * that none is taken before it is used.
 */
export async function freePorts(count = 1): Promise<number> {
  for (;;) {
    const first = randomInt(20_000, 32_768 - count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const areFree = await Promise.all(ports.map(isFree));
    if (areFree.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
