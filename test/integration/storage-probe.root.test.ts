import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FOSTER, type Result } from './support/foster.js';
import { BUSYBOX_LAYER, dockerArchive } from './support/image-archive.js';
import { DEADLINE } from './support/wait.js';

/**
 * A user whose data lies where the kernel refuses an overlay: on another overlay, as in a container of Docker's. No driver
 * is asked for here.
 */
const USER = 'foster-test';
const folder = mkdtempSync('/var/tmp/foster-probe-');
const data = join(folder, 'data');

for (const name of ['data', 'lower', 'upper', 'work', 'run', 'home']) mkdirSync(join(folder, name));
chmodSync(folder, 0o755);
const layers = `lowerdir=${folder}/lower,upperdir=${folder}/upper,workdir=${folder}/work`;
execFileSync('mount', ['-t', 'overlay', '-o', layers, 'foster-probe', data]);
execFileSync('chown', [`${USER}:`, data, join(folder, 'run'), join(folder, 'home')]);
execFileSync('chmod', ['700', join(folder, 'run')]);
after(() => {
  foster(['rm', '-f', ...foster(['ps', '-aq']).stdout.split('\n').filter(Boolean)]);
  execFileSync('umount', ['-l', data]);
  rmSync(folder, { recursive: true, force: true });
});

/** What fuse-overlayfs and /dev/fuse are here: nothing but by those tests that say so. */
let covers: Record<string, string> = { '/usr/bin/fuse-overlayfs': '/etc/passwd' };

/** A command that runs another one in a mount namespace with the covers on. */
function covered(): string[] {
  const mounts = Object.entries(covers).map(
    ([path, by]) => `if [ -e ${path} ]; then mount --bind ${by} ${path}; fi`,
  );
  return ['--mount', '--', 'sh', '-ec', [...mounts, 'exec setpriv "$@"'].join('\n'), 'sh'];
}

