import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Config } from '../../src/spec/oci/config.js';
import type { Namespace } from '../../src/spec/types.js';
import { FOSTER, Home, type Result } from './support/foster.js';
import { fosterAtTerminal } from './support/terminal.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** OCI bundles: a config.json as others write it, and as foster does, with the root filesystem of busybox. */
const home = new Home();
/** For one user only, since containers write to it. */
const rootfs = join(home.shared, 'rootfs');

before(() => {
  mkdirSync(rootfs);
  const id = home.foster(['create', 'busybox', 'true']).stdout.trim();
  const archive = join(home.shared, 'rootfs.tar');
  assert.equal(home.foster(['export', '-o', archive, id]).status, 0);
  execFileSync('tar', ['-C', rootfs, '-xf', archive]);
  home.foster(['rm', id]);
  // a root without places for what foster gives to other containers
  for (const name of ['hostname', 'hosts', 'mtab', 'resolv.conf']) rmSync(join(rootfs, 'etc', name));
});

after(() => rmSync(rootfs, { recursive: true, force: true }));

type Change = (config: Whole) => void;
/** All that the config.json of the tests have. */
type Whole = Config & Required<Pick<Config, 'process' | 'root' | 'mounts' | 'linux'>>;

/** A bundle with the config.json that a command writes, changed to run a script without a terminal. */
function bundle(script: string, change: Change = () => {}, writer: string[] = []): string {
  const folder = mkdtempSync(join(home.shared, 'bundle-'));
  const [program, ...args] = writer;
  if (program === undefined) assert.equal(home.foster(['spec'], { cwd: folder }).stderr, '');
  else execFileSync(program, args, { cwd: folder });
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Whole;
  config.root.path = '../rootfs';
  config.process.terminal = false;
  config.process.args = ['sh', '-c', script];
  change(config);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

function run(script: string, change?: Change): Result {
  return home.run(['--rm', '--bundle', bundle(script, change)]);
}

function output(script: string, change?: Change): string {
  const { status, stdout, stderr } = run(script, change);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trimEnd();
}

function failure(change: Change, expected: RegExp): void {
  const { status, stdout, stderr } = run('true', change);
  assert.match(stderr, expected);
  assert.deepEqual([stdout, status], ['', 125]);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.deepEqual(home.leftFolders(), []);
}

for (const writer of [['runc', 'spec', '--rootless'], ['crun', 'spec', '--rootless'], []]) {
  test(`a bundle of ${writer[0] ?? 'foster'} spec runs`, () => {
    const folder = bundle(
      'id -u; hostname; cat /proc/1/comm; ls /sys/kernel >/dev/null && pwd',
      () => {},
      writer,
    );
    const { status, stdout } = home.run(['--rm', '--bundle', folder]);
    assert.deepEqual([stdout, status], [`0\n${writer[0] ?? 'foster'}\nfoster-init\n/\n`, 0]);
  });
}

test('foster spec writes a config.json that runc can run, and does not overwrite one', () => {
  const folder = bundle('hostname');
  const runc = ['--root', join(home.folder, 'runc'), 'run', `foster-test-${process.pid}`];
  assert.equal(execFileSync('runc', runc, { cwd: folder, encoding: 'utf8', env: home.env }), 'foster\n');
  const { status, stderr } = home.foster(['spec', '--bundle', folder]);
  assert.equal(status, 1);
  assert.match(stderr, /config\.json: .*\(EEXIST\); remove it first/);
});

test('the container writes to the root directory itself, and foster leaves nothing in it', () => {
  assert.equal(output('echo text > /made; cat /made; test ! -e /etc/hosts'), 'text');
  assert.equal(readFileSync(join(rootfs, 'made'), 'utf8'), 'text\n');
  rmSync(join(rootfs, 'made'));
});

test('root.readonly', () => {
  const { status, stderr } = run('touch /made', ({ root }) => {
    root.readonly = true;
  });
  assert.equal(status, 1);
  assert.match(stderr, /Read-only file system/);
  assert.ok(!existsSync(join(rootfs, 'made')));
});

test('process: user, umask, environment, directory, limits, capabilities, priorities', () => {
  const found = output(
    'umask; id -u; id -g; id -G; pwd; echo $HOME $NAME; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; ' +
      'grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status; cut -d" " -f 19,41 /proc/self/stat; ionice',
    ({ process }) => {
      process.user = { uid: 1, gid: 2, umask: 0o27, additionalGids: [3, 4] };
      process.cwd = '/new/directory';
      process.env = [...(process.env ?? []).filter((each) => !each.startsWith('HOME=')), 'NAME=value'];
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
      process.oomScoreAdj = 500;
      process.capabilities = { bounding: ['CAP_KILL', 'CAP_CHOWN'], effective: [], permitted: [] };
      process.noNewPrivileges = false;
      process.scheduler = { policy: 'SCHED_BATCH', nice: 7 };
      process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 };
    },
  );
  assert.equal(
    found,
    '0027\n1\n2\n2 3 4\n/new/directory\n/usr/sbin value\n100\n200\n500\n' +
      'CapEff:\t0000000000000000\nCapBnd:\t0000000000000021\nNoNewPrivs:\t0\n7 3\nbest-effort: prio 6',
  );
});

