import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Home } from './support/foster.js';

const home = new Home();
const SLEEP = ['busybox', 'sleep', '1000'];

/** A new empty folder of the host. */
function folder(): string {
  return mkdtempSync(join(home.folder, 'host-'));
}

function cp(...args: string[]): void {
  const { status, stderr } = home.foster(['cp', ...args]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, `foster cp ${args.join(' ')}`);
}

function refusal(...args: string[]): string {
  const { status, stdout, stderr } = home.foster(['cp', ...args]);
  assert.equal(status, 1, `foster cp ${args.join(' ')} should fail; it said ${stderr}`);
  assert.equal(stdout, '');
  return stderr;
}

/** The output of a shell script in a container that runs. */
function inside(name: string, script: string): string {
  const { status, stdout, stderr } = home.foster(['exec', name, 'sh', '-c', script]);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** What can be asked of containers in each state; those that do not run are started to be looked into. */
for (const state of ['running', 'stopped', 'created'] as const) {
  describe(`a container that is ${state}`, () => {
    const name = `cp-${state}`;
    const start = state === 'created' ? ['create'] : ['run', '-d'];
    const script = state === 'stopped' ? 'true' : 'sleep 1000';
    const { status, stderr } = home.foster([...start, '--name', name, 'busybox', 'sh', '-c', script]);
    assert.equal(status, 0, stderr);
    if (state === 'stopped') home.foster(['wait', name]);
    after(() => home.foster(['rm', '-f', name]));

    test('a file keeps its content, mode and time, in both directions', () => {
      const here = folder();
      writeFileSync(join(here, 'file'), 'content\n', { mode: 0o640 });
      utimesSync(join(here, 'file'), 1_700_000_000, 1_700_000_000.25);
      cp(join(here, 'file'), `${name}:/tmp/copy`);
      cp(`${name}:/tmp/copy`, join(here, 'back'));
      const back = statSync(join(here, 'back'));
      assert.equal(readFileSync(join(here, 'back'), 'utf8'), 'content\n');
      assert.equal(back.mode & 0o7777, 0o640);
      assert.equal(back.mtimeMs, 1_700_000_000_250);
    });

    test('a tree with links, modes and odd names comes back unchanged', () => {
      const here = folder();
      const tree = join(here, 'tree');
      mkdirSync(join(tree, 'deep', 'er'), { recursive: true });
      mkdirSync(join(tree, 'closed'), { mode: 0o500 });
      writeFileSync(join(tree, 'deep', 'er', `long-${'n'.repeat(200)}`), 'long');
      writeFileSync(Buffer.from(`${tree}/not-utf8-\xff`, 'latin1'), 'odd');
      writeFileSync(join(tree, 'empty'), '');
      writeFileSync(join(tree, 'big'), Buffer.alloc(3_000_000, 'foster'));
      symlinkSync('/no/such/place', join(tree, 'link'));
      symlinkSync('deep', join(tree, 'link-to-directory'));
      cp(tree, `${name}:/tmp/`);
      cp(`${name}:/tmp/tree`, join(here, 'back'));
      const { status, stdout } = spawnSync('diff', ['-r', '--no-dereference', tree, join(here, 'back')], {
        encoding: 'utf8',
      });
      assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
      assert.equal(readlinkSync(join(here, 'back', 'link')), '/no/such/place');
      assert.equal(statSync(join(here, 'back', 'closed')).mode & 0o7777, 0o500);
    });

    test("a tar archive of the container's files, and one to unpack there", () => {
      const here = folder();
      writeFileSync(join(here, 'one'), '1');
      const packed = spawnSync('tar', ['-c', '-C', here, 'one']).stdout;
      assert.equal(home.foster(['cp', '-', `${name}:/root`], { input: packed }).status, 0);
      const zipped = spawnSync('gzip', ['-c'], { input: packed }).stdout;
      assert.equal(home.foster(['cp', '-', `${name}:/var`], { input: zipped }).status, 0);
      const { stdout } = home.foster(['cp', `${name}:/var/one`, '-']);
      assert.equal(
        spawnSync('tar', ['-xO'], { input: Buffer.from(stdout, 'latin1') }).stdout.toString(),
        '1',
      );
      cp(`${name}:/root/.`, join(here, 'root'));
      assert.deepEqual(readdirSync(join(here, 'root')), ['one']);
    });
  });
}

describe("Docker's rules for what becomes what", () => {
  const name = 'cp-rules';
  assert.equal(home.foster(['run', '-d', '--name', name, ...SLEEP]).status, 0);
  after(() => home.foster(['rm', '-f', name]));
  inside(
    name,
    'mkdir -p /src/sub /dst && echo a > /src/a && echo b > /src/sub/b && ln -s a /src/l && ln -s /src /ls',
  );
  const here = folder();
  mkdirSync(join(here, 'dir'));
  writeFileSync(join(here, 'file'), 'file');

  test('from the container', () => {
    cp(`${name}:/src`, join(here, 'new'));
    assert.deepEqual(
      readdirSync(join(here, 'new')).toSorted(),
      ['a', 'l', 'sub'],
      'it becomes what is not there',
    );
    cp(`${name}:/src`, join(here, 'dir'));
    assert.deepEqual(readdirSync(join(here, 'dir')), ['src'], 'it goes into what is there');
    cp(`${name}:/src/.`, join(here, 'dir'));
    assert.deepEqual(
      readdirSync(join(here, 'dir')).toSorted(),
      ['a', 'l', 'src', 'sub'],
      'what is in it goes',
    );
    cp(`${name}:/src/a`, join(here, 'dir', 'sub'));
    assert.ok(existsSync(join(here, 'dir', 'sub', 'a')));
    cp(`${name}:src/a`, join(here, 'file'));
    assert.equal(
      readFileSync(join(here, 'file'), 'utf8'),
      'a\n',
      'a path is one from /, a file is overwritten',
    );
  });

  test('symbolic links', () => {
    cp(`${name}:/src/l`, join(here, 'l'));
    assert.equal(readlinkSync(join(here, 'l')), 'a');
    cp('-L', `${name}:/src/l`, join(here, 'L'));
    assert.equal(readFileSync(join(here, 'L'), 'utf8'), 'a\n');
    cp(`${name}:/ls/`, join(here, 'ls'));
    assert.ok(lstatSync(join(here, 'ls')).isDirectory());
    cp(join(here, 'L'), `${name}:/ls`);
    assert.equal(inside(name, 'cat /src/L'), 'a\n', 'a destination that is a link is followed');
    inside(name, 'ln -s /dst/made-by-link /to-nothing');
    cp(join(here, 'L'), `${name}:/to-nothing`);
    assert.equal(inside(name, 'cat /dst/made-by-link; readlink /to-nothing'), 'a\n/dst/made-by-link\n');
  });

  test('impossible copies are refused', () => {
    assert.match(refusal(`${name}:/nothing`, here), new RegExp(`cannot copy ${name}:/nothing: no such file`));
    assert.match(refusal(join(here, 'nothing'), `${name}:/`), /no such file/);
    assert.match(refusal(`${name}:/src/a`, join(here, 'no', 'where')), /does not exist/);
    assert.match(refusal(`${name}:/src/a`, `${join(here, 'missing')}/`), /the directory does not exist/);
    assert.match(refusal(`${name}:/src`, join(here, 'file')), /cannot copy a directory/);
    assert.match(refusal(`${name}:/src/a/`, here), /not a directory/);
    assert.match(refusal('-', `${name}:/nothing`), /the directory does not exist|empty/);
    assert.match(refusal(here, here), /neither of these is one/);
    assert.match(refusal('no-such-container:/x', here), /no such container/);
    assert.match(refusal(`${name}:/src/a`, '/dev/null'), /a special file/);
    mkdirSync(join(here, 'a'));
    assert.match(refusal(`${name}:/src/a`, here), /cannot overwrite a directory/);
  });

  test('a truncated archive is an error', () => {
    const { status, stderr } = home.foster(['cp', '-', `${name}:/dst`], {
      input: spawnSync('tar', ['-c', '-C', here, 'file']).stdout.subarray(0, 700),
    });
    assert.equal(status, 1);
    assert.match(stderr, /truncated|empty/);
  });

  test('files belong to root in the container, and to the caller outside', () => {
    cp(join(here, 'file'), `${name}:/dst/owned`);
    assert.equal(inside(name, 'stat -c %u:%g /dst/owned'), '0:0\n');
    inside(name, 'echo x > /dst/other; chown 33:33 /dst/other; chmod 600 /dst/other');
    cp(`${name}:/dst/other`, join(here, 'other'));
    assert.equal(statSync(join(here, 'other')).uid, process.getuid?.());
    const { stdout } = home.foster(['cp', `${name}:/dst/other`, '-']);
    home.foster(['cp', '-', `${name}:/tmp`], { input: Buffer.from(stdout, 'latin1') });
    assert.equal(inside(name, 'stat -c %u:%g:%a /tmp/other'), '33:33:600\n', 'an archive keeps ids');
  });

  test('set-user-ID programs lose that bit on the host', () => {
    inside(name, 'cp /bin/busybox /dst/setuid; chmod 6755 /dst/setuid');
    cp(`${name}:/dst/setuid`, join(here, 'setuid'));
    assert.equal(statSync(join(here, 'setuid')).mode & 0o7777, 0o755);
  });

  test('a file that is a mount point of foster gets the content', () => {
    cp(join(here, 'file'), `${name}:/etc/hosts`);
    assert.equal(inside(name, 'cat /etc/hosts'), 'a\n');
  });

  test('an archive is unpacked through links of the container, and stays in it', () => {
    const packed = folder();
    mkdirSync(join(packed, 'lib'));
    writeFileSync(join(packed, 'lib', 'x'), 'x');
    const outside = folder();
    inside(name, `mkdir -p /t/usr/lib ${outside}; ln -s usr/lib /t/lib; ln -s ${outside} /t/out`);
    assert.equal(
      home.foster(['cp', '-', `${name}:/t`], {
        input: spawnSync('tar', ['-c', '-C', packed, 'lib/x']).stdout,
      }).status,
      0,
    );
    assert.equal(inside(name, 'cat /t/usr/lib/x'), 'x');
    const through = spawnSync('tar', ['-c', '-C', packed, '--transform', 's/^lib/out/', 'lib/x']).stdout;
    assert.equal(home.foster(['cp', '-', `${name}:/t`], { input: through }).status, 0);
    assert.deepEqual(readdirSync(outside), []);
    assert.equal(inside(name, `cat ${outside}/x`), 'x');
  });
});

test('the holes of a sparse file in an archive stay holes, also those at its end', () => {
  home.foster(['create', '--name', 'cp-sparse', ...SLEEP]);
  after(() => home.foster(['rm', '-f', 'cp-sparse']));
  const here = folder();
  for (const [name, size] of [
    ['middle', 1 << 20],
    ['end', 2 << 20],
  ] as const) {
    writeFileSync(join(here, name), 'start');
    truncateSync(join(here, name), size);
  }
  appendFileSync(join(here, 'middle'), 'end');
  const packed = spawnSync('tar', ['-cS', '-C', here, 'middle', 'end']).stdout;
  assert.ok(packed.length < 1 << 20, 'the archive is sparse');
  assert.equal(home.foster(['cp', '-', 'cp-sparse:/tmp'], { input: packed }).status, 0);
  home.foster(['start', 'cp-sparse']);
  const blocks = inside('cp-sparse', 'stat -c %b /tmp/middle /tmp/end').trim().split('\n').map(Number);
  assert.ok(
    blocks.every((count) => count * 512 < 100_000),
    String(blocks),
  );
  assert.equal(
    inside('cp-sparse', 'tail -c 8 /tmp/middle | od -An -c; stat -c %s /tmp/end'),
    '  \\0  \\0  \\0  \\0  \\0   e   n   d\n2097152\n',
  );
});

describe('volumes', () => {
  test('are visible in a stopped container, and read-only ones stay read-only', () => {
    const [open, closed] = [folder(), folder()];
    writeFileSync(join(closed, 'kept'), 'kept');
    const flags = ['-v', `${open}:/open`, '-v', `${closed}:/closed:ro`];
    assert.equal(home.foster(['create', '--name', 'cp-volumes', ...flags, ...SLEEP]).status, 0);
    after(() => home.foster(['rm', '-f', 'cp-volumes']));
    cp('cp-volumes:/closed/kept', join(open, 'read'));
    assert.equal(readFileSync(join(open, 'read'), 'utf8'), 'kept');
    cp(join(closed, 'kept'), 'cp-volumes:/open/written');
    assert.equal(readFileSync(join(open, 'written'), 'utf8'), 'kept');
    assert.match(refusal(join(open, 'read'), 'cp-volumes:/closed/'), /read-only/);
    assert.deepEqual(readdirSync(closed), ['kept']);
  });
});

test('files go from one container to another, running or not', () => {
  const script = 'mkdir -p /src/sub; echo a > /src/sub/a; chown -R 5:6 /src; exec sleep 1000';
  assert.equal(home.foster(['run', '-d', '--name', 'cp-from', 'busybox', 'sh', '-c', script]).status, 0);
  for (const name of ['cp-to', 'cp-ended']) home.foster(['create', '--name', name, ...SLEEP]);
  home.foster(['start', 'cp-to']);
  after(() => home.foster(['rm', '-f', 'cp-from', 'cp-to', 'cp-ended']));
  cp('-a=true', '--pause=false', 'cp-from:/src', 'cp-to:/tmp');
  assert.equal(
    inside('cp-to', 'stat -c "%n %u:%g" /tmp/src/sub/a; cat /tmp/src/sub/a'),
    '/tmp/src/sub/a 5:6\na\n',
  );
  cp('cp-from:/src/.', 'cp-ended:/new');
  cp('cp-ended:/new/sub/a', 'cp-to:/renamed');
  assert.equal(inside('cp-to', 'stat -c %u:%g /renamed'), '0:0\n');
  cp('cp-to:/renamed', 'cp-to:/twice');
  assert.equal(inside('cp-to', 'cat /twice'), 'a\n');
  assert.match(refusal('cp-from:/none', 'cp-to:/tmp'), /cannot copy cp-from:\/none: no such file/);
  assert.match(refusal('cp-from:/src', 'cp-to:/no/where'), /its parent directory does not exist/);
  assert.match(refusal('cp-ended:/new', 'cp-ended:/tmp'), /cannot copy within container cp-ended/);
  assert.match(refusal('cp-from:/src', 'nobody:/tmp'), /no such container: nobody/);
});

test('--overwrite lets directories and other files take the place of each other', () => {
  assert.equal(home.foster(['run', '-d', '--name', 'cp-over', ...SLEEP]).status, 0);
  after(() => home.foster(['rm', '-f', 'cp-over']));
  inside('cp-over', 'mkdir -p /w/name/sub/deep && touch /w/name/sub/f && ln -s /etc /w/name/sub/etc');
  const here = folder();
  writeFileSync(join(here, 'name'), 'file');
  assert.match(refusal(join(here, 'name'), 'cp-over:/w'), /cannot overwrite a directory with 'name'/);
  cp('--overwrite', join(here, 'name'), 'cp-over:/w');
  assert.equal(inside('cp-over', 'cat /w/name; ls /etc/passwd'), 'file/etc/passwd\n');
  const tree = folder();
  mkdirSync(join(tree, 'name', 'sub'), { recursive: true });
  assert.match(refusal(join(tree, 'name'), 'cp-over:/w'), /cannot overwrite a file or link/);
  assert.match(refusal(join(tree, 'name'), 'cp-over:/w/name'), /cannot copy a directory to .*: it is a file/);
  cp('--overwrite', join(tree, 'name'), 'cp-over:/w/name');
  assert.equal(inside('cp-over', 'find /w'), '/w\n/w/name\n/w/name/sub\n');
});

test('what a stopped container would not find at its start is not copied to it', () => {
  const [open, here] = [folder(), folder()];
  writeFileSync(join(here, 'file'), 'x');
  const flags = ['--tmpfs', '/scratch', '--mount', `type=bind,source=${open},destination=/scratch/open`];
  assert.equal(home.foster(['create', '--name', 'cp-volatile', ...flags, ...SLEEP]).status, 0);
  after(() => home.foster(['rm', '-f', 'cp-volatile']));
  for (const path of ['/scratch', '/scratch/', '/scratch/file', '/dev/shm', '/dev/shm/file'])
    assert.match(
      refusal(join(here, 'file'), `cp-volatile:${path}`),
      /is mounted anew at each start, and empty/,
    );
  mkdirSync(join(here, 'scratch'));
  writeFileSync(join(here, 'scratch', 'below'), 'x');
  assert.match(refusal(`${here}/.`, 'cp-volatile:/'), /read-only/, 'also as a part of more');
  cp(join(here, 'file'), 'cp-volatile:/scratch/open');
  assert.ok(existsSync(join(open, 'file')), 'a volume below it stays');
  cp('cp-volatile:/scratch/open/file', join(here, 'back'));
  home.foster(['start', 'cp-volatile']);
  cp(join(here, 'file'), 'cp-volatile:/scratch');
  assert.equal(inside('cp-volatile', 'cat /scratch/file'), 'x');
});

test('a read-only root is read-only in a stopped container, too', () => {
  const [open, here] = [folder(), folder()];
  writeFileSync(join(here, 'file'), 'x');
  const flags = ['--read-only', '-v', `${open}:/open`];
  assert.equal(home.foster(['run', '-d', '--name', 'cp-closed', ...flags, ...SLEEP]).status, 0);
  after(() => home.foster(['rm', '-f', 'cp-closed']));
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') home.foster(['kill', 'cp-closed']);
    assert.match(refusal(join(here, 'file'), 'cp-closed:/etc/file'), /read-only/, state);
    cp(join(here, 'file'), `cp-closed:/open/${state}`);
    assert.ok(existsSync(join(open, state)));
    cp('cp-closed:/etc/passwd', join(here, state));
  }
});

