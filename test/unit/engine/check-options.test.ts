import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addRunOptions } from '../../../src/cli/container/run-options.js';
import type { CallOptions } from '../../../src/engine/call.js';
import { checkOptions, EXEC_OPTIONS, RUN_OPTIONS } from '../../../src/engine/check-options.js';
import { flagsOf } from '../../../src/engine/request.js';
import type { CreateOptions } from '../../../src/engine/types.js';

test('options of a program in JavaScript that a compiler would refuse', () => {
  const cases: [object, RegExp][] = [
    [{ root: 'busybox', readonly: true }, /^there is no option 'readonly'; did you mean readOnly\?$/],
    [{ completely: 1 }, /^there is no option 'completely'; the options are .*, root, bundle, command, /],
    [{ constructor: 1 }, /^there is no option 'constructor'/],
    [{ command: 'ls' }, /^command: expected a list of strings, got "ls"$/],
    [{ command: ['sleep', 5] }, /^command: expected a list of strings, got \["sleep",5\]$/],
    [{ ports: '8080:80' }, /^ports: expected a list of strings/],
    [{ env: ['A=1'] }, /^env: expected an object, got \["A=1"\]$/],
    [{ env: null }, /^env: expected an object, got null$/],
    [{ remove: 'false' }, /^remove: expected true or false, got "false"$/],
    [{ stopTimeout: '5' }, /^stopTimeout: expected a number/],
    [{ name: () => 'x' }, /^name: expected a string, got function$/],
  ];
  for (const [options, sentence] of cases) {
    assert.throws(
      () => checkOptions(options, RUN_OPTIONS),
      ({ kind, sentence: text }) => kind === 'invalid' && sentence.test(text),
      String(sentence),
    );
  }
  const { signal } = new AbortController();
  checkOptions({ root: 'busybox', command: [], network: ['a'], remove: undefined, signal }, RUN_OPTIONS);
  checkOptions({ command: ['ls'], stdin: 'x', detach: true }, EXEC_OPTIONS);
  assert.throws(() => checkOptions({ command: ['ls'], cwd: '/' }, EXEC_OPTIONS), /no option 'cwd'/);
});

/** Without the lists that are empty, since no option has filled them. */
function given(flags: object): object {
  return Object.fromEntries(
    Object.entries(flags).filter(([, value]) => !Array.isArray(value) || value.length > 0),
  );
}

/** Flags that the library needs no option for. */
const ONLY_OF_THE_COMMAND = [
  ...['volume', 'mount', 'tmpfs', 'bundle'], // it has options for them, which take another way
  ...['detach', 'attach', 'sigProxy'], // the methods and their streams
  ...['quiet', 'initVerbose', 'dryRun', 'explain'], // what the command prints
  ...['arch', 'os', 'variant'], // platform
  'podIdFile', // pod
  'authfile', // REGISTRY_AUTH_FILE in the env of `new Foster`
  ...['systemd', 'sdnotify'], // refused, or without effect
];

test('there is an option for each flag of run', () => {
  const disks = { '/dev/sda': 200 };
  const limits: Required<CreateOptions['limits']> = {
    ...{ memory: 1, memorySwap: 1, memoryReservation: 1, memorySwappiness: 1, oomKillDisable: true },
    ...{ cpus: 1, cpuShares: 1, cpuQuota: 1, cpuPeriod: 1, cpuRtRuntime: 1, cpuRtPeriod: 1 },
    ...{ cpusetCpus: '0', cpusetMems: '0', pids: 1, blkioWeight: 1, blkioWeightDevice: disks },
    ...{ deviceReadBps: disks, deviceWriteBps: disks, deviceReadIops: disks, deviceWriteIops: disks },
    ignoreUnenforced: true,
  };
  const health = { interval: 1, timeout: 1, startPeriod: 1, startInterval: 1, retries: 1 };
  const options: Required<Omit<CreateOptions, keyof CallOptions>> = {
    ...{ root: '/', bundle: '/', command: ['x'], name: 'x', replace: true, pod: 'x', initContainer: 'once' },
    ...{
      remove: true,
      removeImage: true,
      env: { x: '' },
      envFiles: ['x'],
      envHost: true,
      envMerge: { x: '' },
    },
    ...{ unsetEnv: ['x'], unsetEnvAll: true, httpProxy: true, workdir: '/', user: 'x', groups: ['x'] },
    ...{
      umask: '0',
      oomScoreAdj: 1,
      personality: 'LINUX',
      hostname: 'x',
      domainname: 'x',
      entrypoint: ['x'],
    },
    ...{ labels: { x: '' }, labelFiles: ['x'], annotations: { x: '' }, volumes: ['/'], volumesFrom: ['x'] },
    ...{ mounts: ['x'], tmpfs: ['/'], imageVolumes: 'ignore', devices: ['/'], shmSize: 1, timezone: 'x' },
    ...{ readOnly: true, readOnlyTmpfs: true, passwd: true, network: 'x', ports: ['1'], publishAll: true },
    ...{ expose: ['1'], ip: 'x', ip6: 'x', macAddress: 'x', networkAliases: ['x'], dns: ['x'] },
    ...{ dnsSearch: ['x'], dnsOptions: ['x'], hosts: { x: 'x' }, noHosts: true, noHostname: true },
    ...{
      interactive: true,
      tty: true,
      detachKeys: '',
      init: true,
      signalGroup: true,
      ulimits: ['x'],
      limits,
    },
    ...{ cgroupParent: 'x', cgroupConf: { x: '' }, cgroups: 'enabled', sysctl: { x: '' }, capAdd: ['x'] },
    ...{ capDrop: ['x'], securityOpt: ['x'], privileged: true, pid: 'x', ipc: 'x', uts: 'host' },
    ...{ cgroupns: 'host', userns: 'auto', uidmap: ['x'], gidmap: ['x'], restart: 'no', stopSignal: 'x' },
    ...{ stopTimeout: 1, timeLimit: 1, pull: 'never', platform: 'x', tlsVerify: true, rootfs: true },
    ...{ maxUnpackedSize: 1, cidfile: 'x', pidfile: 'x' },
    log: { driver: 'none', maxSize: 1, maxFiles: 1, tag: 'x', labels: ['x'], env: ['x'] },
    health: { command: 'x', onFailure: 'kill', ...health },
  };
  checkOptions(options, RUN_OPTIONS);
  const flags = { ...given(flagsOf(options)), ...given(flagsOf({ health: 'none' })) };
  const command = new Command();
  addRunOptions(command, [], []);
  const known = new Set(command.options.map((option) => option.attributeName()));
  const missing = [...known].filter((flag) => !(flag in flags));
  assert.deepEqual(missing.sort(), [...ONLY_OF_THE_COMMAND].sort());
  // create alone has initCtr
  assert.deepEqual(
    Object.keys(flags).filter((flag) => !known.has(flag)),
    ['initCtr'],
  );
});
