import { errnoName, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { SystemCallError } from '../sys/ffi.js';
import { type HostSecurity, namespaceObstacle } from './namespace-obstacle.js';

/** The error for a failed clone(2): most often, this machine does not let users create namespaces. */
export function cloneFailure(error: unknown): unknown {
  if (!(error instanceof SystemCallError)) return error;
  const advice = adviceOnNamespaces(errnoName(error.errno));
  return new FosterError(
    `cannot start a process in new namespaces: ${error.call}: ${errnoWords(error.errno)}`,
    {
      ...(advice === undefined ? {} : { advice }),
      cause: error,
    },
  );
}

/**
 * What keeps users from creating namespaces, if something is known to, and how to change it, as the end of a sentence.
 * @param errno name of the errno with which clone(2), or the first call in the new namespaces, failed
 * @param host where to look, by default on this machine
 */
export function adviceOnNamespaces(errno: string, host: HostSecurity = {}): string | undefined {
  const obstacle = namespaceObstacle(errno, host);
  if (obstacle === undefined) return undefined;
  const { because, command, advice } = obstacle;
  return [because, command && `as root: ${command}`, advice].filter(Boolean).join('; ');
}
