import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { parseMounts } from '../../src/container/cgroup-facts.js';
import type { Config } from '../../src/spec/oci/config.js';
import { Containers } from './support/containers.js';
import { CrashHome } from './support/crash.js';
import { FOSTER } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** Limits of containers, by the cgroups of version 1 of this machine; as root, who alone may make those. */
const home = new CrashHome();
const containers = new Containers(home);
const hierarchies = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')).filter(
  ({ type }) => type === 'cgroup',
);
const memory = hierarchies.find(({ controllers }) => controllers.includes('memory'));
const only = { skip: memory === undefined ? 'the controllers are not those of version 1' : false };

/** Cgroups that foster has made. */
function cgroups(): string[] {
  return hierarchies.flatMap(({ folder }) =>
    readdirSync(folder)
      .filter((name) => name.startsWith('foster-'))
      .map((name) => join(folder, name)),
  );
}

/** The cgroups of a container: other users of the machine may have some, too. */
const own = (id: string) => cgroups().filter((path) => path.endsWith(id));

const before = cgroups();
const left = () => cgroups().filter((path) => !before.includes(path));

/** The processes of a cgroup, a line each; none of one that is gone, such as the one that shows what files there are. */
function processesIn(folder: string): string {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8');
  } catch {
    return '';
  }
}

function read(id: string, file: string): string {
  const [controller] = file.split('.');
  const hierarchy = hierarchies.find(({ controllers }) => controllers.includes(controller ?? ''));
  return readFileSync(join(hierarchy?.folder ?? '', `foster-${id}`, file), 'utf8').trim();
}

const MB = 1024 * 1024;

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
  assert.deepEqual(left(), []);
});

after(() => assert.deepEqual(left(), []));

