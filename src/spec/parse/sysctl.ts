import type { RunRequest } from '../request.js';
import { flagError } from './flag.js';

/**
 * Parses a `--sysctl` value, `NAME=VALUE`, for a kernel parameter that belongs to a namespace of the container. Others
 * apply to the whole machine, and are refused.
 * @throws FosterError
 */
export function parseSysctl(
  value: string,
  { network, ipc, uts }: Pick<RunRequest, 'network'> & Partial<Pick<RunRequest, 'ipc' | 'uts'>>,
): { name: string; value: string } {
  const equals = value.indexOf('=');
  if (equals < 1)
    throw flagError('--sysctl', value, 'expected NAME=VALUE, for example net.ipv4.ip_forward=1');
  const name = value.slice(0, equals).trim();
  // the name becomes a path below /proc/sys: no empty component, no '..', no slash
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i.test(name)) {
    throw flagError('--sysctl', value, 'expected words separated by dots, such as kernel.shmmax');
  }
  if (name.startsWith('net.')) {
    if (network === 'host') {
      throw flagError('--sysctl', value, 'with --network host, network parameters belong to the host');
    }
  } else if (!isNamespaced(name)) {
    throw flagError(
      '--sysctl',
      value,
      `${name} is not namespaced: it has one value for the whole machine`,
      'a container may set kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*, net.*, kernel.hostname, kernel.domainname',
    );
  }
  if (ipc === 'host' && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name))
    throw flagError('--sysctl', value, 'with --ipc host, this parameter belongs to the host');
  if (uts === 'host' && /^kernel\.(host|domain)name$/.test(name))
    throw flagError('--sysctl', value, 'with --uts host, this parameter belongs to the host');
  return { name, value: value.slice(equals + 1) };
}

function isNamespaced(name: string): boolean {
  return /^(kernel\.(shm\w*|msg\w*|sem|hostname|domainname)|fs\.mqueue\..+)$/.test(name);
}
