import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Config } from '../../../../src/spec/oci/config.js';
import { type ConfigFacts, specFromConfig } from '../../../../src/spec/oci/from-config.js';
import { readConfig } from '../../../../src/spec/oci/schema.js';
import type { Spec } from '../../../../src/spec/types.js';
import { FosterError } from '../../../../src/sys/errors.js';

/** A host that exists on paper only, and its unprivileged user. */
const HOST: ConfigFacts = {
  resolve: (path) => (path.startsWith('/') ? path : `/bundle/${path}`),
  exists: (path) => !path.includes('missing'),
  isDirectory: (path) => !path.includes('missing'),
  isOwnNamespace: (path) => path.startsWith('/proc/self/ns/'),
  device: (path) => (path === '/dev/fuse' ? { type: 'c', major: 10, minor: 229, mode: 0o20666 } : undefined),
  hasUnifiedCgroups: false,
  callerIsRoot: false,
  architecture: 'x64',
  defaultMaps: () => ({
    uid: [{ containerID: 0, hostID: 1000, size: 1 }],
    gid: [{ containerID: 0, hostID: 1000, size: 1 }],
  }),
  canSetGroups: () => true,
  home: () => '/root',
};

/** The least that a container needs. */
const LEAST: Config = {
  ociVersion: '1.2.0',
  process: { cwd: '/', args: ['sh'] },
  root: { path: 'rootfs' },
  linux: {
    namespaces: [
      { type: 'user' },
      { type: 'mount' },
      { type: 'pid' },
      { type: 'network' },
      { type: 'ipc' },
      { type: 'uts' },
    ],
  },
};

function specOf(config: unknown, facts: Partial<ConfigFacts> = {}): { spec: Spec; notes: string[] } {
  const notes: string[] = [];
  const read = readConfig(JSON.stringify(config)).config;
  const spec = specFromConfig(read, { ...HOST, ...facts }, (sentence) => notes.push(sentence));
  return { spec, notes };
}

/** The least, with a value at a JSON path of names and numbers between dots. */
function withValue(path: string, value: unknown): unknown {
  const config: unknown = structuredClone(LEAST);
  const names = path.split('.');
  let at = config as Record<string, unknown>;
  for (const [index, name] of names.slice(0, -1).entries()) {
    at[name] ??= /^\d+$/.test(names[index + 1] ?? '') ? [] : {};
    at = at[name] as Record<string, unknown>;
  }
  at[names.at(-1) ?? ''] = value;
  return config;
}

function refusal(config: unknown, facts: Partial<ConfigFacts> = {}): string {
  try {
    specOf(config, facts);
  } catch (error) {
    assert.ok(error instanceof FosterError, String(error));
    return error.message;
  }
  return 'accepted';
}

for (const name of ['runc', 'crun', 'podman']) {
  test(`the config.json that ${name} writes for rootless containers is read whole`, () => {
    const text = readFileSync(`test/unit/spec/oci/${name}.json`, 'utf8');
    const { config, unknown } = readConfig(text);
    assert.deepEqual(
      config,
      JSON.parse(text, (_key, value) => value ?? undefined),
    );
    assert.deepEqual(unknown, []);
  });
}

test('defaults of a config.json', () => {
  const { spec, notes } = specOf(LEAST);
  assert.deepEqual(notes, []);
  assert.deepEqual(spec, {
    ociVersion: '1.2.0',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0, additionalGids: [] },
      args: ['sh'],
      env: ['HOME=/root'],
      cwd: '/',
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      rlimits: [],
      noNewPrivileges: false,
    },
    root: { path: '/bundle/rootfs', readonly: false },
    mounts: ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => ({
      destination: `/dev/${name}`,
      type: 'bind',
      source: `/dev/${name}`,
      options: ['bind', 'nosuid', 'noexec'],
    })),
    linux: {
      namespaces: LEAST.linux?.namespaces ?? [],
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      sysctl: {},
      maskedPaths: [],
      readonlyPaths: [],
    },
  } satisfies Spec);
});