describe('limits', only, () => {
  test('are in the files of the cgroup, in which all processes of the container are', async () => {
    const flags = [
      '-m',
      '64m',
      '--memory-swap=96m',
      '--memory-reservation',
      '32m',
      '--cpus',
      '0.5',
      '-c',
      '512',
    ];
    const id = containers.detach('one', 'sleep 1000 & sleep 1000', [
      ...flags,
      ...['--pids-limit', '20', '--cpuset-cpus', '0', '--cpuset-mems', '0', '--memory-swappiness', '10'],
    ]);
    const files = {
      'memory.limit_in_bytes': 64 * MB,
      'memory.memsw.limit_in_bytes': 96 * MB,
      'memory.soft_limit_in_bytes': 32 * MB,
      'memory.swappiness': 10,
      'cpu.cfs_period_us': 100_000,
      'cpu.cfs_quota_us': 50_000,
      'cpu.shares': 512,
      'pids.max': 20,
      'cpuset.cpus': 0,
      'cpuset.mems': 0,
    };
    for (const [file, value] of Object.entries(files)) assert.equal(read(id, file), String(value), file);
    for (const folder of own(id)) {
      // the shell executes the second sleep
      const inside = await waitUntil(`PID 1, the shell and its child are there: ${folder}`, () => {
        const pids = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
        return pids.length === 3 && pids;
      });
      assert.ok(inside.includes(String(containers.pid('one'))));
    }
    const shown = containers.inspect(
      'one',
      '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.NanoCpus}} {{.CpuShares}} {{.PidsLimit}} {{.CpusetCpus}} {{.Cgroups}}{{end}}',
    );
    assert.equal(shown, `${64 * MB} ${96 * MB} ${32 * MB} 500000000 512 20 0 default`);
    containers.ok('stop', '-t', '0', 'one');
    assert.deepEqual(own(id), [], 'the cgroup goes with the container');
    containers.ok('start', 'one');
    assert.equal(read(id, 'memory.limit_in_bytes'), String(64 * MB));
  });

  test('hold for what exec and health checks run, and the container sees its own cgroup as the top one', async () => {
    const id = containers.detach('one', 'sleep 1000', [
      ...[
        '-m',
        '64m',
        '--health-cmd',
        'grep -q . /proc/self/cgroup && sleep 1000',
        '--health-interval',
        '100ms',
      ],
    ]);
    const shown = containers.ok('exec', 'one', 'cat', '/proc/self/cgroup');
    for (const line of shown.trim().split('\n')) assert.match(line, /:\/$/);
    await waitUntil(
      'the check is in the cgroup',
      () => read(id, 'memory.kmem.usage_in_bytes') !== '' && processes(id).length > 3,
    );
  });

  const processes = (id: string) =>
    readFileSync(join(memory?.folder ?? '', `foster-${id}`, 'cgroup.procs'), 'utf8').split('\n');

  test('more processes than --pids-limit cannot be started', () => {
    const { stderr, stdout } = home.shell('for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait; echo end', [
      '--pids-limit',
      '5',
    ]);
    assert.match(stderr, /can't fork/);
    assert.equal(stdout, '');
  });

  test('a process that needs more than --memory is killed, and all are told so', async () => {
    const { status, stdout, stderr } = home.run([
      '--name',
      'one',
      '-m',
      '32m',
      'busybox',
      'tail',
      '/dev/zero',
    ]);
    assert.deepEqual([status, stdout], [137, '']);
    assert.equal(
      stderr,
      'foster: container one ran out of memory: the kernel killed a process, since it needed more than its limit of 32m of memory\n',
    );
    assert.equal(containers.inspect('one', '{{.State.OOMKilled}} {{.State.ExitCode}}'), 'true 137');
    const id = containers.detach('two', 'tail /dev/zero', ['-m', '32m']);
    await containers.waitFor('two', 'exited');
    assert.equal(containers.inspect('two', '{{.State.OOMKilled}} {{.State.ExitCode}}'), 'true 137');
    assert.deepEqual(
      containers.events(id).map((line) => line.split(' ')[0]),
      ['create', 'start', 'oom', 'die'],
    );
  });

  test('what is killed without a limit is not told as that, nor is the next run', () => {
    containers.detach('one', 'test -e /ran || { touch /ran; tail /dev/zero; }', ['-m', '32m']);
    containers.ok('wait', 'one');
    assert.equal(containers.inspect('one', '{{.State.OOMKilled}}'), 'true');
    containers.ok('start', 'one');
    containers.ok('wait', 'one');
    assert.equal(containers.inspect('one', '{{.State.OOMKilled}} {{.State.ExitCode}}'), 'false 0');
    const killed = home.shell('kill -9 $$', ['-m', '32m']);
    assert.deepEqual([killed.status, killed.stderr], [137, '']);
  });

  test('a container that was killed for its memory is started again by --restart on-failure', async () => {
    const script = 'test -e /ran && exec sleep 1000; touch /ran; exec tail /dev/zero';
    const id = containers.detach('one', script, ['-m', '32m', '--restart', 'on-failure']);
    await containers.until(
      'it runs again',
      'one',
      (info) => info.restarts === 1 && info.status === 'running',
    );
    assert.equal(read(id, 'memory.limit_in_bytes'), String(32 * MB));
    assert.ok(containers.events(id).some((line) => line.startsWith('oom')));
  });
});

describe('limits that not every kernel has', only, () => {
  /** A file of a new cgroup. */
  function isThere(file: string): boolean {
    const [controller] = file.split('.');
    const folder =
      hierarchies.find(({ controllers }) => controllers.includes(controller ?? ''))?.folder ?? '';
    const probe = join(folder, `foster-probe-${process.pid}`);
    mkdirSync(probe);
    try {
      return existsSync(join(probe, file));
    } finally {
      rmdirSync(probe);
    }
  }

  test('real-time CPU time, which update changes in an order that the kernel takes', (t) => {
    if (!isThere('cpu.rt_runtime_us')) return t.skip('this kernel has none');
    const id = containers.detach('one', 'sleep 1000', [
      '--cpu-rt-runtime',
      '50000',
      '--cpu-rt-period',
      '500000',
    ]);
    const times = () => ['cpu.rt_period_us', 'cpu.rt_runtime_us'].map((file) => Number(read(id, file)));
    assert.deepEqual(times(), [500_000, 50_000]);
    for (const [period, runtime] of [
      [20_000, 1000],
      [900_000, 40_000],
    ] as const) {
      containers.ok('update', '--cpu-rt-runtime', `${runtime}`, '--cpu-rt-period', `${period}`, 'one');
      assert.deepEqual(times(), [period, runtime]);
    }
    const { status, stderr } = home.foster(['update', '--cpu-rt-runtime', '899999', 'one']);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^foster: cannot let it have 899999 µs of real-time CPU time .*; the cgroup above has less left/,
    );
    assert.equal(
      containers.inspect('one', '{{.HostConfig.CpuRealtimePeriod}} {{.HostConfig.CpuRealtimeRuntime}}'),
      '900000 40000',
    );
  });

  test('the weight for one disk, where that has a scheduler with weights', (t) => {
    const disk = '/dev/loop7';
    const scheduler = '/sys/block/loop7/queue/scheduler';
    if (!isThere('blkio.bfq.weight_device') || !existsSync(disk) || !existsSync(scheduler))
      return t.skip('this kernel has none');
    const refused = home.run(['--rm', '--blkio-weight-device', `${disk}:200`, 'busybox', 'true']);
    assert.equal(refused.status, 125);
    assert.match(
      refused.stderr,
      /^foster: cannot give it the weight 200 for the disk 7:7 \(--blkio-weight-device\): .*; the disk has another scheduler/,
    );
    const [, before = 'none'] = /\[(.*)\]/.exec(readFileSync(scheduler, 'utf8')) ?? [];
    writeFileSync(scheduler, 'bfq');
    try {
      const id = containers.detach('one', 'sleep 1000', ['--blkio-weight-device', `${disk}:200`]);
      assert.match(read(id, 'blkio.bfq.weight_device'), /^7:7 200$/m);
      containers.ok('update', '--blkio-weight-device', `${disk}:300`, 'one');
      assert.match(read(id, 'blkio.bfq.weight_device'), /^7:7 300$/m);
      assert.equal(
        containers.inspect('one', '{{json .HostConfig.BlkioWeightDevice}}'),
        `[{"Path":"${disk}","Weight":300}]`,
      );
      containers.ok('rm', '-f', 'one');
    } finally {
      writeFileSync(scheduler, before);
    }
  });
});

