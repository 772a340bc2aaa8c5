import type { Command } from 'commander';
import type { RunSettings } from '../../engine/builds.js';
import { flagError, unsupportedValue } from '../../spec/parse/flag.js';
import { parseHostOrPrivate, parseIpc } from '../../spec/parse/namespaces.js';

/** The namespaces that RUN shares with the host. */
export interface NamespaceFlags {
  ipc?: string;
  uts?: string;
  cgroupns?: string;
  pid?: string;
  userns?: string;
}

export function addNamespaceOptions(command: Command): void {
  command
    .option('--ipc <MODE>', 'IPC namespace in RUN: private or host')
    .option('--uts <MODE>', 'host name in RUN: private or host')
    .option('--cgroupns <MODE>', 'cgroup namespace in RUN: private or host')
    .option('--pid <MODE>', 'PID namespace in RUN: private')
    .option('--userns <MODE>', 'user namespace in RUN: container');
}

/** The namespaces that differ from the default; they are part of the cache key. @throws FosterError */
export function namespaceSettings(flags: NamespaceFlags): Pick<RunSettings, 'ipc' | 'uts' | 'cgroupns'> {
  const { ipc = '', uts = '', cgroupns = '', pid = '', userns = '' } = flags;
  checkPid(pid);
  checkUserns(userns);
  return {
    ...(parseIpc(ipc) !== 'private' && { ipc: parseIpc(ipc) }),
    ...(parseHostOrPrivate('--uts', uts) === 'host' && { uts: 'host' }),
    ...(parseHostOrPrivate('--cgroupns', cgroupns) === 'host' && { cgroupns: 'host' }),
  };
}

function checkPid(value: string): void {
  if (value === '' || value === 'private') return;
  if (value !== 'host') throw flagError('--pid', value, 'expected private');
  throw unsupportedValue(
    '--pid',
    value,
    'all processes of a RUN end with it, which their PID namespace sees to',
  );
}

function checkUserns(value: string): void {
  if (['', 'private', 'container', 'auto'].includes(value)) return;
  if (value !== 'host') throw flagError('--userns', value, 'expected container');
  throw unsupportedValue('--userns', value, 'the files of images belong to the ids of the user namespace');
}
