import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Home } from './support/foster.js';

/** Volumes of root, whose containers have other ids; and volumes on a disk without room. */
const home = new Home();
const disk = join(home.folder, 'disk');
const stored = (data: string) => {
  const folder = join(data, 'foster/volumes');
  return existsSync(folder) ? readdirSync(folder) : [];
};

function must(args: string[], env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = home.foster(args, { env });
  assert.equal(status, 0, `foster ${args.join(' ')}: ${stderr}`);
  return stdout;
}

test("a volume of root's containers belongs to their ids, and all of it can be removed", () => {
  const run = (...args: string[]) => must(['run', '--rm', ...args]);
  const list = 'stat -c "%u:%g" /etc /etc/passwd';
  assert.equal(run('-v', 'etc:/etc', 'busybox', 'sh', '-c', list), '0:0\n0:0\n');
  const data = must(['volume', 'inspect', '-f', '{{.Mountpoint}}', 'etc']).trim();
  assert.notEqual(statSync(join(data, 'passwd')).uid, 0, 'root of the container is not root');
  run('-v', 'etc:/etc', 'busybox', 'sh', '-c', 'chown 70 /etc/passwd; chmod 600 /etc/passwd');
  assert.equal(run('-v', 'etc:/e:ro', 'busybox', 'stat', '-c', '%u', '/e/passwd'), '70\n');
  assert.equal(run('-v', 'empty:/x:nocopy', 'busybox', 'sh', '-c', 'touch /x/y; stat -c %u /x'), '0\n');
  assert.equal(
    run('--userns', 'host', '-v', 'own:/x', 'busybox', 'sh', '-c', 'touch /x/y; stat -c %u /x'),
    '0\n',
  );
  must(['volume', 'export', '-o', join(home.folder, 'etc.tar'), 'etc']);
  assert.match(
    execFileSync('tar', ['tvf', join(home.folder, 'etc.tar')], { encoding: 'utf8' }),
    / 70\/0 .* passwd\n/,
  );
  must(['volume', 'create', 'copy']);
  must(['volume', 'import', 'copy', join(home.folder, 'etc.tar')]);
  assert.equal(run('-v', 'copy:/c', 'busybox', 'stat', '-c', '%u', '/c/passwd'), '70\n');
  run('-v', '/etc', 'busybox', 'sh', '-c', 'chown -R 5:5 /etc');
  mkdirSync(join(home.shared, 'dir'), { recursive: true });
  writeFileSync(join(home.shared, 'dir/file'), '', { mode: 0o600 });
  must(['volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', `device=${home.shared}/dir`, 'bound']);
  assert.equal(run('-v', 'bound:/b', 'busybox', 'stat', '-c', '%u', '/b/file'), '0\n', 'its ids are shifted');
  must(['volume', 'prune', '-af']);
  assert.deepEqual(stored(join(home.folder, 'data')), []);
});

test('on a full disk, commands that need room fail with a sentence, and leave nothing; the others work', () => {
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'foster-test', disk]);
  after(() => execFileSync('umount', ['-l', disk]));
  const env = { XDG_DATA_HOME: disk };
  must(['run', '--rm', '-v', 'old:/old', 'busybox', 'sh', '-c', 'echo x > /old/x; chown 5 /old/x'], env);
  must(['create', '--name', 'user', '-v', 'used:/u', 'busybox', 'true'], env);
  const archive = join(home.folder, 'big.tar');
  execFileSync(
    'sh',
    ['-c', `mkdir big && head -c 1000000 /dev/zero > big/file && tar -cf ${archive} -C big file`],
    {
      cwd: home.folder,
    },
  );
  must(['volume', 'create', 'target'], env);
  const fd = openSync(join(disk, 'filler'), 'w');
  try {
    for (const size of [1024 * 1024, 4096]) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch {
        // there is no room for one more
      }
    }
  } finally {
    closeSync(fd);
  }
  const before = stored(disk).sort();
  for (const args of [
    ['volume', 'create', 'new'],
    ['run', '--rm', '-v', 'new:/etc', 'busybox', 'true'],
    ['create', '-v', '/etc', 'busybox', 'true'],
    ['volume', 'import', 'target', archive],
  ]) {
    const { status, stderr } = home.foster(args, { env });
    assert.notEqual(status, 0, args.join(' '));
    assert.match(stderr, /no space left|not enough (room|space)|free some space/, args.join(' '));
    assert.doesNotMatch(stderr, /unexpected error|^\s+at /m, args.join(' '));
    assert.deepEqual(stored(disk).sort(), before, args.join(' '));
  }
  must(['volume', 'ls'], env);
  must(['volume', 'inspect', '--all'], env);
  must(['system', 'df'], env);
  must(['volume', 'rm', 'old'], env);
  must(['rm', 'user'], env);
  must(['volume', 'prune', '-af'], env);
  assert.deepEqual(stored(disk), []);
  rmSync(join(disk, 'filler'));
  assert.match(must(['run', '--rm', '-v', 'new:/etc', 'busybox', 'ls', '/etc'], env), /passwd/);
});