test('--cgroups disabled: there is none, and none for update either', only, () => {
  const id = containers.detach('one', 'sleep 1000', ['--cgroups', 'disabled']);
  assert.deepEqual(own(id), []);
  assert.equal(containers.inspect('one', '{{.HostConfig.Cgroups}}'), 'disabled');
  const { status, stderr } = home.foster(['update', '--memory', '64m', 'one']);
  assert.equal(status, 1);
  assert.match(stderr, /^foster: cannot limit container one: it was created with --cgroups disabled; /);
  const bound = home.run(['--rm', '--cgroup-conf', 'memory.high=64m', 'busybox', 'true']);
  assert.equal(bound.status, 125);
  assert.match(bound.stderr, /^foster: cannot enforce --cgroup-conf: memory\.high is of version 2, /);
});

describe('update', only, () => {
  test('changes limits while the container runs, and for its next runs', async () => {
    const script = 'until test -e /go; do sleep 0.1; done; rm /go; exit 1';
    const id = containers.detach('one', script, ['-m', '64m', '--cpus', '1', '--restart', 'always']);
    containers.ok('update', '--memory', '256m', '--cpus', '0.5', '--pids-limit', '30', 'one');
    const limits = () =>
      ['memory.limit_in_bytes', 'cpu.cfs_quota_us', 'pids.max'].map((file) => read(id, file));
    assert.deepEqual(limits(), [String(256 * MB), '50000', '30']);
    assert.equal(read(id, 'memory.memsw.limit_in_bytes'), String(512 * MB));
    assert.equal(
      containers.inspect('one', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}'),
      `${256 * MB} 500000000`,
    );
    // what was changed many times does not lose the last one
    const path = join(containers.folder(id), 'limits');
    const text = readFileSync(path, 'utf8');
    const [folder] = /[^\0]+(?=\0pids\.max\0)/.exec(text) ?? [];
    writeFileSync(path, `${folder}\0pids.max\x0031\0`.repeat(100) + text);
    containers.ok('exec', 'one', 'touch', '/go');
    await containers.until(
      'it runs again',
      'one',
      (info) => info.restarts === 1 && info.status === 'running',
    );
    // they are set before the command goes on, and may not be just now
    const kept = `${256 * MB} 50000 30`;
    await waitUntil(`a restart keeps them: ${kept}`, () => limits().join(' ') === kept);
    containers.ok('update', '--memory', '32m', 'one');
    assert.deepEqual(limits()[0], String(32 * MB));
    containers.ok('update', '--memory', '0', 'one');
    assert.ok(Number(limits()[0]) > 2 ** 60, 'no limit');
  });

  test('of a container that waits to be started again is for its next run', async () => {
    const script = 'test -e /shared/go && exec sleep 1000; exit 1';
    const flags = ['-m', '64m', '--restart', 'always', '-v', `${home.shared}:/shared`];
    const id = containers.detach('one', script, flags);
    await containers.waitFor('one', 'restarting');
    containers.ok('update', '--memory', '128m', 'one');
    writeFileSync(join(home.shared, 'go'), '');
    await containers.waitFor('one', 'running');
    // it is set before the command goes on, and may not be just now
    await waitUntil('it has the new limit', () => read(id, 'memory.limit_in_bytes') === String(128 * MB));
  });

  test('refuses what it cannot change, and changes nothing', () => {
    containers.detach('free', 'sleep 1000');
    containers.detach('one', 'sleep 1000', ['-m', '64m', '--memory-swap', '80m']);
    const refused = (args: string[], message: RegExp) => {
      const { status, stderr } = home.foster(['update', ...args]);
      assert.match(stderr, message);
      assert.equal(status, 1, stderr);
    };
    refused(
      ['-m', '32m', 'free'],
      /^foster: cannot change the limits of container free while it runs: it was started without a cgroup; stop it first/,
    );
    refused(
      ['-m', '128m', 'one'],
      /^foster: cannot limit the memory of container one: memory and swap together/,
    );
    refused(['--cpuset-cpus', '0', 'one'], /started without a cgroup for cpuset/);
    refused(
      ['--pids-limit', '5', '--cpu-shares', '3', '--memory-swap', '-1', '-m', '6m', 'missing'],
      /no such container/,
    );
    assert.equal(
      containers.inspect('one', '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}'),
      `${64 * MB} ${80 * MB}`,
    );
    assert.equal(containers.inspect('free', '{{.HostConfig.Memory}}'), '0');
    containers.ok('stop', '-t', '0', 'free');
    containers.ok('update', '-m', '32m', 'free');
    containers.ok('start', 'free');
    assert.equal(containers.inspect('free', '{{.HostConfig.Memory}}'), String(32 * MB));
  });
});