test('a value of the wrong kind is refused by its JSON path', () => {
  const cases: [path: string, value: unknown, expected: RegExp][] = [
    [
      'ociVersion',
      '2.0.0',
      /^ociVersion: expected a version of the runtime-spec such as 1\.2\.0, not "2\.0\.0"$/,
    ],
    ['ociVersion', null, /^ociVersion is missing$/],
    ['process', [], /^process: expected an object, not an array$/],
    ['process.cwd', 'relative', /^process\.cwd: expected an absolute path, not the string 'relative'$/],
    ['process.cwd', null, /^process: cwd is missing$/],
    ['process.args', [], /^process\.args: there is no program to run$/],
    ['process.args', ['a', 1], /^process\.args\[1\]: expected a string, not 1$/],
    ['process.args', ['a\0b'], /^process\.args\[0\]: it contains a NUL character$/],
    ['process.env', ['=x'], /^process\.env\[0\]: expected NAME=VALUE, not the string '=x'$/],
    ['process.terminal', 'yes', /^process\.terminal: expected true or false, not the string 'yes'$/],
    ['process.user.uid', -1, /^process\.user\.uid: expected a whole number from 0 to \d+, not -1$/],
    ['process.user.uid', 1.5, /^process\.user\.uid: expected a whole number/],
    ['process.user.umask', 0o1000, /^process\.user\.umask: expected a whole number from 0 to 511/],
    ['process.user.uid', 5, /^process\.user\.uid: 5 is not mapped in the container's user namespace/],
    ['process.user.gid', 5, /^process\.user\.gid: 5 is not mapped/],
    [
      'process.rlimits',
      [{ type: 'RLIMIT_X', soft: 1, hard: 1 }],
      /^process\.rlimits\[0\]\.type: expected one of RLIMIT_CPU/,
    ],
    [
      'process.rlimits',
      [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }],
      /^process\.rlimits\[0\]\.soft: the soft limit is above/,
    ],
    ['process.rlimits', [{ type: 'RLIMIT_CPU', soft: 1 }], /^process\.rlimits\[0\]: hard is missing$/],
    [
      'process.rlimits',
      [1, 2].map((soft) => ({ type: 'RLIMIT_CPU', soft, hard: 3 })),
      /^process\.rlimits\[1\]\.type: RLIMIT_CPU occurs twice$/,
    ],
    [
      'process.capabilities.effective',
      ['CAP_KILL'],
      /^process\.capabilities\.effective: CAP_KILL is not among the permitted/,
    ],
    [
      'process.oomScoreAdj',
      1001,
      /^process\.oomScoreAdj: expected a whole number from -1000 to 1000, not 1001$/,
    ],
    ['process.scheduler', { policy: 'X' }, /^process\.scheduler\.policy: expected one of SCHED_OTHER/],
    [
      'process.ioPriority',
      { class: 'IOPRIO_CLASS_BE', priority: 8 },
      /^process\.ioPriority\.priority: expected/,
    ],
    ['process.consoleSize', { height: 1 }, /^process\.consoleSize: width is missing$/],
    ['root', {}, /^root: path is missing$/],
    ['root.path', 'missing', /^root\.path: there is no directory \/bundle\/missing$/],
    ['hostname', 'x'.repeat(65), /^hostname: the limit is 64 bytes/],
    ['mounts', [{}], /^mounts\[0\]: destination is missing$/],
    ['mounts', [{ destination: '/' }], /^mounts\[0\]\.destination: expected a path below \//],
    ['mounts', [{ destination: '/../..' }], /^mounts\[0\]\.destination/],
    [
      'mounts',
      [{ destination: '/x' }],
      /^mounts\[0\]\.type: without the option bind or rbind, a mount needs the type/,
    ],
    [
      'mounts',
      [{ destination: '/x', type: 'ext4' }],
      /^mounts\[0\]\.type: file systems of the type "ext4" are not supported yet/,
    ],
    ['mounts', [{ destination: '/x', type: 'bind' }], /^mounts\[0\]\.source: a bind mount needs a source$/],
    [
      'mounts',
      [{ destination: '/x', type: 'bind', source: 'missing' }],
      /^mounts\[0\]\.source: there is no \/bundle\/missing/,
    ],
    [
      'mounts',
      [{ destination: '/x', type: 'bind', source: '/', options: ['sync'] }],
      /^mounts\[0\]\.options\[0\]: sync is an option of a file system/,
    ],
    [
      'mounts',
      [{ destination: '/x', type: 'bind', source: '/', options: ['ro', 'x'] }],
      /^mounts\[0\]\.options\[1\]: unknown option "x"/,
    ],
    [
      'linux.namespaces.2.type',
      'weather',
      /^linux\.namespaces\[2\]\.type: expected one of pid, network, .*, not the string 'weather'$/,
    ],
    ['linux.namespaces.2.type', 'user', /^linux\.namespaces\[2\]\.type: user occurs twice$/],
    ['linux.namespaces.2.path', 'x', /^linux\.namespaces\[2\]\.path: expected an absolute path/],
    ['linux.uidMappings', [{ containerID: 0, hostID: 0 }], /^linux\.uidMappings\[0\]: size is missing$/],
    [
      'linux.uidMappings',
      [{ containerID: 0, hostID: 0, size: 1 }],
      /^linux\.uidMappings: linux\.gidMappings is missing$/,
    ],
    [
      'linux.gidMappings',
      [{ containerID: 0, hostID: 0, size: 1 }],
      /^linux\.gidMappings: linux\.uidMappings is missing$/,
    ],
    ['linux.sysctl', { '../x': '1' }, /^linux\.sysctl\["\.\.\/x"\]: expected words separated by dots/],
    [
      'linux.sysctl',
      { 'vm.overcommit_memory': '1' },
      /^linux\.sysctl\["vm\.overcommit_memory"\]: it is not namespaced/,
    ],
    ['linux.sysctl', { 'kernel.shmmax': 1 }, /^linux\.sysctl\["kernel\.shmmax"\]: expected a string, not 1$/],
    ['linux.maskedPaths', ['x'], /^linux\.maskedPaths\[0\]: expected an absolute path/],
    ['linux.rootfsPropagation', 'x', /^linux\.rootfsPropagation: expected one of private/],
    ['linux.seccomp', {}, /^linux\.seccomp: defaultAction is missing$/],
    [
      'linux.seccomp',
      { defaultAction: 'X' },
      /^linux\.seccomp\.defaultAction: expected one of SCMP_ACT_ALLOW/,
    ],
    [
      'linux.seccomp',
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          { names: ['x'], action: 'SCMP_ACT_ERRNO', args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] },
        ],
      },
      /^linux\.seccomp\.syscalls\[0\]\.args\[0\]\.index: expected a whole number from 0 to 5, not 6$/,
    ],
    [
      'linux.timeOffsets',
      { boottime: { secs: 1 } },
      /^linux\.timeOffsets: the container has no time namespace of its own$/,
    ],
    ['annotations', { a: 1 }, /^annotations\["a"\]: expected a string, not 1$/],
  ];
  for (const [path, value, expected] of cases) assert.match(refusal(withValue(path, value)), expected, path);
});