test('capabilities that cannot be granted are ignored with a warning', () => {
  const { status, stdout, stderr } = run('grep CapAmb /proc/self/status', ({ process }) => {
    const own = ['CAP_KILL', 'CAP_CHOWN', 'CAP_OF_THE_FUTURE'];
    process.capabilities = {
      bounding: own,
      permitted: own,
      effective: own,
      inheritable: ['CAP_KILL'],
      ambient: own,
    };
  });
  assert.deepEqual([stdout, status], ['CapAmb:\t0000000000000020\n', 0]);
  assert.match(stderr, /process\.capabilities: the kernel has no "CAP_OF_THE_FUTURE"\n/);
  assert.match(stderr, /process\.capabilities\.ambient: CAP_CHOWN cannot be ambient/);
});

test('hostname, domainname, sysctl and personality', () => {
  const found = output(
    'hostname; cat /proc/sys/kernel/domainname /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward; uname -m',
    (config) => {
      config.hostname = 'one';
      config.domainname = 'two';
      config.linux.sysctl = { 'kernel.msgmax': '1234', 'net.ipv4.ip_forward': '1' };
      config.linux.personality = { domain: 'LINUX32' };
    },
  );
  const machine = process.arch === 'x64' ? 'i686' : 'armv8l';
  assert.equal(found, `one\ntwo\n1234\n1\n${machine}`);
});

test('a time namespace has the requested clocks, for exec too', () => {
  const folder = bundle('cat /proc/uptime; sleep 1000', ({ linux }) => {
    linux.namespaces?.push({ type: 'time' });
    linux.timeOffsets = { boottime: { secs: 1_000_000_000 }, monotonic: { secs: 5, nanosecs: 6 } };
  });
  assert.equal(home.run(['-d', '--name', 'clock', '--bundle', folder]).status, 0);
  const { stdout } = home.foster(['exec', 'clock', 'cat', '/proc/uptime', '/proc/self/timens_offsets']);
  assert.ok(Number.parseFloat(stdout) > 1_000_000_000, stdout);
  assert.match(stdout, /monotonic +5 +6\n/);
  home.foster(['rm', '-f', 'clock']);
});

test('masked and read-only paths anywhere, also through links and in volumes; missing ones are ignored', () => {
  const volume = join(home.shared, 'volume');
  mkdirSync(join(volume, 'folder'), { recursive: true });
  for (const name of ['file', 'folder/inner']) writeFileSync(join(volume, name), 'secret\n');
  const found = output(
    'cat /v/file /etc/passwd; ls /v/folder /home; echo x > /tmp/x && echo written; ' +
      'for f in /v/ro /etc/x /v/folder/y; do echo x > $f || echo refused; done 2>/dev/null; ls /v',
    (config) => {
      config.mounts.push({ destination: '/v', type: 'bind', source: volume, options: ['rbind'] });
      mkdirSync(join(volume, 'ro'), { recursive: true });
      config.linux.maskedPaths = [
        '/v/file',
        '/etc/passwd',
        '/v/folder',
        '/missing',
        '/etc/passwd/below',
        '/proc/kcore',
      ];
      config.linux.readonlyPaths = ['/v/ro', '/etc', '/missing'];
    },
  );
  assert.equal(found, '/home:\n\n/v/folder:\nwritten\nrefused\nrefused\nrefused\nfile\nfolder\nro');
  rmSync(join(rootfs, 'tmp/x'), { force: true });
});

