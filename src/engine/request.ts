import { existsSync, readFileSync } from 'node:fs';
import { type MountFlag, type RunFlags, toRequest } from '../spec/parse/run-request.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import type { CreateOptions } from './types.js';

/**
 * The request that options make, checked as those of the command line are.
 * @throws FosterError of the kind `invalid`
 */
export function requestOf(
  options: CreateOptions,
  env: Readonly<Record<string, string | undefined>>,
): RunRequest {
  const { root, command = [], volumes = [], tmpfs = [] } = options;
  if (typeof root !== 'string' || root === '-')
    throw new FosterError(`root ${String(root)}: a directory, a file or the name of an image is needed`, {
      kind: 'invalid',
    });
  const mounts: MountFlag[] = [
    ...volumes.map((value): MountFlag => ({ kind: 'volume', value })),
    ...tmpfs.map((value): MountFlag => ({ kind: 'tmpfs', value })),
  ];
  const context = {
    cwd: process.cwd(),
    env,
    exists: existsSync,
    readText: (path: string) => readFileSync(path, 'utf8'),
  };
  try {
    return toRequest(root, [...command], flagsOf(options), mounts, context);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    const { message, advice, cause } = error;
    throw new FosterError(message, { kind: 'invalid', cause, ...(advice !== undefined && { advice }) });
  }
}

function flagsOf(options: CreateOptions): RunFlags {
  const { log, stopTimeout } = options;
  const flags: { [Name in keyof RunFlags]: RunFlags[Name] | undefined } = {
    name: options.name,
    rm: options.remove,
    label: pairs(options.labels),
    env: pairs(options.env),
    workdir: options.workdir,
    user: options.user,
    hostname: options.hostname,
    entrypoint: options.entrypoint && JSON.stringify(options.entrypoint),
    readOnly: options.readOnly,
    network: options.network,
    dns: list(options.dns),
    addHost: Object.entries(options.hosts ?? {}).map(([name, address]) => `${name}:${address}`),
    interactive: options.interactive,
    tty: options.tty,
    init: options.init,
    ulimit: list(options.ulimits),
    sysctl: pairs(options.sysctl),
    capAdd: list(options.capAdd),
    capDrop: list(options.capDrop),
    securityOpt: list(options.securityOpt),
    privileged: options.privileged,
    pid: options.pid,
    userns: options.userns,
    restart: options.restart,
    stopSignal: options.stopSignal,
    stopTimeout: stopTimeout === undefined ? undefined : String(stopTimeout),
    pull: options.pull,
    platform: options.platform,
    logOpt: [
      ...(log?.maxSize === undefined ? [] : [`max-size=${log.maxSize}`]),
      ...(log?.maxFiles === undefined ? [] : [`max-file=${log.maxFiles}`]),
    ],
    detach: true,
  };
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as RunFlags;
}

function pairs(record: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(record).map(([name, value]) => `${name}=${value}`);
}

function list(values: readonly string[] = []): string[] {
  return [...values];
}
