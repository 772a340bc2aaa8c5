import type { Config, ConfigLinux, DeviceRule, Resources } from './config.js';
import { unsupported } from './reader.js';
import { refuseOtherLimits } from './resources.js';

/**
 * Refuses settings of a config.json that foster does not support yet, by their JSON paths: ignoring them would give a
 * different container. Empty settings are accepted.
 * @throws FosterError
 */
export function refuseUnsupported(config: Config): void {
  const { process, linux } = config;
  for (const [name, hooks] of Object.entries(config.hooks ?? {}))
    refuse(`hooks.${name}`, hooks, 'hooks are not supported yet');
  refuse('process.apparmorProfile', process?.apparmorProfile, 'AppArmor profiles are not supported yet');
  refuse('process.selinuxLabel', process?.selinuxLabel, 'SELinux labels are not supported yet');
  for (const [index, mount] of (config.mounts ?? []).entries()) {
    const problem = 'mounts with their own id mappings are not supported yet';
    refuse(`mounts[${index}].uidMappings`, mount.uidMappings, problem);
    refuse(`mounts[${index}].gidMappings`, mount.gidMappings, problem);
  }
  if (linux !== undefined) refuseOfLinux(linux);
}

function refuseOfLinux(linux: ConfigLinux): void {
  refuse('linux.mountLabel', linux.mountLabel, 'SELinux labels are not supported yet');
  refuse('linux.intelRdt', linux.intelRdt, 'Intel RDT is not supported yet');
  refuse('linux.personality.flags', linux.personality?.flags, 'the specification has no flags yet');
  refuse('linux.seccomp.flags', linux.seccomp?.flags, 'flags of seccomp(2) are not supported yet');
  for (const name of ['listenerPath', 'listenerMetadata'] as const)
    refuse(`linux.seccomp.${name}`, linux.seccomp?.[name], 'seccomp notifications are not supported yet');
  if (linux.resources !== undefined) refuseLimits(linux.resources);
}

function refuseLimits({ devices, ...limits }: Resources): void {
  refuseOtherLimits(limits);
  for (const [index, rule] of (devices ?? []).entries()) {
    if (!isDefaultRule(rule))
      throw unsupported(
        `linux.resources.devices[${index}]`,
        'device rules are not supported yet, except the one that denies all',
      );
  }
}

/** The rule that runtimes write into every config.json: no access to devices except the default ones. */
export function isDefaultRule({ allow, type, major, minor, access }: DeviceRule): boolean {
  const isAny = (number: number | undefined) => number === undefined || number === -1;
  const isOfAll = (type === undefined || type === 'a') && isAny(major) && isAny(minor);
  return !allow && isOfAll && (access === undefined || [...'rwm'].every((letter) => access.includes(letter)));
}

function refuse(path: string, value: unknown, problem: string): void {
  if (!isEmpty(value)) throw unsupported(path, problem);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '') return true;
  return typeof value === 'object' && value !== null && Object.values(value).every(isEmpty);
}
