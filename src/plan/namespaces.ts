import { FosterError } from '../sys/errors.js';
import { CLONE } from './constants.js';

/** Types of namespaces, as the OCI runtime-spec calls them, that foster can make: namespaces(7). */
const FLAGS: Readonly<Record<string, keyof typeof CLONE>> = {
  user: 'CLONE_NEWUSER',
  pid: 'CLONE_NEWPID',
  mount: 'CLONE_NEWNS',
  network: 'CLONE_NEWNET',
  uts: 'CLONE_NEWUTS',
  ipc: 'CLONE_NEWIPC',
  cgroup: 'CLONE_NEWCGROUP',
};

/**
 * The flag of clone(2), unshare(2) and setns(2) for a type of namespace.
 * @throws FosterError for one that foster cannot make: to leave it out would share the host's
 */
export function namespaceFlag(type: string): keyof typeof CLONE {
  const flag = Object.hasOwn(FLAGS, type) ? FLAGS[type] : undefined;
  if (flag !== undefined) return flag;
  throw new FosterError(`cannot make a namespace of the type ${JSON.stringify(type)}`, {
    advice: `foster has ${Object.keys(FLAGS).join(', ')}`,
  });
}

/** The flags of all of them, as clone(2) takes them. */
export function namespaceFlags(types: readonly string[]): number {
  return types.reduce((flags, type) => flags | CLONE[namespaceFlag(type)], 0);
}