test('unsupported settings are refused by name', () => {
  const hook = [{ path: '/bin/true' }];
  const maps = [{ containerID: 0, hostID: 0, size: 1 }];
  const bind = { destination: '/x', type: 'bind', source: '/' };
  const cases: [path: string, value: unknown, expected: RegExp][] = [
    ...['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map(
      (name): [string, unknown, RegExp] => [
        `hooks.${name}`,
        hook,
        new RegExp(`^hooks\\.${name}: hooks are not supported yet$`),
      ],
    ),
    ['process.apparmorProfile', 'x', /^process\.apparmorProfile: AppArmor profiles are not supported yet$/],
    ['process.selinuxLabel', 'x', /^process\.selinuxLabel: SELinux labels are not supported yet$/],
    [
      'mounts',
      [{ ...bind, uidMappings: maps }],
      /^mounts\[0\]\.uidMappings: mounts with their own id mappings/,
    ],
    [
      'mounts',
      [{ ...bind, gidMappings: maps }],
      /^mounts\[0\]\.gidMappings: mounts with their own id mappings/,
    ],
    ['mounts', [{ ...bind, options: ['idmap'] }], /^mounts\[0\]\.options\[0\]: idmap needs root/],
    [
      'mounts',
      [{ ...bind, options: ['remount'] }],
      /^mounts\[0\]\.options\[0\]: remount: .* not supported yet$/,
    ],
    [
      'mounts',
      [{ destination: '/x', type: 'tmpfs', options: ['tmpcopyup'] }],
      /^mounts\[0\]\.options\[0\]: tmpcopyup: .* not supported yet$/,
    ],
    [
      'linux.namespaces.0.path',
      '/proc/1/ns/user',
      /^linux\.namespaces\[0\]\.path: joining a user namespace by its path is not/,
    ],
    [
      'linux.namespaces.1.path',
      '/proc/1/ns/mnt',
      /^linux\.namespaces\[1\]\.path: joining a mount namespace by its path is not/,
    ],
    [
      'linux.namespaces.2.path',
      '/proc/1/ns/pid',
      /^linux\.namespaces\[2\]\.path: joining a pid namespace by its path is not/,
    ],
    [
      'linux.namespaces.3.path',
      '/run/netns/x',
      /^linux\.namespaces\[3\]\.path: root of the container's new user namespace has no rights over a network namespace/,
    ],
    [
      'linux.devices',
      [{ type: 'p', path: '/dev/x' }],
      /^linux\.devices\[0\]\.type: FIFOs are not supported yet$/,
    ],
    [
      'linux.devices',
      [{ type: 'c', path: '/dev/x', major: 1, minor: 1 }],
      /^linux\.devices\[0\]\.path: \/dev\/x on this machine is not/,
    ],
    [
      'linux.devices',
      [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, uid: 5 }],
      /^linux\.devices\[0\]: an owner other than root/,
    ],
    [
      'linux.devices',
      [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o600 }],
      /^linux\.devices\[0\]\.fileMode/,
    ],
    [
      'linux.devices',
      [{ type: 'c', path: '/dev/random', major: 1, minor: 9 }],
      /^linux\.devices\[0\]\.path: \/dev\/random on this machine is not that device/,
    ],
    [
      'linux.devices',
      [{ type: 'b', path: '/dev/null', major: 1, minor: 3 }],
      /^linux\.devices\[0\]\.path: \/dev\/null on this machine is not that device/,
    ],
    [
      'linux.devices',
      [
        { type: 'c', path: '/dev/tty', major: 5, minor: 0, fileMode: 0o666 },
        { type: 'c', path: '/dev/zero', major: 1, minor: 5, fileMode: 0o600 },
      ],
      /^linux\.devices\[1\]\.fileMode/,
    ],
    [
      'linux.devices',
      [{ type: 'c', path: '/dev/full', major: 1, minor: 7, uid: 5 }],
      /^linux\.devices\[0\]: an owner other than root/,
    ],
    [
      'linux.resources.network',
      { classID: 1 },
      /^linux\.resources\.network: these limits are not supported yet$/,
    ],
    [
      'linux.resources.memory',
      { kernel: 1 },
      /^linux\.resources\.memory\.kernel: this limit is not supported yet$/,
    ],
    [
      'linux.resources.memory',
      { swap: 5 },
      /^linux\.resources\.memory\.swap: it needs linux\.resources\.memory\.limit$/,
    ],
    ['linux.resources.cpu', { burst: 1 }, /^linux\.resources\.cpu\.burst: this limit/],
    [
      'linux.resources.blockIO',
      { weightDevice: [{ major: 8, minor: 0, leafWeight: 10 }] },
      /^linux\.resources\.blockIO\.weightDevice\[0\]\.leafWeight: this limit/,
    ],
    ['linux.resources.blockIO', { leafWeight: 10 }, /^linux\.resources\.blockIO\.leafWeight: this limit/],
    [
      'linux.resources.unified',
      { 'cgroup.procs': '0' },
      /^linux\.resources\.unified\.cgroup\.procs: foster itself writes/,
    ],
    [
      'linux.resources.hugepageLimits',
      [{ pageSize: '2MB', limit: 1 }],
      /^linux\.resources\.hugepageLimits: these limits/,
    ],
    ['linux.resources.rdma', { a: { hcaHandles: 1 } }, /^linux\.resources\.rdma: these limits/],
    [
      'linux.resources.devices',
      [{ allow: true, access: 'rwm' }],
      /^linux\.resources\.devices\[0\]: device rules are not/,
    ],
    [
      'linux.resources.devices',
      [{ allow: false, access: 'r' }],
      /^linux\.resources\.devices\[0\]: device rules are not/,
    ],
    ['linux.cgroupsPath', '/a/../../x', /^linux\.cgroupsPath: expected a path without dots/],
    ['linux.cgroupsPath', '/', /^linux\.cgroupsPath: expected a path/],
    ['linux.mountLabel', 'x', /^linux\.mountLabel: SELinux labels are not supported yet$/],
    ['linux.intelRdt', { closID: 'x' }, /^linux\.intelRdt: Intel RDT is not supported yet$/],
    ['linux.personality', { domain: 'LINUX', flags: ['x'] }, /^linux\.personality\.flags: /],
    [
      'linux.seccomp',
      { defaultAction: 'SCMP_ACT_NOTIFY' },
      /^linux\.seccomp\.defaultAction: SCMP_ACT_NOTIFY is not supported yet$/,
    ],
    ['linux.seccomp', { defaultAction: 'SCMP_ACT_LOG', flags: ['x'] }, /^linux\.seccomp\.flags: /],
    [
      'linux.seccomp',
      { defaultAction: 'SCMP_ACT_LOG', listenerPath: '/x' },
      /^linux\.seccomp\.listenerPath: /,
    ],
    ['linux.namespaces', [{ type: 'user' }], /^linux\.namespaces: a container without a mount namespace/],
    [
      'linux.namespaces',
      [{ type: 'mount' }],
      /^linux\.namespaces: there is no user namespace, and without one only root/,
    ],
  ];
  for (const [path, value, expected] of cases) assert.match(refusal(withValue(path, value)), expected, path);
});