describe('the cgroup', only, () => {
  test('tells stats what the container uses', () => {
    containers.detach('one', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null; sleep 1000', [
      '-m',
      '64m',
    ]);
    const usage = () =>
      containers.ok('stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', 'one').trim();
    assert.match(usage(), /^[\d.]+[KM]iB \/ 64MiB \d$/);
  });

  test('is frozen by pause, which no process sees; kill and rm -f end what is frozen', async () => {
    const id = containers.detach('one', 'sleep 1000', ['-m', '64m']);
    containers.ok('pause', 'one');
    assert.equal(read(id, 'freezer.state'), 'FROZEN');
    assert.equal(containers.status('one'), 'paused');
    containers.ok('unpause', 'one');
    assert.equal(read(id, 'freezer.state'), 'THAWED');
    for (const end of [['stop', '-t', '0'], ['kill'], ['rm', '-f']]) {
      if (containers.status('one') === 'exited') containers.ok('start', 'one');
      containers.ok('pause', 'one');
      containers.ok(...end, 'one');
      await waitUntil('its cgroups are gone', () => own(id).length === 0);
    }
  });

  test('is below --cgroup-parent, which goes when it is empty', () => {
    const parent = `foster-test-${process.pid}`;
    const id = containers.detach('one', 'sleep 1000', ['--cgroup-parent', `/${parent}/inner`]);
    const folder = join(memory?.folder ?? '', parent);
    assert.ok(existsSync(join(folder, 'inner', `foster-${id}`, 'cgroup.procs')));
    assert.equal(containers.inspect('one', '{{.HostConfig.CgroupParent}}'), `/${parent}/inner`);
    containers.ok('rm', '-f', 'one');
    assert.ok(!existsSync(folder));
  });

  test('is where linux.cgroupsPath of a bundle says, with the limits of its config.json', () => {
    const folder = mkdtempSync(join(home.shared, 'bundle-'));
    assert.equal(home.foster(['spec'], { cwd: folder }).status, 0);
    const path = join(folder, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as Config;
    const root = containers.inspect(
      home.foster(['create', '--name', 'model', 'busybox']).stdout.trim(),
      '{{.Spec.root.path}}',
    );
    const name = `foster-test-${process.pid}`;
    Object.assign(config, { root: { path: root, readonly: true } });
    Object.assign(config.process ?? {}, { terminal: false, args: ['cat', '/proc/self/cgroup'] });
    config.linux = { ...config.linux, cgroupsPath: `/${name}`, resources: { memory: { limit: 32 * MB } } };
    config.linux.namespaces = (config.linux.namespaces ?? []).filter(({ type }) => type !== 'cgroup');
    writeFileSync(path, JSON.stringify(config));
    const { status, stdout, stderr } = home.run(['--rm', '--bundle', folder]);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, new RegExp(`:memory:/${name}$`, 'm'));
  });

  test('is shared with the container whose PID namespace it joins, or its own', () => {
    containers.detach('one', 'sleep 1000');
    const id = containers.detach('two', 'sleep 1000', ['--pid', 'container:one', '-m', '64m']);
    assert.ok(processesOf(id).length >= 2, 'the stand-in of PID 1, and the process');
    containers.ok('rm', '-f', 'two');
    assert.deepEqual(own(id), []);
  });

  const processesOf = (id: string) =>
    readFileSync(join(memory?.folder ?? '', `foster-${id}`, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter(Boolean);
});

describe('build', only, () => {
  const dockerfile = join(home.shared, 'Dockerfile');

  function flagsOf(run: string, flags: string[]): string[] {
    writeFileSync(dockerfile, `FROM localhost/foster/busybox\nRUN ${run}\n`);
    return ['build', '--network', 'none', ...flags, '-f', dockerfile, home.shared];
  }

  test('RUN has a cgroup of its own with its limits, where it is wanted', () => {
    const parent = `foster-test-${process.pid}`;
    const files = {
      'memory.limit_in_bytes': 64 * MB,
      'memory.memsw.limit_in_bytes': 96 * MB,
      'cpu.shares': 512,
      'cpu.cfs_quota_us': 20_000,
      'cpu.cfs_period_us': 50_000,
      'cpuset.cpus': 0,
      'cpuset.mems': 0,
    };
    const folders = ['memory', 'cpu', 'cpuset'].map(
      (name) => [name, hierarchies.find(({ controllers }) => controllers.includes(name))?.folder] as const,
    );
    const own = `own=$(sed -n "s/.*:memory://p" /proc/self/cgroup); echo "in $own"`;
    const reads = Object.keys(files).map(
      (file) => `echo "${file} $(cat /cgroups/${file.split('.')[0]}/$own/${file})"`,
    );
    const { status, stdout, stderr } = home.foster(
      flagsOf([own, ...reads].join('; '), [
        ...['--memory', '64m', '--memory-swap', '96m', '-c', '512', '--cpu-quota', '20000', '--cpu-period'],
        ...['50000', '--cpuset-cpus', '0', '--cpuset-mems', '0', '--cgroup-parent', `/${parent}`],
        ...[
          '--cgroupns',
          'host',
          ...folders.flatMap(([name, path]) => ['-v', `${path}:/cgroups/${name}:ro`]),
        ],
      ]),
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`^in /${parent}/foster-[0-9a-f]{64}$`, 'm'));
    for (const [file, value] of Object.entries(files))
      assert.match(stdout, new RegExp(`^${file} ${value}$`, 'm'));
    for (const { folder } of hierarchies) assert.ok(!existsSync(join(folder, parent)), 'it is gone');
  });

  test('RUN that needs more than --memory is killed, and that is told', () => {
    const run = 'test ! -e /nosuch && tail /dev/zero';
    for (const more of [[], ['-q']]) {
      const { status, stderr } = home.foster(flagsOf(run, ['-m', '32m', ...more]));
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^foster: RUN ran out of memory: the kernel killed a process, since it needed more than its limit of 32m of memory$/m,
      );
      assert.match(stderr, /^foster: .*\/Dockerfile:2: The command '.*' returned a non-zero code: 137$/m);
    }
    assert.deepEqual(left(), []);
  });

  test('what was built with limits need not be built again without', () => {
    const run = 'echo once';
    assert.equal(home.foster(flagsOf(run, ['-m', '64m'])).status, 0);
    assert.match(home.foster(flagsOf(run, [])).stdout, /^--> CACHED/m);
  });

  test('a build that is interrupted or killed leaves no cgroup', async () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
      const args = flagsOf(`sleep 1000; echo ${signal}`, ['-m', '64m']);
      const child = spawn(FOSTER, args, { env: home.env, stdio: 'ignore' });
      const ended = once(child, 'exit');
      await waitUntil('RUN is in its cgroup', () => left().some((folder) => processesIn(folder) !== ''));
      child.kill(signal);
      await ended;
      await waitUntil(`no cgroup is left after ${signal}`, () => {
        if (signal === 'SIGKILL') home.must(['prune', '-f']); // its monitor may just have been about to begin
        return left().length === 0;
      });
    }
  });

  test('a limit that cannot be had is told before anything is built', () => {
    const { status, stdout, stderr } = home.foster(flagsOf('true', ['--cpuset-cpus', 'nonsense']));
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(stderr, /^foster: --cpuset-cpus 'nonsense': /);
    const refused = home.foster(flagsOf('true', ['--cpuset-cpus', '0-9999']));
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /cannot run it on CPUs 0-9999 only \(--cpuset-cpus\): /);
    assert.deepEqual(left(), []);
  });
});

