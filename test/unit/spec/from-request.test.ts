import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRunArguments } from '../../../src/cli/container/run.js';
import { buildSpec, type SpecFacts, withImageVolumes } from '../../../src/spec/from-request.js';

const context = { cwd: '/', env: {}, exists: () => true, readText: () => '' };
const facts: SpecFacts = {
  id: '0123456789abcdef'.repeat(4),
  hostname: 'machine',
  rootPath: '/store/merged',
  user: { uid: 0, gid: 0, additionalGids: [10], home: '/root', name: 'root' },
  uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  architecture: 'x64',
  callerIsRoot: false,
};
const build = (flags: string[], changed: Partial<SpecFacts> = {}, command: string[] = []) =>
  buildSpec(parseRunArguments([...flags, 'busybox', ...command], context), { ...facts, ...changed });
const types = (spec: ReturnType<typeof build>) => spec.linux.namespaces.map(({ type }) => type).toSorted();
const mount = (spec: ReturnType<typeof build>, destination: string) =>
  spec.mounts.filter((one) => one.destination === destination);

test('the default Spec', () => {
  const spec = build([]);
  assert.deepEqual(spec.process.args, ['/bin/sh']);
  assert.equal(spec.process.cwd, '/');
  assert.equal(spec.hostname, '0123456789ab');
  assert.deepEqual(spec.process.env, [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOSTNAME=0123456789ab',
    'HOME=/root',
    'container=foster',
  ]);
  assert.deepEqual(spec.process.user, { uid: 0, gid: 0, additionalGids: [10] });
  assert.deepEqual(spec.root, { path: '/store/merged', readonly: false });
  assert.deepEqual(types(spec), ['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']);
  assert.deepEqual(
    spec.mounts.map(({ destination, type }) => `${type} ${destination}`),
    ['proc /proc', 'tmpfs /dev', 'devpts /dev/pts', 'tmpfs /dev/shm', 'mqueue /dev/mqueue', 'sysfs /sys'],
  );
  assert.ok(mount(spec, '/sys')[0]?.options.includes('ro'));
  assert.ok(spec.linux.maskedPaths.includes('/proc/kcore'));
  assert.ok(spec.linux.readonlyPaths.includes('/proc/sys'));
  assert.ok(spec.linux.seccomp);
  assert.ok(spec.process.noNewPrivileges);
  assert.deepEqual(spec.linux.uidMappings, facts.uidMappings);
});

test('it is plain JSON', () => {
  const spec = build(['-it', '-v', '/a:/b']);
  assert.deepEqual(JSON.parse(JSON.stringify(spec)), spec);
});

test('command and entry point', () => {
  assert.deepEqual(build([], {}, ['ls', '-l']).process.args, ['ls', '-l']);
  assert.deepEqual(build(['--entrypoint', '/bin/echo'], {}, ['a']).process.args, ['/bin/echo', 'a']);
  assert.deepEqual(build(['--entrypoint', '']).process.args, ['/bin/sh']);
});

test('environment', () => {
  const env = (flags: string[], changed: Partial<SpecFacts> = {}) => build(flags, changed).process.env;
  assert.ok(!env([]).some((one) => one.startsWith('TERM=')));
  assert.ok(env(['-t']).includes('TERM=xterm'));
  assert.ok(env(['-t'], { term: 'screen' }).includes('TERM=screen'));
  assert.ok(env(['-t', '-e', 'TERM=dumb'], { term: 'screen' }).includes('TERM=dumb'));
  assert.ok(env(['-h', 'box']).includes('HOSTNAME=box'));
  const own = env(['-e', 'HOME=/x', '-e', 'A=1', '-e', 'A=2']);
  assert.deepEqual(
    own.filter((one) => /^(HOME|A)=/.test(one)),
    ['HOME=/x', 'A=2'],
  );
});

test('a user who is not root keeps the bounding set only', () => {
  const { capabilities } = build([]).process;
  assert.deepEqual(capabilities.effective, capabilities.bounding);
  assert.deepEqual(capabilities.permitted, capabilities.bounding);
  const other = build([], { user: { ...facts.user, uid: 1000 } }).process.capabilities;
  assert.deepEqual(other, { ...capabilities, effective: [], permitted: [] });
  assert.deepEqual([...other.ambient, ...other.inheritable], []);
});

test('namespaces', () => {
  assert.ok(!types(build(['--network', 'host'])).includes('network'));
  assert.ok(!types(build(['--pid', 'host'])).includes('pid'));
  assert.ok(types(build(['--pid', 'container:web'])).includes('pid'));
  assert.ok(types(build(['--userns', 'host'])).includes('user'), 'rootless needs one');
  const asRoot = build(['--userns', 'host'], { callerIsRoot: true });
  assert.ok(!types(asRoot).includes('user'));
  assert.deepEqual([asRoot.linux.uidMappings, asRoot.linux.gidMappings], [[], []]);
});

test('file systems that cannot be mounted in a user namespace are bound', () => {
  assert.deepEqual(mount(build(['--network', 'host']), '/sys'), [
    {
      destination: '/sys',
      type: 'bind',
      source: '/sys',
      options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
    },
  ]);
  assert.equal(mount(build(['--pid', 'host']), '/proc')[0]?.type, 'bind');
  const asRoot = build(['--network', 'host', '--pid', 'host', '--userns', 'host'], { callerIsRoot: true });
  assert.equal(mount(asRoot, '/sys')[0]?.type, 'sysfs');
  assert.equal(mount(asRoot, '/proc')[0]?.type, 'proc');
});