test('limits, and the place of the cgroup', () => {
  const linuxOf = (path: string, value: unknown) => specOf(withValue(path, value)).spec.linux;
  const limits = {
    memory: {
      limit: 10,
      swap: 20,
      reservation: 5,
      swappiness: 1,
      disableOOMKiller: true,
      useHierarchy: true,
    },
    cpu: { shares: 2, quota: -1, period: 1000, realtimeRuntime: 3, realtimePeriod: 4, cpus: '0', mems: '' },
    pids: { limit: 2 ** 63 },
    blockIO: {
      weight: 10,
      weightDevice: [
        { major: 8, minor: 0, weight: 20 },
        { major: 8, minor: 1 },
      ],
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 5 }],
    },
    unified: { 'memory.high': '10' },
  };
  assert.deepEqual(linuxOf('linux.resources', limits).resources, {
    memory: { limit: 10, swap: 20, reservation: 5, swappiness: 1, disableOOMKiller: true },
    cpu: { shares: 2, quota: -1, period: 1000, realtimeRuntime: 3, realtimePeriod: 4, cpus: '0' },
    pids: { limit: -1 },
    blockIO: {
      weight: 10,
      weightDevice: [{ major: 8, minor: 0, weight: 20 }],
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 5 }],
    },
    unified: { 'memory.high': '10' },
  });
  assert.equal(linuxOf('linux.resources', { memory: {}, cpu: null }).resources, undefined);
  const zeros = linuxOf('linux.resources', { memory: { limit: 0, swappiness: 0 }, cpu: { shares: 0 } });
  assert.deepEqual(zeros.resources, { memory: { swappiness: 0 } });
  for (const path of ['/a/b', 'b', 'my.slice:foster:x', ':foster:x'])
    assert.equal(linuxOf('linux.cgroupsPath', path).cgroupsPath, path);
});

