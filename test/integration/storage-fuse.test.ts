import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER } from './support/foster.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { descendants } from './support/processes.js';

/** Containers with fuse-overlayfs, chosen explicitly; storage-probe.root.test.ts tests where they are needed. */
const home = new ImagesHome();
home.env.FOSTER_STORAGE_DRIVER = 'fuse-overlayfs';
const containers = new Containers(home);
const out = (...args: string[]) => containers.ok(...args);
const lines = (text: string) => text.split('\n').filter(Boolean);

const base = [
  ...BUSYBOX_LAYER,
  { name: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' },
  { name: 'etc/kept', content: 'kept' },
  { name: 'd/one' },
  { name: 'd/two', content: '2' },
  { name: 'e/hidden' },
  { name: 'gone' },
];
const second = [
  { name: 'd/.wh.one' },
  { name: 'e/.wh..wh..opq' },
  { name: 'e/seen' },
  { name: 'd/mine', content: 'x', uid: 7, gid: 8, mode: 0o4755 },
];

const daemons = () => descendants().filter(({ name }) => name === 'fuse-overlayfs');

function missing(): string | false {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/fuse cannot be used';
  }
  return existsSync('/usr/bin/fuse-overlayfs') ? false : 'fuse-overlayfs is not installed';
}

describe('fuse-overlayfs', { skip: missing() }, () => {
  beforeEach(() =>
    home.load(dockerArchive({ names: ['app:1'], layers: [base, second], config: { Cmd: ['sh'] } })),
  );
  afterEach(async () => {
    containers.removeAll();
    await home.assertNoProcess();
    await home.clear();
    assert.deepEqual(home.stored(), { blobs: [], layers: [], leftovers: [] });
    assert.deepEqual(readdirSync(home.path('data/foster/containers')), []);
  });

  test('the merged layers are the root filesystem, and the container can write to it', () => {
    const script =
      'grep " / / " /proc/self/mountinfo; ls /d /e; stat -c "%u:%g %a" /d/mine; echo x > /d/two; cat /d/two';
    assert.match(
      out('run', '--rm', 'app:1', 'sh', '-c', script),
      /^\d.* - fuse.fuse-overlayfs .*\n\/d:\nmine\ntwo\n\n\/e:\nseen\n7:8 4755\nx\n$/,
    );
    assert.equal(out('run', '--rm', 'app:1', 'cat', '/d/two'), '2', 'the layer is as it was');
    const { status, stderr } = home.run(['--rm', '--read-only', 'app:1', 'touch', '/new']);
    assert.equal(status, 1);
    assert.match(stderr, /Read-only file system/);
    for (const mode of ['auto', 'keep-id']) {
      const owner = ['stat', '-c', '%u', '/d/mine'];
      assert.equal(out('run', '--rm', '--userns', mode, 'app:1', ...owner), '7\n', mode);
    }
  });

  test('the data folder can be private, and have commas and colons in its name', () => {
    const data = home.path('a,b:c\\d');
    mkdirSync(data, { mode: 0o700 });
    const run = (...args: string[]) => home.foster(args, { env: { XDG_DATA_HOME: data } });
    for (const mode of ['default', 'auto', 'keep-id']) {
      const { stdout, stderr } = run('run', '--rm', '--userns', mode, 'busybox', 'sh', '-c', '>/x; ls /x');
      assert.equal(stdout, '/x\n', `${mode}: ${stderr}`);
    }
    run('system', 'prune', '-af');
  });

  test('set-user-ID programs work, and root of the container has its usual permissions', () => {
    const script = `cp /bin/busybox /su; chmod 4755 /su; chown 5:6 /d/two; stat -c %u:%g /d/two; mkfifo /p;
      mkdir -m 1777 /t; ln /su /hard; stat -c "%h %a" /su; mv /d/mine /mine; rm -r /d; ls -d /d`;
    const { stdout, stderr } = home.run(['--rm', 'app:1', 'sh', '-c', script]);
    assert.equal(stdout, '5:6\n2 4755\n', stderr);
    assert.equal(stderr, 'ls: /d: No such file or directory\n');
  });

  test('the container cannot see the program or its files', async () => {
    out('run', '-d', '--name', 'one', 'app:1', 'sleep', '1000');
    const [daemon] = daemons();
    assert.ok(daemon !== undefined && daemons().length === 1);
    const names = lines(out('exec', 'one', 'sh', '-c', 'cat /proc/[0-9]*/comm')).filter(
      (name) => name !== 'cat',
    );
    assert.deepEqual(names.sort(), ['foster-init', 'sleep']);
    const visible = out('exec', 'one', 'sh', '-c', `ls -d /proc/${daemon.pid}; kill -0 ${daemon.pid}; true`);
    assert.equal(visible, '');
    const ns = (kind: string) =>
      execFileSync('readlink', [`/proc/${daemon.pid}/ns/${kind}`], { encoding: 'utf8' });
    const childs = (kind: string) => out('exec', 'one', 'busybox', 'readlink', `/proc/self/ns/${kind}`);
    assert.equal(ns('user'), childs('user'));
    assert.notEqual(ns('pid'), childs('pid'));
    assert.notEqual(ns('mnt'), childs('mnt'));
    const open = execFileSync('ls', ['-l', `/proc/${daemon.pid}/fd`], { encoding: 'utf8' });
    assert.ok(!/socket:|foster-plan|lock/.test(open), open);
    // who shares the host's PID namespace would see it: such a container has a copy
    out('run', '-d', '--name', 'two', '--pid', 'host', 'app:1', 'sleep', '1000');
    assert.equal(containers.inspect('two', '{{.Driver}}'), 'copy');
    assert.equal(daemons().length, 1);
  });

  test('a detached container keeps its files when it is stopped, started and restarted by itself', async () => {
    out('run', '-d', '--name', 'one', '--stop-timeout', '1', 'app:1', 'sleep', '1000');
    assert.equal(containers.inspect('one', '{{.Driver}}'), 'fuse-overlayfs');
    out('exec', 'one', 'sh', '-c', 'echo kept > /file');
    out('stop', 'one');
    assert.deepEqual(daemons(), [], 'it ends before the container counts as ended');
    assert.equal(home.foster(['start', 'one'], { env: { FOSTER_STORAGE_DRIVER: 'overlay' } }).status, 0);
    assert.equal(out('exec', 'one', 'cat', '/file'), 'kept\n');
    out('restart', 'one');
    assert.equal(out('exec', 'one', 'cat', '/file'), 'kept\n');
    assert.equal(daemons().length, 1);
    const script = 'echo x >> /starts; sleep 0.1; exit 1';
    out('run', '-d', '--name', 'two', '--restart', 'on-failure:2', 'app:1', 'sh', '-c', script);
    await containers.waitFor('two', 'exited');
    assert.equal(daemons().length, 1);
    out('cp', 'two:/starts', home.path('starts'));
    assert.equal(readFileSync(home.path('starts'), 'utf8'), 'x\nx\nx\n');
  });

  test('a root filesystem that is in use elsewhere does not keep the program alive', async () => {
    const script = 'test -e /go && exec sleep 1000; until [ -e /go ]; do sleep 0.05; done; exit 1';
    out('run', '-d', '--name', 'one', '--restart', 'on-failure:1', 'app:1', 'sh', '-c', script);
    const first = containers.pid('one');
    const old = daemons()[0]?.pid;
    const O_PATH = 0o10000000;
    const held = openSync(`/proc/${first}/root`, O_PATH);
    try {
      out('exec', 'one', 'touch', '/go');
      await containers.until(
        'it runs again',
        'one',
        ({ status, pid }) => status === 'running' && pid > 0 && pid !== first,
      );
      assert.equal(daemons().length, 1);
      assert.notEqual(daemons()[0]?.pid, old);
    } finally {
      closeSync(held);
    }
  });

  test('whichever process is killed, nothing is left behind', async () => {
    const victims = { monitor: 'foster-monitor', init: 'foster-init', program: 'fuse-overlayfs' };
    for (const [who, name] of Object.entries(victims)) {
      for (const flags of [[], ['-d']]) {
        const running = home.start([
          ...flags,
          '--name',
          'one',
          '-i',
          'app:1',
          'sh',
          '-c',
          'echo up; cat; sleep 1; ls /',
        ]);
        await containers.until(
          'it runs',
          'one',
          ({ status }) => daemons().length === 1 && status === 'running',
        );
        const victim = descendants().find((each) => each.name === name);
        assert.ok(victim !== undefined, who);
        process.kill(victim.pid, 'SIGKILL');
        if (who === 'program') home.foster(['stop', '-t', '1', 'one']);
        await running.ended;
        await home.assertNoProcess();
        out('rm', '-f', 'one');
      }
    }
  });

  test('a start that fails or is interrupted leaves nothing behind', async () => {
    const failing = home.run(['--rm', '-w', '/etc/passwd/x', 'app:1', 'true']);
    assert.equal(failing.status, 125);
    await home.assertNoProcess();
    const missingProgram = home.run(['-d', 'app:1', '/none']);
    assert.equal(missingProgram.status, 127);
    await home.assertNoProcess();
    for (const flags of [[], ['-d']]) {
      const command = ['run', '--rm', ...flags, 'app:1', 'true'];
      const { stderr } = home.foster(command, { env: { FOSTER_FAULT: 'count' } });
      const count = lines(stderr).filter((line) => line.startsWith('fault point')).length;
      assert.ok(flags.length > 0 || stderr.includes('host steps done'), stderr);
      for (let index = 1; index <= count; index++) {
        home.foster(command, { env: { FOSTER_FAULT: String(index) } });
        await home.assertNoProcess();
        out('prune', '-f');
      }
    }
  });

  test('files are copied into and out of it, running or stopped', async () => {
    out('create', '--name', 'one', 'app:1', 'cat', '/d/in');
    writeFileSync(home.path('in'), 'inside');
    out('cp', home.path('in'), 'one:/d/in');
    out('cp', 'one:/d/mine', home.path('mine'));
    assert.equal(readFileSync(home.path('mine'), 'utf8'), 'x');
    assert.equal(home.foster(['cp', 'one:/d/one', home.path('none')]).status, 1);
    assert.equal(out('start', '-a', 'one'), 'inside');
    out('run', '-d', '--name', 'two', 'app:1', 'sleep', '1000');
    out('cp', home.path('in'), 'two:/etc/in');
    assert.equal(out('exec', 'two', 'cat', '/etc/in'), 'inside');
    out('cp', 'two:/etc/kept', home.path('kept'));
    assert.equal(readFileSync(home.path('kept'), 'utf8'), 'kept');
    assert.equal(daemons().length, 1);
  });

  const CHANGES =
    'echo new > /new; rm -r /gone /d; mkdir /d; echo x > /d/three; echo more >> /etc/kept; mkdir -p /a/b; chown 7:8 /a; ln /new /hard; mv /a /z; mkdir /e2; mv /e2 /e3';

  test('diff and commit give the same result as for an overlay', () => {
    out('create', '--name', 'fresh', 'app:1');
    assert.equal(out('diff', 'fresh'), '');
    out('run', '--name', 'nothing', '-v', '/volume', '-w', '/work/here', 'app:1', 'true');
    assert.equal(out('diff', 'nothing'), 'A /work\nA /work/here\n');
    const drivers = ['fuse-overlayfs', 'overlay'];
    for (const driver of drivers) {
      const name = driver.slice(0, 4);
      out('--storage-driver', driver, 'run', '--name', name, 'app:1', 'sh', '-c', CHANGES);
      out('commit', name, `${name}:1`);
    }
    assert.match(out('diff', 'fuse'), /^C \/d\nD \/d\/mine\nA \/d\/three\nD \/d\/two\nA \/e3\nC \/etc\n/m);
    assert.equal(out('diff', 'fuse'), out('diff', 'over'));
    const script = 'ls -a / /d; cat /etc/kept; stat -c "%u:%g %a" /z; stat -c %h /hard';
    const seen = (image: string) => out('run', '--rm', image, 'sh', '-c', script);
    assert.match(seen('fuse:1'), /\/d:\n\.\n\.\.\nthree\nkeptmore\n7:8 755\n2\n$/);
    assert.equal(seen('fuse:1'), seen('over:1'));
    out('save', '-o', home.path('saved.tar'), 'fuse:1');
    const saved = execFileSync('tar', ['-xOf', home.path('saved.tar')], {
      maxBuffer: 64 * 1024 * 1024,
    });
    assert.ok(!saved.includes('fuseoverlayfs'), 'its notes to itself are in no layer');
  });

  test('export and mount show its files', async () => {
    out('run', '--name', 'changes', 'app:1', 'sh', '-c', CHANGES);
    out('export', '-o', home.path('flat.tar'), 'changes');
    await home.assertNoProcess();
    const list = execFileSync('tar', ['--numeric-owner', '-tvf', home.path('flat.tar')], {
      encoding: 'utf8',
    });
    assert.match(list, /7\/8 .* z\/\n/);
    assert.match(list, / new link to hard\n/);
    assert.match(list, / e\/seen\n/);
    assert.ok(!/ gone|d\/one|d\/two|\.wh\./.test(list), list);
    const mount = `${FOSTER} mount changes`;
    const script = `m=$(${mount}); cat $m/d/three; touch $m/new2; ${FOSTER} umount changes; ls $m; ${mount} >/dev/null`;
    const { stdout, stderr } = home.foster(['unshare', 'sh', '-c', script]);
    assert.equal(stdout, 'x\nchanges\n', stderr);
    assert.match(stderr, /Read-only file system/);
    await home.assertNoProcess();
  });

  test('a build makes copies instead', () => {
    writeFileSync(home.path('shared/Dockerfile'), 'FROM app:1\nRUN rm /gone && echo y >> /d/two\n');
    out('build', '-q', '-t', 'built:1', home.shared);
    assert.equal(out('run', '--rm', 'built:1', 'sh', '-c', 'cat /d/two; ls /gone 2>&1 | wc -l'), '2y\n1\n');
    out('rmi', 'built:1');
    home.foster(['system', 'prune', '-af']);
  });

  test('failures are reported in one sentence', () => {
    const data = home.path('data/foster');
    out('create', '--name', 'one', 'app:1', 'true');
    const id = containers.inspect('one', '{{.Id}}');
    execFileSync('rmdir', [`${data}/containers/${id}/root`]);
    const { status, stderr } = home.foster(['start', 'one']);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^foster: cannot mount a FUSE file system: no such file or directory \(ENOENT\); .*\n$/,
    );
    const info = JSON.parse(out('info', '--format', 'json'));
    assert.equal(info.storage.driver, 'fuse-overlayfs');
  });

  test('the plan shows the program', () => {
    const plan = JSON.parse(out('run', '--dry-run', 'app:1', 'true'));
    const steps = plan.steps as { phase: string; call: string }[];
    const program = steps.find(({ call }) => call.includes('fuse-overlayfs'));
    assert.match(program?.call ?? '', /^execve\("\/.*\/fuse-overlayfs", \[.*lowerdir=/);
    assert.equal(program?.phase, 'foster');
    const { stderr } = home.run(['--rm', '--explain', 'app:1', 'true']);
    assert.match(stderr, /let fuse-overlayfs mount the root filesystem, .*\n.*execve\(/);
  });
});