test('devpts uses the tty group only if it is mapped', () => {
  const options = (changed: Partial<SpecFacts>) => mount(build([], changed), '/dev/pts')[0]?.options ?? [];
  assert.ok(!options({}).includes('gid=5'));
  assert.ok(options({ gidMappings: [{ containerID: 1, hostID: 100000, size: 5 }] }).includes('gid=5'));
  assert.ok(!options({ gidMappings: [{ containerID: 1, hostID: 100000, size: 4 }] }).includes('gid=5'));
});

test('mounts of the request come last, parents first, and replace the default ones', () => {
  const spec = build(['-v', '/a:/x/y', '-v', '/b:/x', '--tmpfs', '/dev/shm']);
  assert.deepEqual(
    spec.mounts.slice(-3).map(({ destination }) => destination),
    ['/x', '/x/y', '/dev/shm'],
  );
  assert.equal(mount(spec, '/dev/shm').length, 1);
});

test('--privileged', () => {
  const spec = build(['--privileged']);
  assert.deepEqual([spec.linux.maskedPaths, spec.linux.readonlyPaths], [[], []]);
  assert.equal(spec.linux.seccomp, undefined);
  assert.equal(spec.process.noNewPrivileges, false);
  assert.ok(!mount(spec, '/sys')[0]?.options.includes('ro'));
});

test('seccomp', () => {
  assert.equal(build(['--security-opt', 'seccomp=unconfined']).linux.seccomp, undefined);
  const seccompProfile = { defaultAction: 'SCMP_ACT_LOG', syscalls: [] } as const;
  const own = build(['--security-opt', 'seccomp=/p.json'], {
    seccompProfile: { ...seccompProfile, syscalls: [] },
  });
  assert.equal(own.linux.seccomp?.defaultAction, 'SCMP_ACT_LOG');
  assert.deepEqual(own.linux.seccomp?.architectures?.[0], 'SCMP_ARCH_X86_64');
  assert.throws(() => build(['--security-opt', 'seccomp=/p.json']), /was not read/);
});

test('the rest is passed on', () => {
  const spec = build([
    '--ulimit',
    'core=0',
    '--sysctl',
    'kernel.sem=1 2 3 4',
    '--read-only',
    '-w',
    '/work',
    '-t',
  ]);
  assert.deepEqual(spec.process.rlimits, [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }]);
  assert.deepEqual(spec.linux.sysctl, { 'kernel.sem': '1 2 3 4' });
  assert.ok(spec.root.readonly && spec.process.terminal);
  assert.equal(spec.process.cwd, '/work');
});

test("the image's volumes are volumes of the container, but where something else is mounted", () => {
  const image = { Volumes: { '/data': {}, '/data/': {}, '/var/lib/db': {}, '/cache': {}, '/own': {} } };
  const flags = ['-v', '/srv:/cache', '--tmpfs', '/tmp', '-v', '/more', '--mount', 'dst=/own,ro'];
  const request = parseRunArguments([...flags, 'busybox'], context);
  const wanted = withImageVolumes(request, image).filter(({ type }) => type === 'volume');
  const volumes = new Map(
    wanted.map(({ destination, options }) => [
      destination,
      { destination, type: 'bind', source: `/mine/volumes${destination}`, options },
    ]),
  );
  const spec = build(flags, { image, volumes });
  const places = spec.mounts.filter(({ source }) => source.startsWith('/mine/volumes/'));
  assert.deepEqual(
    places.map(({ destination, type, options }) => [destination, type, options.join()]),
    [
      ['/more', 'bind', 'rbind,rprivate'],
      ['/own', 'bind', 'rbind,rprivate,ro'],
      ['/data', 'bind', 'rbind,rprivate'],
      ['/var/lib/db', 'bind', 'rbind,rprivate'],
    ],
  );
  assert.equal(mount(spec, '/cache')[0]?.source, '/srv');
  const ignoring = build(['--image-volume', 'ignore', ...flags.slice(0, 4)], { image });
  assert.deepEqual(mount(ignoring, '/data'), []);
  const inMemory = build(['--image-volume', 'tmpfs'], { image });
  assert.deepEqual(mount(inMemory, '/var/lib/db')[0]?.type, 'tmpfs');
  const careless = build(['--image-volume', 'tmpfs'], { image: { Volumes: { '[/a,': {}, 'b]': {} } } });
  assert.deepEqual(mount(careless, '/[/a,')[0]?.type, 'tmpfs');
  assert.deepEqual(mount(careless, '/b]')[0]?.type, 'tmpfs');
  for (const place of ['', '.', '/', '/a/../..'])
    assert.throws(() => build([], { image: { Volumes: { [place]: {} } } }), /the image declares a volume at/);
});

test('if root in the container is another user, mounts of root have shifted ids', () => {
  const flags = ['-v', '/a:/a', '-v', '/b:/b:bind,ro', '-v', '/own', '--tmpfs', '/t', '--network', 'host'];
  const options = (spec: ReturnType<typeof build>) =>
    spec.mounts.flatMap((one) => {
      const shifts = one.options.filter((option) => option.endsWith('idmap'));
      return shifts.length > 0 ? [`${one.destination} ${shifts.join()}`] : [];
    });
  const own = { destination: '/own', type: 'bind', source: '/mine/volumes/x', options: ['rbind'] };
  const volumes = new Map([['/own', own]]);
  assert.deepEqual(options(build(flags, { shiftsIds: true, volumes })), ['/a ridmap', '/b idmap']);
  assert.deepEqual(options(build(flags, { volumes })), []);
});
