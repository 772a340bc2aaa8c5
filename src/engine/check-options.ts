import { nearest } from '../spec/nearest.js';
import { FosterError } from '../sys/errors.js';
import type { ExecOptions, RunOptions } from './types.js';

/** What an option's value is; `checked elsewhere` for what its own code looks at. */
type Kind =
  | 'a string'
  | 'a list of strings'
  | 'a number'
  | 'true or false'
  | 'an object'
  | 'checked elsewhere';
type Kinds<Options> = Readonly<Record<keyof Options, Kind>>;

const CALL_AND_STREAMS = {
  signal: 'checked elsewhere',
  onProgress: 'checked elsewhere',
  onWarning: 'checked elsewhere',
  stdin: 'checked elsewhere',
  stdout: 'checked elsewhere',
  stderr: 'checked elsewhere',
  inherit: 'true or false',
  timeout: 'a number',
  maxOutput: 'a number',
} as const;

/** The options of `run` and `create`. */
export const RUN_OPTIONS: Kinds<RunOptions> = {
  ...CALL_AND_STREAMS,
  root: 'checked elsewhere',
  bundle: 'a string',
  command: 'a list of strings',
  name: 'a string',
  replace: 'true or false',
  pod: 'a string',
  initContainer: 'a string',
  remove: 'true or false',
  removeImage: 'true or false',
  env: 'an object',
  envFiles: 'a list of strings',
  envHost: 'true or false',
  envMerge: 'an object',
  unsetEnv: 'a list of strings',
  unsetEnvAll: 'true or false',
  httpProxy: 'true or false',
  workdir: 'a string',
  user: 'a string',
  groups: 'a list of strings',
  umask: 'a string',
  oomScoreAdj: 'a number',
  personality: 'a string',
  hostname: 'a string',
  domainname: 'a string',
  entrypoint: 'a list of strings',
  labels: 'an object',
  labelFiles: 'a list of strings',
  annotations: 'an object',
  volumes: 'a list of strings',
  volumesFrom: 'a list of strings',
  mounts: 'a list of strings',
  tmpfs: 'a list of strings',
  imageVolumes: 'a string',
  devices: 'a list of strings',
  shmSize: 'a number',
  timezone: 'a string',
  readOnly: 'true or false',
  readOnlyTmpfs: 'true or false',
  passwd: 'true or false',
  network: 'checked elsewhere',
  ports: 'a list of strings',
  publishAll: 'true or false',
  expose: 'a list of strings',
  ip: 'a string',
  ip6: 'a string',
  macAddress: 'a string',
  networkAliases: 'a list of strings',
  dns: 'a list of strings',
  dnsSearch: 'a list of strings',
  dnsOptions: 'a list of strings',
  hosts: 'an object',
  noHosts: 'true or false',
  noHostname: 'true or false',
  interactive: 'true or false',
  tty: 'true or false',
  detachKeys: 'a string',
  init: 'true or false',
  signalGroup: 'true or false',
  ulimits: 'a list of strings',
  limits: 'an object',
  cgroupParent: 'a string',
  cgroupConf: 'an object',
  cgroups: 'a string',
  sysctl: 'an object',
  capAdd: 'a list of strings',
  capDrop: 'a list of strings',
  securityOpt: 'a list of strings',
  privileged: 'true or false',
  pid: 'a string',
  ipc: 'a string',
  uts: 'a string',
  cgroupns: 'a string',
  userns: 'a string',
  uidmap: 'a list of strings',
  gidmap: 'a list of strings',
  restart: 'a string',
  stopSignal: 'a string',
  stopTimeout: 'a number',
  timeLimit: 'a number',
  pull: 'a string',
  platform: 'a string',
  tlsVerify: 'true or false',
  rootfs: 'true or false',
  maxUnpackedSize: 'a number',
  log: 'an object',
  health: 'checked elsewhere',
  cidfile: 'a string',
  pidfile: 'a string',
};

/** The options of `exec`. */
export const EXEC_OPTIONS: Kinds<ExecOptions> = {
  ...CALL_AND_STREAMS,
  command: 'a list of strings',
  env: 'an object',
  workdir: 'a string',
  user: 'a string',
  tty: 'true or false',
  detach: 'true or false',
  privileged: 'true or false',
};

/**
 * Checks what a compiler checks for programs in TypeScript. Others would get a container that is not the wanted one: with a
 * misspelled `readOnly` it could be written to, and a command that is a string would count as a list of letters.
 * @throws FosterError of the kind `invalid`
 */
export function checkOptions(options: object, kinds: Readonly<Record<string, Kind>>): void {
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) throw unknownOption(name, Object.keys(kinds));
    if (value === undefined || isOf(kind, value)) continue;
    throw new FosterError(`${name}: expected ${kind}, got ${JSON.stringify(value) ?? typeof value}`, {
      kind: 'invalid',
    });
  }
}

function unknownOption(name: string, known: string[]): FosterError {
  const near = nearest(name, known);
  return new FosterError(`there is no option '${name}'`, {
    kind: 'invalid',
    advice: near === undefined ? `the options are ${known.join(', ')}` : `did you mean ${near}?`,
  });
}

function isOf(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case 'a string':
      return typeof value === 'string';
    case 'a number':
      return typeof value === 'number';
    case 'true or false':
      return typeof value === 'boolean';
    case 'a list of strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'an object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'checked elsewhere':
      return true;
  }
}