test('empty settings are accepted', () => {
  const values: [string, unknown][] = [
    ['hooks', { prestart: [], poststop: null }],
    ['process.apparmorProfile', ''],
    ['linux.cgroupsPath', ''],
    ['linux.devices', null],
    [
      'linux.resources',
      {
        memory: {},
        devices: [
          { allow: false, access: 'rwm' },
          { allow: false, type: 'a', major: -1 },
        ],
      },
    ],
    ['linux.intelRdt', {}],
    ['mounts', null],
  ];
  for (const [path, value] of values) assert.equal(refusal(withValue(path, value)), 'accepted', path);
});

test('unknown members are reported and ignored', () => {
  const { unknown } = readConfig(
    JSON.stringify({ ...LEAST, __proto__x: 1, linux: { toString: 1, namespaces: [{ type: 'pid', x: {} }] } }),
  );
  assert.deepEqual(
    unknown,
    ['linux.toString', 'linux.namespaces[0].x', '__proto__x'].toSorted(
      (a, b) => unknown.indexOf(a) - unknown.indexOf(b),
    ),
  );
  assert.throws(() => readConfig('{'), /it is not JSON/);
  assert.throws(() => readConfig('[]'), { message: 'expected an object, not an array' });
});

test('limits that JavaScript cannot represent mean no limit', () => {
  const rlimits =
    '[{"type":"RLIMIT_CPU","soft":5,"hard":18446744073709551615},{"type":"RLIMIT_CORE","soft":-1,"hard":-1}]';
  const text = JSON.stringify(withValue('process.rlimits', 'HERE')).replace('"HERE"', rlimits);
  const { spec } = specOf(JSON.parse(text));
  assert.deepEqual(spec.process.rlimits, [
    { type: 'RLIMIT_CPU', soft: 5, hard: -1 },
    { type: 'RLIMIT_CORE', soft: -1, hard: -1 },
  ]);
});