function foster(args: string[], env: Record<string, string> = {}, input: Buffer | string = ''): Result {
  const node = process.execPath.slice(0, process.execPath.lastIndexOf('/'));
  const user = [`--reuid=${USER}`, `--regid=${USER}`, '--init-groups', '--', FOSTER, ...args];
  const { status, signal, stdout, stderr } = spawnSync('unshare', [...covered(), ...user], {
    env: {
      HOME: join(folder, 'home'),
      XDG_DATA_HOME: data,
      XDG_RUNTIME_DIR: join(folder, 'run'),
      PATH: `${node}:/usr/bin:/bin:/usr/sbin:/sbin`,
      ...env,
    },
    cwd: '/',
    input,
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  return { status, signal, stdout, stderr };
}

function must(...args: string[]): string {
  const { status, stdout, stderr } = foster(args);
  assert.equal(status, 0, `foster ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const isReachable =
  spawnSync('setpriv', [`--reuid=${USER}`, '--clear-groups', '--', 'test', '-r', FOSTER]).status === 0;
const options = { skip: isReachable ? false : `${USER} may not read ${FOSTER}` };
const memory = join(data, 'foster/storage');
const remembered = () => JSON.parse(readFileSync(memory, 'utf8')) as Record<string, string>;

test('the first container finds that overlays do not work, and the result is remembered', options, () => {
  assert.equal(must('run', '--rm', 'busybox', 'echo', 'works'), 'works\n');
  assert.equal(remembered().driver, 'copy');
  assert.match(remembered().reason ?? '', /^the kernel refuses an overlay: .*\(E\w+\)$/);
  assert.match(must('info'), /storage:\n {2}driver: copy\n {2}reason: the kernel refuses an overlay: /);
  const leftovers = readdirSync(join(data, 'foster/roots')).filter((name) => name.startsWith('tmp-'));
  assert.deepEqual(leftovers, []);
  // what is remembered is believed, and that only for the same kernel and file system
  const { key = '' } = remembered();
  writeFileSync(memory, JSON.stringify({ key, driver: 'overlay', reason: 'a lie' }));
  const { status, stderr } = foster(['run', '--rm', 'busybox', 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /cannot mount the writable layer .*; .*--storage-driver copy/);
  writeFileSync(
    memory,
    JSON.stringify({ key: key.replace(/ \d+ /, ' 0 '), driver: 'overlay', reason: 'old' }),
  );
  must('run', '--rm', 'busybox', 'true');
  assert.equal(remembered().driver, 'copy');
  assert.equal(remembered().key, key);
  for (const damage of ['', '{}', `{"key":${JSON.stringify(key)},"driver":"x"}`]) {
    writeFileSync(memory, damage);
    must('run', '--rm', 'busybox', 'true');
    assert.equal(remembered().driver, 'copy');
  }
});

test('images with deleted files work there, and so do containers and builds', options, () => {
  const base = [...BUSYBOX_LAYER, { name: 'gone' }, { name: 'd/one' }, { name: 'd/two' }, { name: 'e/x' }];
  const second = [{ name: '.wh.gone' }, { name: 'd/.wh.one' }, { name: 'e/.wh..wh..opq' }, { name: 'e/y' }];
  const archive = dockerArchive({ names: ['app:1'], layers: [base, second], config: { Cmd: ['sh'] } });
  assert.equal(foster(['load'], {}, archive).status, 0);
  const find = ['find', '/gone', '/d', '/e'];
  const list = (image: string) =>
    foster(['run', '--rm', image, ...find])
      .stdout.split('\n')
      .sort();
  assert.deepEqual(list('app:1'), ['', '/d', '/d/two', '/e', '/e/y']);

  must('run', '-d', '--name', 'one', 'app:1', 'sleep', '1000');
  must('exec', 'one', 'sh', '-c', 'rm -r /d; mkdir /d; touch /d/new');
  assert.equal(must('diff', 'one'), 'C /d\nA /d/new\nD /d/two\n');
  must('commit', 'one', 'committed:1');
  must('rm', '-f', 'one');
  assert.deepEqual(list('committed:1'), ['', '/d', '/d/new', '/e', '/e/y']);

  const dockerfile =
    'FROM app:1\nRUN rm -r /e && touch /d/run\nRUN rm /d/run\nCOPY --from=committed:1 /d /e\n';
  const built = foster(['build', '-q', '-t', 'built:1', '-'], {}, dockerfile);
  assert.equal(built.status, 0, built.stderr);
  assert.deepEqual(list('built:1'), ['', '/d', '/d/two', '/e', '/e/new']);
  const saved = join(folder, 'home/saved.tar');
  must('save', '-o', saved, 'built:1');
  const names = execFileSync(
    'sh',
    [
      '-c',
      `cd ${folder}/home && tar xf saved.tar && for f in $(find . -name '*.tar*' -o -type f -size +0); do tar tf $f 2>/dev/null; done; true`,
    ],
    { encoding: 'utf8' },
  );
  assert.match(names, /^\.wh\.e$/m);
  assert.match(names, /^d\/\.wh\.run$/m);

  must('rmi', '-f', 'app:1', 'committed:1', 'built:1');
  must('system', 'prune', '-af');
  assert.deepEqual(readdirSync(join(data, 'foster/containers')), []);
});

test('an overlay is used if it works', options, () => {
  const plain = join(folder, 'home/plain');
  assert.equal(foster(['run', '--rm', 'busybox', 'true'], { XDG_DATA_HOME: plain }).status, 0);
  assert.equal(JSON.parse(readFileSync(join(plain, 'foster/storage'), 'utf8')).driver, 'overlay');
});

test('a full disk does not decide about overlays', options, () => {
  const small = join(folder, 'home/small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=777', 'foster-probe', small]);
  try {
    const env = { XDG_DATA_HOME: small };
    assert.equal(foster(['run', '--rm', 'busybox', 'true'], env).status, 0);
    rmSync(join(small, 'foster/storage'));
    const room = 'filler=$(dd if=/dev/zero bs=4k of=$0/filler 2>&1); true';
    execFileSync('sh', ['-c', room, small]);
    const { status, stderr } = foster(['run', '--rm', 'busybox', 'true'], env);
    assert.equal(status, 125);
    assert.match(stderr, /no space left/);
    assert.ok(!readdirSync(join(small, 'foster')).includes('storage'));
    rmSync(join(small, 'filler'));
    // and a copy that does not fit leaves nothing
    execFileSync('sh', ['-c', 'dd if=/dev/zero bs=1k count=9500 of=$0/filler 2>/dev/null; true', small]);
    const copy = foster(['--storage-driver', 'copy', 'create', 'busybox'], env);
    assert.equal(copy.status, 125);
    assert.match(
      copy.stderr,
      /cannot copy the root filesystem .*no space left on device \(ENOSPC\); free some space/,
    );
    assert.deepEqual(readdirSync(join(small, 'foster/containers')), []);
    rmSync(join(small, 'filler'));
    assert.equal(foster(['--storage-driver', 'copy', 'run', '--rm', 'busybox', 'true'], env).status, 0);
  } finally {
    execFileSync('umount', ['-l', small]);
  }
});

const isThere = existsSync('/dev/fuse') && existsSync('/usr/bin/fuse-overlayfs');
const fuse = { skip: isReachable && isThere ? false : 'fuse-overlayfs or /dev/fuse is not there' };

test('fuse-overlayfs is preferred to a copy', fuse, () => {
  chmodSync('/dev/fuse', 0o666);
  covers = { '/usr/bin/fuse-overlayfs': '/etc/passwd' };
  must('run', '--rm', 'busybox', 'true');
  assert.equal(remembered().driver, 'copy');
  covers = {}; // as if it had just been installed
  must('run', '-d', '--name', 'one', 'busybox', 'sleep', '1000');
  assert.equal(remembered().driver, 'fuse-overlayfs');
  assert.match(must('info'), /driver: fuse-overlayfs\n {2}reason: the kernel refuses an overlay: /);
  assert.equal(must('inspect', '-f', '{{.Driver}}', 'one'), 'fuse-overlayfs\n');
  must('exec', 'one', 'sh', '-c', 'rm /etc/group; rm -r /home; mkdir /home; touch /home/new; ls /etc');
  const changes = must('diff', 'one');
  assert.match(changes, /^C \/etc\nD \/etc\/group\nC \/home\nA \/home\/new\n$/);
  const [id] = readdirSync(join(data, 'foster/containers'));
  const names = readdirSync(join(data, 'foster/containers', id ?? '', 'upper/etc'));
  assert.ok(names.includes('.wh.group'), 'an overlay takes no device 0/0, so there are files');
  must('commit', 'one', 'committed:1');
  assert.equal(
    must('run', '--rm', 'committed:1', 'sh', '-c', 'ls /home; ls /etc | grep -c group; true'),
    'new\n0\n',
  );
  const leftovers = readdirSync(join(data, 'foster/roots')).filter((name) => name.startsWith('tmp-'));
  assert.deepEqual(leftovers, []);

  // a device that is none: what has been tried counts, not what seems to be there
  covers = { '/dev/fuse': '/dev/null' };
  assert.match(
    must('info'),
    /driver: copy\n {2}reason: the kernel refuses an overlay: .*, and fuse-overlayfs does not work: cannot mount a FUSE/,
  );
  covers = { '/usr/bin/fuse-overlayfs': '/etc/passwd' };
  must('stop', '-t', '0', 'one');
  const { status, stderr } = foster(['start', 'one']);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^foster: cannot find fuse-overlayfs: it is not installed; apt-get install fuse-overlayfs\n$/,
  );
  must('rm', '-f', 'one');
  must('rmi', 'committed:1');
});