test('mounts: options, relative sources, propagation', () => {
  const folder = bundle(
    'for p in /ro /private /slave /shared /tmp/t; do grep " $p " /proc/self/mountinfo | cut -d" " -f 5-7; done; cat /ro/file',
    ({ mounts }) => {
      mounts.push(
        {
          destination: '/ro',
          type: 'none',
          source: 'files',
          options: ['rbind', 'rro', 'nosuid', 'nodev', 'noexec', 'nosymfollow'],
        },
        { destination: '/private', type: 'bind', source: 'files' },
        { destination: 'slave', type: 'bind', source: '/proc', options: ['rbind', 'rslave'] },
        { destination: '/shared', type: 'bind', source: 'files', options: ['bind', 'shared'] },
        {
          destination: '/tmp/t',
          type: 'tmpfs',
          options: ['size=1m', 'mode=700', 'ro', 'unbindable', 'noatime', 'nodiratime'],
        },
      );
    },
  );
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files/file'), 'text\n');
  const { stdout, stderr, status } = home.run(['--rm', '--bundle', folder]);
  assert.deepEqual([stderr, status], ['', 0]);
  const lines = stdout.split('\n');
  assert.match(lines[0] ?? '', /^\/ro ro,nosuid,nodev,noexec,\S*nosymfollow -$/);
  assert.match(lines[1] ?? '', /^\/private rw,\S+ -$/);
  assert.match(lines[2] ?? '', /^\/slave \S+ (master:\d+|-)$/);
  assert.match(lines[3] ?? '', /^\/shared \S+ shared:\d+/);
  assert.match(lines[4] ?? '', /^\/tmp\/t ro,noatime,nodiratime unbindable$/);
  assert.equal(lines[5], 'text');
});

/** A config.json for root of a user namespace, as everybody can be: a container without one of its own. */
function withoutUserNamespace({ linux, mounts, process }: Whole, namespaces: Namespace[]): void {
  linux.namespaces = namespaces;
  linux.uidMappings = [];
  linux.gidMappings = [];
  process.capabilities = { bounding: ['CAP_KILL'] };
  mounts.splice(0, mounts.length, ...mounts.filter(({ destination }) => /^\/(proc|dev)$/.test(destination)));
}

