import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';

/** Kernels that do not let users have user namespaces: `make test-vm` runs this as root, who turns them off and on. */
const CLONE = '/proc/sys/kernel/unprivileged_userns_clone';
const APPARMOR = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
/** What profiles can forbid about namespaces. */
const MEDIATED = '/sys/kernel/security/apparmor/features/namespaces/mask';
const FOSTER = process.env.FOSTER ?? '/home/user/foster/dist/foster';
const COMMAND = ['run', '--rm', '--network', 'none', 'busybox', 'echo', 'runs'];

/** Runs foster as the user. */
function foster(): { status: number | null; stdout: string; stderr: string } {
  const words = ['--login', 'user', '--command', [FOSTER, ...COMMAND].join(' ')];
  const { status, stdout, stderr } = spawnSync('su', words, { encoding: 'utf8', timeout: 120_000 });
  return { status, stdout, stderr };
}

/** What `foster doctor` says to the user about namespaces. */
function doctor(): { level: string; found: string; commands: (string | undefined)[] } {
  const words = ['--login', 'user', '--command', `${FOSTER} doctor --json user-namespaces`];
  const { stdout } = spawnSync('su', words, { encoding: 'utf8', timeout: 120_000 });
  const [{ level, found, mend = [] }] = JSON.parse(stdout).checks;
  return { level, found, commands: mend.map(({ command }: { command?: string }) => command) };
}

const before = new Map(
  [CLONE, APPARMOR].filter(existsSync).map((file) => [file, readFileSync(file, 'utf8')]),
);

afterEach(() => {
  for (const [file, value] of before) writeFileSync(file, value);
});

test('without restrictions it runs', () => {
  if (before.has(APPARMOR)) writeFileSync(APPARMOR, '0');
  if (before.has(CLONE)) writeFileSync(CLONE, '1');
  assert.deepEqual(foster(), { status: 0, stdout: 'runs\n', stderr: '' });
  assert.equal(doctor().level, 'ok');
});

test('kernel.unprivileged_userns_clone=0: the error says how to change it', {
  skip: existsSync(CLONE) ? false : 'this kernel has no such setting',
}, () => {
  writeFileSync(CLONE, '0');
  const { status, stdout, stderr } = foster();
  assert.deepEqual([status, stdout], [125, '']);
  assert.match(
    stderr,
    /^foster: cannot .*this kernel lets only root make user namespaces; as root: sysctl -w kernel\.unprivileged_userns_clone=1\n$/,
  );
  const { level, commands } = doctor();
  assert.deepEqual([level, commands], ['fail', ['sysctl -w kernel.unprivileged_userns_clone=1']]);
});

test('user.max_user_namespaces=0: an error, too', () => {
  const file = '/proc/sys/user/max_user_namespaces';
  const value = readFileSync(file, 'utf8');
  try {
    writeFileSync(file, '0');
    const { status, stdout, stderr } = foster();
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(stderr, /^foster: cannot .*max_user_namespaces/);
    assert.equal(doctor().level, 'fail');
  } finally {
    writeFileSync(file, value);
  }
});

test("AppArmor's restriction of user namespaces: the error says how to lift it", {
  skip: existsSync(APPARMOR) ? false : 'this kernel has no such setting',
}, (t) => {
  writeFileSync(APPARMOR, '1');
  const { status, stdout, stderr } = foster();
  if (status === 0) return t.skip('this kernel has the setting, and restricts nothing'); // upstream's does, without profiles
  assert.deepEqual([status, stdout], [125, '']);
  assert.match(stderr, /^foster: cannot .*sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0/);
  const { level, commands } = doctor();
  assert.equal(level, 'fail');
  // the profile that it prints lets foster through, and nothing else
  assert.equal(spawnSync('sh', ['-ec', commands[0] ?? 'false']).status, 0);
  try {
    assert.deepEqual([foster().stdout, doctor().level], ['runs\n', 'ok']);
  } finally {
    spawnSync('apparmor_parser', ['--remove', '/etc/apparmor.d/foster']);
  }
});

test('a profile of AppArmor without user namespaces: the error names it', {
  skip:
    existsSync(MEDIATED) && readFileSync(MEDIATED, 'utf8').includes('userns_create')
      ? false
      : 'this kernel has no such profiles',
}, () => {
  // attach_disconnected: foster-init is executed by its descriptor
  const profile = `abi <abi/4.0>,
profile foster-test ${process.execPath} flags=(attach_disconnected) {
  all,
  deny userns,
}
`;
  const parser = (action: string) =>
    spawnSync('apparmor_parser', [action], { input: profile, encoding: 'utf8', timeout: 120_000 });
  assert.equal(parser('--replace').status, 0);
  try {
    const { status, stdout, stderr } = foster();
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(stderr, /^foster: cannot .*; foster runs in the AppArmor profile 'foster-test', /);
    assert.match(doctor().found, /profile 'foster-test'/);
  } finally {
    assert.equal(parser('--remove').status, 0);
  }
  assert.equal(foster().stdout, 'runs\n');
});
