import { readFileSync } from 'node:fs';
import { FosterError } from './errors.js';

/** capabilities(7) of Linux 5.9 and later; the index is the number. */
export const CAPABILITY_NAMES: readonly string[] = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

/** Docker's default set: what programs written for root usually need. */
const DEFAULTS = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_AUDIT_WRITE',
  'CAP_SETFCAP',
];

const ALL = 'CAP_ALL';

/**
 * The number of a capability: 0 for `CAP_CHOWN`, 40 for `CAP_CHECKPOINT_RESTORE`.
 * @throws Error for an unknown name; names are in upper case, with CAP_
 */
export function capabilityNumber(name: string): number {
  const number = CAPABILITY_NAMES.indexOf(name);
  if (number < 0) throw new Error(`there is no capability ${name}`);
  return number;
}

/**
 * Applies `--cap-add` and `--cap-drop` to Docker's default set. The result is sorted by number. A capability that is
 * both added and dropped is added, as in Docker; but with ALL added, those dropped by name are missing.
 * @param added names with or without CAP_, in any case, or ALL
 * @throws FosterError for an unknown name
 */
export function resolveCapabilities(added: string[], dropped: string[]): string[] {
  const add = new Set(added.map((name) => parse('--cap-add', name)));
  const drop = new Set(dropped.map((name) => parse('--cap-drop', name)));
  if (add.has(ALL) && drop.has(ALL)) {
    throw new FosterError('--cap-drop ALL contradicts adding ALL, which --privileged also does', {
      advice: 'add ALL and drop some by name, or drop ALL and add some',
    });
  }
  if (add.has(ALL)) return CAPABILITY_NAMES.filter((name) => !drop.has(name));
  return CAPABILITY_NAMES.filter(
    (name) => add.has(name) || (DEFAULTS.includes(name) && !drop.has(name) && !drop.has(ALL)),
  );
}

/** The capabilities of this process: inside a container, not even root has all of them. */
export function ownCapabilities(): string[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const set = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? 0}`);
  const own = set('CapPrm') & set('CapBnd');
  return CAPABILITY_NAMES.filter((_, number) => (own >> BigInt(number)) & 1n);
}

function parse(flag: string, value: string): string {
  const upper = value.toUpperCase();
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (name === ALL || CAPABILITY_NAMES.includes(name)) return name;
  throw new FosterError(`${flag} '${value.replace(/[^ -~]/g, '?')}': unknown capability`, {
    advice: 'expected ALL or a name of capabilities(7) such as NET_ADMIN',
  });
}