test('mounts as other runtimes write them', () => {
  const mounts = [
    {
      destination: 'relative/x',
      type: 'none',
      source: 'files',
      options: ['rbind', 'exec', 'rro', 'rprivate', 'defaults', 'noexec', 'rsuid', 'exec'],
    },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'relatime', 'ro'],
    },
    { destination: '/t', type: 'tmpfs', options: ['rnoexec', 'size=1m', 'sync', 'async'] },
  ];
  const mountsOf = ({ spec }: { spec: Spec }) =>
    spec.mounts.filter(({ destination }) => !destination.startsWith('/dev/'));
  assert.deepEqual(mountsOf(specOf(withValue('mounts', mounts))), [
    {
      destination: '/relative/x',
      type: 'bind',
      source: '/bundle/files',
      options: ['rbind', 'ro', 'rprivate', 'noexec', 'rsuid', 'exec'],
    },
    {
      destination: '/sys/fs/cgroup',
      type: 'bind',
      source: '/sys/fs/cgroup',
      options: ['rbind', 'nosuid', 'ro'],
    },
    { destination: '/t', type: 'tmpfs', source: 'tmpfs', options: ['noexec', 'size=1m', 'sync'] },
  ]);
  const config = withValue('mounts', mounts.slice(1, 2)) as Config;
  config.linux?.namespaces?.push({ type: 'cgroup' });
  assert.deepEqual(mountsOf(specOf(config, { hasUnifiedCgroups: true })), [
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup2',
      source: 'cgroup2',
      options: ['nosuid', 'relatime', 'ro'],
    },
  ]);
});

test("namespaces by path: for root, and foster's own", () => {
  const joined = withValue('linux.namespaces', [
    { type: 'mount' },
    { type: 'network', path: '/run/netns/x' },
  ]);
  const { spec } = specOf(joined, { callerIsRoot: true });
  assert.deepEqual(spec.linux.namespaces, [{ type: 'mount' }, { type: 'network', path: '/run/netns/x' }]);
  assert.deepEqual(spec.linux.uidMappings, []);
  const missing = withValue('linux.namespaces', [{ type: 'mount' }, { type: 'network', path: '/missing' }]);
  assert.match(
    refusal(missing, { callerIsRoot: true }),
    /^linux\.namespaces\[1\]\.path: there is no \/missing/,
  );
  const own = specOf(withValue('linux.namespaces.3.path', '/proc/self/ns/net')).spec;
  assert.ok(!own.linux.namespaces.some(({ type }) => type === 'network'));
  assert.match(
    refusal({ ...(withValue('linux.namespaces.5.path', '/proc/self/ns/uts') as Config), hostname: 'x' }),
    /^hostname: the container has no uts namespace of its own$/,
  );
});

test('device rules without a user namespace give a warning, and an error with CAP_MKNOD', () => {
  const config = withValue('linux', {
    namespaces: [{ type: 'mount' }],
    resources: { devices: [{ allow: false, access: 'rwm' }] },
  }) as Config;
  const { notes } = specOf(config, { callerIsRoot: true });
  assert.match(notes.join('\n'), /^linux\.resources\.devices: foster does not support device rules/);
  const process = { ...LEAST.process, capabilities: { bounding: ['CAP_MKNOD'] } };
  assert.match(
    refusal({ ...config, process }, { callerIsRoot: true }),
    /^process\.capabilities\.bounding: CAP_MKNOD without/,
  );
});