describe('a container that attacks', () => {
  const victim = folder();
  writeFileSync(join(victim, 'file'), 'secret of the host');
  mkdirSync(join(victim, 'sub'));
  const ROUNDS = 8;

  /** In the container `d` is by turns a directory and a symbolic link to the victim's path, without a pause. */
  function attacker(name: string): void {
    const script = `mkdir -p /w/real/sub ${victim}; echo inside > /w/real/file; echo inside > ${victim}/file; cd /w
      while true; do ln -s ${victim} d; rm d; mv real d; mv d real; done`;
    assert.equal(home.foster(['run', '-d', '--name', name, 'busybox', 'sh', '-c', script]).status, 0);
    after(() => home.foster(['rm', '-f', name]));
  }

  test('no file of the host is read through a link that appears and disappears', () => {
    attacker('cp-attack-out');
    for (let round = 0; round < ROUNDS; round++) {
      for (const path of ['/w/d/file', '/w/.', '/w/d']) {
        const { stdout } = home.foster(['cp', '-L', `cp-attack-out:${path}`, '-']);
        assert.ok(!stdout.includes('secret'), `${path} in round ${round}`);
      }
    }
  });

  test('no file of the host is written through one', () => {
    attacker('cp-attack-in');
    const tree = folder();
    mkdirSync(join(tree, 'd', 'sub'), { recursive: true });
    for (let file = 0; file < 50; file++) writeFileSync(join(tree, 'd', 'sub', `f${file}`), 'from outside');
    writeFileSync(join(tree, 'd', 'file'), 'from outside');
    for (let round = 0; round < ROUNDS; round++) {
      home.foster(['cp', `${tree}/.`, 'cp-attack-in:/w']);
      home.foster(['cp', join(tree, 'd', 'file'), 'cp-attack-in:/w/d/file']);
      home.foster(['cp', '-', 'cp-attack-in:/w'], {
        input: spawnSync('tar', ['-c', '-C', tree, 'd']).stdout,
      });
    }
    assert.equal(readFileSync(join(victim, 'file'), 'utf8'), 'secret of the host');
    assert.deepEqual(readdirSync(join(victim, 'sub')), []);
    assert.deepEqual(readdirSync(victim).toSorted(), ['file', 'sub']);
  });

  test('no file of the host is removed through one', () => {
    const name = 'cp-attack-over';
    const script = `cd /w; while true; do mkdir -p d/sub; touch d/file; rm -rf d; ln -s ${victim} d; rm -f d; done`;
    const flags = ['-d', '--name', name, '--tmpfs', '/w', 'busybox', 'sh', '-c', script];
    assert.equal(home.run(flags).status, 0);
    after(() => home.foster(['rm', '-f', name]));
    const tree = folder();
    writeFileSync(join(tree, 'd'), 'from outside');
    for (let round = 0; round < ROUNDS; round++)
      home.foster(['cp', '--overwrite', join(tree, 'd'), `${name}:/w/.`]);
    assert.equal(readFileSync(join(victim, 'file'), 'utf8'), 'secret of the host');
    assert.deepEqual(readdirSync(victim).toSorted(), ['file', 'sub']);
  });

  test('a link in the copied tree does not lead the copy astray on the host', () => {
    const name = 'cp-attack-links';
    assert.equal(home.foster(['run', '-d', '--name', name, ...SLEEP]).status, 0);
    after(() => home.foster(['rm', '-f', name]));
    inside(name, 'mkdir -p /a/d && echo evil > /a/d/file');
    const here = folder();
    symlinkSync(victim, join(here, 'd'));
    assert.match(refusal(`${name}:/a/.`, here), /cannot overwrite a file or link/);
    assert.equal(readFileSync(join(victim, 'file'), 'utf8'), 'secret of the host');
  });

  test('pipes, devices and sockets do not make it hang', () => {
    const name = 'cp-attack-fifo';
    assert.equal(home.foster(['run', '-d', '--name', name, ...SLEEP]).status, 0);
    after(() => home.foster(['rm', '-f', name]));
    inside(name, 'mkdir /p && mkfifo /p/fifo');
    const here = folder();
    cp(`${name}:/p`, join(here, 'p'));
    assert.ok(lstatSync(join(here, 'p', 'fifo')).isFIFO());
    const { status, stderr } = home.foster(['cp', `${name}:/dev`, join(here, 'dev')]);
    assert.equal(status, 0);
    assert.match(stderr, /devices and sockets are not copied/);
  });
});

test('nothing is left behind', async () => {
  for (const name of home.foster(['ps', '-aq']).stdout.split('\n').filter(Boolean))
    home.foster(['rm', '-f', name]);
  await home.assertNothingLeft();
});

test('extended attributes of users are kept, in and out', () => {
  const host = folder();
  writeFileSync(join(host, 'f'), 'f');
  assert.equal(spawnSync('setfattr', ['-n', 'user.test', '-v', 'kept', join(host, 'f')]).status, 0);
  assert.equal(home.run(['--name', 'attributes', 'busybox', 'true']).status, 0);
  cp(join(host, 'f'), 'attributes:/root/');
  cp('attributes:/root', join(host, 'out'));
  const { stdout } = spawnSync('getfattr', ['--only-values', '-n', 'user.test', join(host, 'out/f')]);
  assert.equal(stdout.toString(), 'kept');
  home.foster(['rm', 'attributes']);
});
