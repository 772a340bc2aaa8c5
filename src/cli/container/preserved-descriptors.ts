import { readlinkSync } from 'node:fs';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';

const FIRST = 3;

/**
 * Makes sure that the descriptors of --preserve-fds are those that the caller has given us. What Node opens first is an
 * epoll(7) instance, which gets the lowest number that is free: so one that is missing is found before any other of Node's.
 * @throws FosterError if one is closed, or Node's own
 */
export function checkPreserved(count: number): void {
  for (let fd = FIRST; fd < FIRST + count; fd++) {
    if (isCallers(fd)) continue;
    throw new FosterError(`--preserve-fds ${count}: descriptor ${fd} is not open`, {
      kind: 'invalid',
      advice: `open all from ${FIRST} to ${FIRST + count - 1}: foster ... ${fd}<FILE`,
    });
  }
}

function isCallers(fd: number): boolean {
  try {
    return !/^anon_inode:\[(eventpoll|eventfd|io_uring)\]$/.test(readlinkSync(`/proc/self/fd/${fd}`));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