/** Runs a script as root of a new user and mount namespace. */
function asRoot(script: string): string {
  return execFileSync(
    'unshare',
    ['--map-root-user', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-ec', script],
    {
      env: { ...home.env, FOSTER },
      encoding: 'utf8',
      timeout: DEADLINE,
    },
  );
}

test('mounts: options that allow more than the host has, where the kernel lets them', () => {
  const strict = join(home.shared, 'strict');
  mkdirSync(strict);
  const withOptions = (options: string[]) =>
    bundle('grep " /opt " /proc/self/mountinfo | cut -d" " -f6', (config) => {
      withoutUserNamespace(config, [{ type: 'mount' }, { type: 'pid' }]);
      config.hostname = '';
      config.mounts.push({ destination: '/opt', type: 'bind', source: strict, options });
    });
  const run = (options: string[]) => `"$FOSTER" run --rm --bundle ${withOptions(options)} 2>&1`;
  const output = asRoot(`
    mount -t tmpfs none ${strict}; mount -o remount,bind,ro,noexec,nosuid,nodev,noatime ${strict}
    ${run(['rbind', 'ro', 'exec', 'rsuid', 'noatime', 'rw', 'relatime'])}
    unshare --map-root-user --mount sh -c '${run(['rbind', 'symfollow'])}; ${run(['bind', 'ro', 'exec'])} || true'`);
  const [free, harmless, refused] = output.trimEnd().split('\n');
  assert.equal(free, 'rw,nodev,relatime');
  assert.equal(harmless, 'ro,nosuid,nodev,noexec,noatime');
  assert.match(
    refused ?? '',
    /strict at \/opt, exec: .*; the host has mounted it otherwise, .*: leave out exec$/,
  );
});

test('later mounts of the host appear below a slave mount, and nowhere else', () => {
  const folder = bundle(
    'touch /slave/ready; while [ ! -e /slave/x/made ]; do sleep 0.05; done; ls /slave/x /private/x',
    (config) => {
      withoutUserNamespace(config, [{ type: 'mount' }, { type: 'pid' }]);
      config.hostname = '';
      config.mounts.push(
        { destination: '/slave', type: 'bind', source: 'files', options: ['rbind', 'rslave'] },
        { destination: '/private', type: 'bind', source: 'files', options: ['rbind', 'rprivate'] },
      );
    },
  );
  mkdirSync(join(folder, 'files/x'), { recursive: true });
  const stdout = asRoot(`
    cd ${folder}
    mount --bind files files; mount --make-shared files
    $FOSTER run --rm --bundle . &
    while [ ! -e files/ready ]; do sleep 0.05; done
    mount -t tmpfs none files/x; touch files/x/made
    wait`);
  assert.equal(stdout, '/private/x:\n\n/slave/x:\nmade\n');
});

test('linux.rootfsPropagation applies only to the root', () => {
  for (const [propagation, expected] of [
    ['shared', /^shared:\d+$/],
    ['unbindable', /^unbindable$/],
    ['rprivate', /^-$/],
    ['rslave', /^(-|master:\d+)$/],
  ] as const) {
    const found = output('grep " / rw" /proc/self/mountinfo | cut -d" " -f 7', ({ linux }) => {
      linux.rootfsPropagation = propagation;
    });
    assert.match(found, expected);
  }
});

test("devices: the default ones, and the host's", () => {
  const found = output(
    'echo x > /dev/null && ls -l /dev/fuse | cut -c1; test -c /dev/tty && echo tty',
    ({ linux }) => {
      linux.devices = [
        { type: 'c', path: '/dev/null', major: 1, minor: 3, fileMode: 0o666 },
        { type: 'c', path: '/dev/fuse', major: 10, minor: 229 },
      ];
      linux.resources = { devices: [{ allow: false, access: 'rwm' }] };
    },
  );
  assert.equal(found, 'c\ntty');
  const withoutDev = output('echo x > /dev/null && head -c 3 /dev/zero | wc -c; ls /dev', (config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
  });
  assert.equal(withoutDev, '3\nfull\nnull\nrandom\ntty\nurandom\nzero');
  failure(({ linux }) => {
    linux.devices = [{ type: 'c', path: '/dev/fuse', major: 10, minor: 1 }];
  }, /linux\.devices\[0\]\.path: \/dev\/fuse on this machine is not that device/);
});

test("foster's own namespace, given by its path, is shared", () => {
  const inside = output('readlink /proc/self/ns/net; readlink /proc/self/ns/ipc', (config) => {
    const { linux, mounts } = config;
    config.hostname = '';
    linux.namespaces = [
      { type: 'user' },
      { type: 'mount' },
      { type: 'pid' },
      { type: 'network', path: '/proc/self/ns/net' },
      { type: 'ipc', path: `/proc/${process.pid}/ns/ipc` },
    ];
    // what belongs to a namespace that the container does not own can be shown as it is only
    for (const mount of mounts)
      if (mount.destination === '/sys')
        Object.assign(mount, { type: 'bind', source: '/sys', options: ['rbind', 'ro'] });
    mounts.splice(
      mounts.findIndex(({ destination }) => destination === '/dev/mqueue'),
      1,
    );
  });
  const own = execFileSync('readlink', ['/proc/self/ns/net', '/proc/self/ns/ipc'], { encoding: 'utf8' });
  assert.equal(`${inside}\n`, own);
});

test('namespaces by path, without a user namespace of the container', () => {
  const links = (pid: string) =>
    ['net', 'uts', 'ipc'].map((name) => `readlink /proc/${pid}/ns/${name}`).join('; ');
  const folder = bundle(links('self'), (config) => {
    config.hostname = 'theirs';
    withoutUserNamespace(config, [
      { type: 'mount' },
      { type: 'network', path: '/proc/PID/ns/net' },
      { type: 'uts', path: '/proc/PID/ns/uts' },
      { type: 'ipc', path: '/proc/PID/ns/ipc' },
    ]);
  });
  const stdout = asRoot(`
    mount -t proc proc /proc
    unshare --net --uts --ipc sleep 1000 & pid=$!
    while [ "$(readlink /proc/$pid/ns/ipc)" = "$(readlink /proc/self/ns/ipc)" ]; do sleep 0.05; done
    cd ${folder}
    sed -i "s/PID/$pid/g" config.json
    $FOSTER run --rm --bundle .
    ${links('$pid')}
    nsenter --target $pid --uts hostname
    sed -i 's,\\("network"[^}]*\\)/net,\\1/uts,' config.json
    $FOSTER run --rm --bundle . 2>&1 || true
    sed -i 's,\\("network"[^}]*\\)/uts,\\1/missing,' config.json
    $FOSTER run --rm --bundle . 2>&1 || true`);
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(lines.slice(0, 3), lines.slice(3, 6), stdout);
  assert.equal(lines[6], 'theirs');
  assert.match(
    lines[7] ?? '',
    /cannot join the network namespace \/proc\/\d+\/ns\/uts: .*EINVAL.*; it is not a network namespace/,
  );
  assert.match(lines[8] ?? '', /linux\.namespaces\[1\]\.path: there is no \/proc\/\d+\/ns\/missing/);
});

test('namespaces by path, beside a new user namespace: refused, with the reason', async () => {
  const other = spawn('unshare', ['--map-root-user', '--uts', 'sleep', '1000'], { stdio: 'ignore' });
  const path = `/proc/${other.pid}/ns/uts`;
  await waitUntil('it has its own', () => readlinkSync(path) !== readlinkSync('/proc/self/ns/uts'));
  failure(({ linux }) => {
    for (const one of linux.namespaces ?? []) if (one.type === 'uts') one.path = path;
  }, /linux\.namespaces\[\d\]\.path: root of the container's new user namespace has no rights over a uts namespace/);
  other.kill('SIGKILL');
  await once(other, 'exit');
});

test('a container of a bundle is like any other: ps, inspect, logs, exec, start, cp, commit, rm', async () => {
  const folder = bundle('echo started; touch /made; exec sleep 1000', ({ process }) => {
    process.user = { uid: 0, gid: 0, umask: 0o77 };
  });
  const id = home.run(['-d', '--name', 'bundled', '-l', 'a=b', '--bundle', folder]).stdout.trim();
  assert.match(home.foster(['ps']).stdout, /bundled/);
  assert.equal(
    home.foster(['inspect', '-f', '{{.Driver}} {{.Spec.root.path}} {{.Config.Labels.a}}', id]).stdout,
    `in-place ${rootfs} b\n`,
  );
  assert.equal(
    home.foster(['exec', id, 'sh', '-c', 'umask; cat /proc/1/comm']).stdout,
    '0077\nfoster-init\n',
  );
  home.foster(['exec', id, 'sh', '-c', 'echo text > /tmp/from']);
  assert.equal(home.foster(['cp', `${id}:/tmp/from`, '-']).status, 0);
  assert.equal(home.foster(['stop', '-t', '0', id]).status, 0);
  assert.match(
    home.foster(['cp', `${id}:/tmp/from`, '-']).stderr,
    /is not running, and its files are in .*rootfs/,
  );
  assert.match(home.foster(['diff', id]).stderr, /it changes the files in .*rootfs themselves/);
  assert.equal(home.foster(['start', id]).status, 0);
  await waitUntil('both starts are told', () => home.foster(['logs', id]).stdout === 'started\nstarted\n');
  assert.equal(home.foster(['rm', '-f', id]).status, 0);
  assert.ok(existsSync(join(rootfs, 'made')), "the root directory is not the container's to be removed");
  rmSync(join(rootfs, 'made'));
  assert.deepEqual(home.leftFolders(), []);
  const made = home.foster(['create', '--bundle', folder]).stdout.trim();
  assert.equal(home.foster(['export', made]).status, 0);
  assert.equal(home.foster(['commit', made, 'localhost/bundled']).status, 0);
  assert.equal(
    home.run(['--rm', 'localhost/bundled', 'sh', '-c', 'cat /etc/passwd | head -1']).stdout.split(':')[0],
    'root',
  );
  assert.equal(home.foster(['rmi', 'localhost/bundled']).status, 0);
  assert.equal(home.foster(['rm', made]).status, 0);
});

test('process.terminal, and its size', async () => {
  const change: Change = ({ process }) => {
    process.terminal = true;
    process.consoleSize = { height: 11, width: 77 };
  };
  const { stdout } = fosterAtTerminal(
    home,
    ['run', '--rm', '--bundle', bundle('test -t 0 && echo yes', change)],
    '',
  );
  assert.match(stdout, /yes/);
  const refused = home.run(['--bundle', bundle('true', change)], { input: '' });
  assert.match(refused.stderr, /the input device is not a TTY/);
  const id = home.run(['-d', '--bundle', bundle('stty size; sleep 1000', change)]).stdout.trim();
  assert.equal(home.foster(['exec', id, 'true']).status, 0);
  await waitUntil('its size is told', () => /^11 77/.test(home.foster(['logs', id]).stdout));
  home.foster(['rm', '-f', id]);
});

/** A plan without the parts that differ between containers: the id, and the host name made from it. */
function planOf(args: string[]): string {
  const { stdout, stderr, status } = home.run(['--dry-run', ...args]);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.replaceAll(/[0-9a-f]{64}/g, 'ID');
}

for (const flags of [
  ['busybox', 'true'],
  ['--read-only', '-t', '--tmpfs', '/x', '--cap-drop', 'ALL', '-u', '1:2', 'busybox', 'echo', 'x'],
  ['--network', 'host', '--pid', 'host', '--add-host', 'a:1.2.3.4', '--no-init', 'busybox', 'true'],
  [
    '--userns',
    'keep-id',
    '--ulimit',
    'nofile=10:20',
    '--sysctl',
    'kernel.msgmax=99',
    '-v',
    '/usr:/u:ro,rslave',
    'busybox',
    'id',
  ],
  ['--security-opt', 'seccomp=unconfined', '--privileged', '-w', '/tmp', '-e', 'A=b', 'busybox', 'true'],
]) {
  test(`--dry-run: the config.json of inspect makes the same plan as ${flags.join(' ')}`, () => {
    const named = ['--hostname', 'same', ...flags];
    const id = home.foster(['create', ...named]).stdout.trim();
    const folder = mkdtempSync(join(home.shared, 'again-'));
    writeFileSync(join(folder, 'config.json'), home.foster(['inspect', '-f', '{{json .Spec}}', id]).stdout);
    const own = flags.includes('--no-init') ? ['--no-init'] : [];
    assert.equal(planOf([...own, '--bundle', folder]), planOf(named));
    home.foster(['rm', id]);
  });
}

test('invalid and unsupported settings are refused with their JSON path, and leave nothing behind', () => {
  failure(({ linux }) => {
    linux.namespaces?.push({ type: 'weather' as 'time' });
  }, /^foster: cannot use .*config\.json: linux\.namespaces\[\d\]\.type: expected one of pid, .*, not the string 'weather'$/m);
  failure(({ linux }) => {
    linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'user') ?? [];
  }, /linux\.namespaces: there is no user namespace, and without one only root can/);
  failure(({ linux }) => {
    linux.resources = { unified: { 'cgroup.procs': '1' } };
  }, /linux\.resources\.unified\.cgroup\.procs: foster itself writes/);
  failure(({ linux }) => {
    linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
  }, /linux\.uidMappings\[0\]: .* may not map the user ids 0 to 0 of the machine/);
  failure(({ root }) => {
    root.path = 'missing';
  }, /root\.path: there is no directory .*missing/);
  failure(({ mounts }) => {
    mounts.push({ destination: '/x', type: 'bind', source: 'missing' });
  }, /mounts\[\d\]\.source: there is no .*missing on this machine/);
});

test('wrong input: not a bundle, not JSON, conflicting options', () => {
  const cases: [string[], RegExp][] = [
    [['--bundle', '/missing'], /cannot use \/missing\/config\.json: .*ENOENT.*foster spec/],
    [
      ['--bundle', home.shared, '-e', 'A=b'],
      /--env and --bundle cannot be used together; change the config\.json/,
    ],
    [['--bundle', home.shared, '--rm=true', '-v', '/a:/b'], /--volume and --bundle cannot be used together/],
    [['--bundle', home.shared, 'busybox'], /ROOT and --bundle cannot be used together/],
    [[], /missing required argument 'ROOT'/],
  ];
  for (const [args, expected] of cases) {
    const { status, stderr } = home.run(args);
    assert.match(stderr, expected);
    assert.equal(status, 125);
  }
  const folder = bundle('true');
  writeFileSync(join(folder, 'config.json'), '{"ociVersion": ');
  assert.match(home.run(['--bundle', folder]).stderr, /config\.json: it is not JSON/);
});

test('unknown members are ignored with a warning', () => {
  const { stdout, stderr, status } = run('echo ran', ({ process }) => {
    Object.assign(process, { 'new\u001b[31m': 1 });
  });
  assert.deepEqual([stdout, status], ['ran\n', 0]);
  assert.match(stderr, /process\.new\\u001b\[31m is nothing that the specification has, and is ignored\n$/);
});

test('nothing is left behind', async () => {
  await home.assertNothingLeft();
});