describe('what goes wrong', only, () => {
  test('a value that the kernel refuses: an error before anything runs, and nothing is left', () => {
    for (const more of [['--rm'], ['-d']]) {
      const { status, stdout, stderr } = home.run([...more, '--cpuset-cpus', '0-9999', 'busybox', 'true']);
      assert.deepEqual([status, stdout], [125, '']);
      assert.match(stderr, /^foster: cannot run it on CPUs 0-9999 only \(--cpuset-cpus\): /);
      assert.deepEqual(home.leftFolders(), []);
      assert.deepEqual(left(), []);
    }
  });

  test('a device that is none', () => {
    const { status, stderr } = home.run(['--rm', '--device-read-bps', '/dev/null:1m', 'busybox', 'true']);
    assert.equal(status, 125);
    assert.match(stderr, /^foster: cannot limit the use of \/dev\/null: it is not a block device/);
  });

  for (const [where, flags] of Object.entries({ foreground: [], background: ['-d'] })) {
    test(`the monitor of a container in the ${where} is killed: its cgroups go with it`, async () => {
      const name = `crash-${where}`;
      const running = home.start(['--name', name, '-m', '64m', ...flags, 'busybox', 'sleep', '1000']);
      await waitUntil('it runs', async () =>
        (await home.listed()).some((one) => one.name === name && one.state === 'running'),
      );
      const id = containers.inspect(name, '{{.Id}}');
      assert.ok(own(id).length > 0);
      process.kill(containers.monitor(name), 'SIGKILL');
      await running.ended;
      await waitUntil('its cgroups are gone', () => own(id).length === 0);
    });

    test(`foster is killed at each step of a start in the ${where}: prune leaves no cgroup`, async () => {
      const args = ['run', '-m', '64m', ...flags, 'busybox', 'true'];
      const { stderr } = home.foster(args, { env: { FOSTER_FAULT: 'count' } });
      const count = stderr.match(/^fault point/gm)?.length ?? 0;
      assert.ok(count > 5, stderr);
      for (let point = 1; point <= count; point++) {
        home.foster(args, { env: { FOSTER_FAULT: String(point) } });
        await home.assertTruth();
        home.must(['prune', '-f']);
        await waitUntil(`no cgroup is left after fault point ${point}`, () => left().length === 0);
      }
    });
  }

  test('a cgroup that a killed monitor has left is replaced by the next start', async () => {
    const id = containers.detach('one', 'sleep 1000', ['-m', '64m']);
    const pids = [containers.monitor('one'), ...children(containers.monitor('one'))];
    // the janitor, too, which must not get to see the end of the monitor
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) for (const pid of pids) process.kill(pid, signal);
    await containers.waitFor('one', 'dead');
    assert.ok(own(id).length > 0, 'nobody was there to remove them');
    containers.ok('start', 'one');
    assert.equal(read(id, 'memory.limit_in_bytes'), String(64 * MB));
    containers.ok('rm', '-f', 'one');
    assert.deepEqual(own(id), []);
  });

  const children = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
});
