import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { parseRunArguments } from '../../../../src/cli/container/run.js';
import { usageError } from '../../../../src/cli/usage-error.js';
import { VERSION } from '../../../../src/cli/version.js';
import type { RunRequest } from '../../../../src/spec/request.js';
import type { FosterError } from '../../../../src/sys/errors.js';

const context = {
  cwd: '/home/me',
  env: { HOME: '/home/me' },
  exists: (path: string) => !path.includes('missing'),
  readText: (path: string) => {
    if (path === '/home/me/vars') return 'A=file\nB=file\nHOME\n';
    throw Object.assign(new Error('no'), { code: path.includes('secret') ? 'EACCES' : 'ENOENT' });
  },
};
function parse(...argv: string[]) {
  try {
    return parseRunArguments(argv, context);
  } catch (error) {
    throw error instanceof CommanderError ? usageError(error, 'run') : error;
  }
}

test('the defaults', () => {
  const { capabilities, ...request } = parse('busybox');
  assert.ok(capabilities.includes('CAP_CHOWN') && !capabilities.includes('CAP_SYS_ADMIN'));
  assert.deepEqual(request, {
    root: 'busybox',
    command: [],
    name: undefined,
    rm: false,
    detach: false,
    detachKeys: Buffer.from([16, 17]),
    restart: { policy: 'no', max: 0 },
    logging: { maxSize: 0, maxFiles: 1 },
    health: undefined,
    pull: 'missing',
    platform: undefined,
    cidfile: undefined,
    labels: {},
    interactive: false,
    tty: false,
    init: true,
    initSignalGroup: false,
    initVerbose: false,
    entrypoint: undefined,
    env: [],
    workdir: undefined,
    user: undefined,
    hostname: undefined,
    mounts: [],
    readOnly: false,
    network: 'none',
    pid: { kind: 'private' },
    userns: 'default',
    rlimits: [],
    sysctl: {},
    dns: [],
    addHosts: [],
    wantsMknod: false,
    noNewPrivileges: true,
    seccomp: 'default',
    privileged: false,
    stopSignal: undefined,
    stopTimeout: 10,
    maxUnpackedSize: undefined,
    dryRun: false,
    explain: false,
  });
});

test('each flag', async (t) => {
  const cases: [string[], Partial<RunRequest>][] = [
    [['--name', 'web'], { name: 'web' }],
    [['--name=web'], { name: 'web' }],
    [['--rm'], { rm: true }],
    [['--rm=true'], { rm: true }],
    [['--rm=false'], { rm: false }],
    [['--rm', '--rm=0'], { rm: false }],
    [['--cidfile', 'id'], { cidfile: '/home/me/id' }],
    [['-l', 'a=b', '--label', 'c', '--label', 'd=e=f'], { labels: { a: 'b', c: '', d: 'e=f' } }],
    [['-i'], { interactive: true }],
    [['-t'], { tty: true }],
    [['-it'], { interactive: true, tty: true }],
    [['-ti', '--tty=false'], { interactive: true, tty: false }],
    [['--init'], { init: true }],
    [['--no-init'], { init: false }],
    [['--init=false'], { init: false }],
    [['--init-signal-group'], { initSignalGroup: true }],
    [['--init-verbose'], { initVerbose: true }],
    [['--entrypoint', '/bin/echo'], { entrypoint: ['/bin/echo'] }],
    [['--entrypoint', ''], { entrypoint: [] }],
    [['--entrypoint='], { entrypoint: [] }],
    [['--entrypoint', '["/bin/sh","-c"]'], { entrypoint: ['/bin/sh', '-c'] }],
    [['-e', 'A=1', '--env=B=2', '-eC=3', '-e=D=4'], { env: ['A=1', 'B=2', 'C=3', 'D=4'] }],
    [['-e', 'HOME', '-e', 'UNSET'], { env: ['HOME=/home/me'] }],
    [['-e', 'A=flag', '--env-file', 'vars'], { env: ['A=file', 'B=file', 'HOME=/home/me', 'A=flag'] }],
    [['-w=/x', '-u=ann', '-h=box'], { workdir: '/x', user: 'ann', hostname: 'box' }],
    [['-w', '/work/../x'], { workdir: '/x' }],
    [['-u', 'ann:staff'], { user: 'ann:staff' }],
    [['-u', ''], { user: undefined }],
    [['-h', 'box'], { hostname: 'box' }],
    [['--hostname', 'box'], { hostname: 'box' }],
    [['--read-only'], { readOnly: true }],
    [['--network', 'host'], { network: 'host' }],
    [['--net=host'], { network: 'host' }],
    [['--pid', 'host'], { pid: { kind: 'host' } }],
    [['--pid', 'container:web'], { pid: { kind: 'container', reference: 'web' } }],
    [['--userns', 'keep-id'], { userns: 'keep-id' }],
    [['--userns=private'], { userns: 'default' }],
    [['--ulimit', 'nofile=1:2'], { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }] }],
    [['--sysctl', 'net.core.somaxconn=9'], { sysctl: { 'net.core.somaxconn': '9' } }],
    [['--dns', '9.9.9.9', '--dns', '::1'], { dns: ['9.9.9.9', '::1'] }],
    [['--add-host', 'db:10.0.0.5'], { addHosts: [{ name: 'db', address: '10.0.0.5' }] }],
    [['--cap-drop', 'ALL'], { capabilities: [] }],
    [['--cap-add', 'mknod'], { wantsMknod: true }],
    [['--cap-add', 'net_admin,all'], { wantsMknod: true }],
    [['--cap-add', 'net_admin'], { wantsMknod: false }],
    [['--privileged'], { wantsMknod: true }],
    [['--cap-drop', 'ALL', '--cap-add', 'net_admin'], { capabilities: ['CAP_NET_ADMIN'] }],
    [['--security-opt', 'no-new-privileges'], { noNewPrivileges: true }],
    [['--security-opt', 'no-new-privileges=false'], { noNewPrivileges: false }],
    [['--security-opt', 'no-new-privileges:false'], { noNewPrivileges: false }],
    [['--security-opt', 'seccomp=unconfined'], { seccomp: 'unconfined' }],
    [['--security-opt', 'seccomp:p.json'], { seccomp: { file: '/home/me/p.json' } }],
    [['--security-opt', 'apparmor=unconfined'], { seccomp: 'default', noNewPrivileges: true }],
    [['--privileged'], { privileged: true, seccomp: 'unconfined', noNewPrivileges: false }],
    [['--privileged', '--security-opt', 'no-new-privileges'], { privileged: true, noNewPrivileges: true }],
    [['--stop-signal', 'SIGRTMIN+3'], { stopSignal: 37 }],
    [['--stop-timeout', '0'], { stopTimeout: 0 }],
    [['--max-unpacked-size', '512m'], { maxUnpackedSize: 512 * 1024 ** 2 }],
    [['--max-unpacked-size', '1.5GiB'], { maxUnpackedSize: 1.5 * 1024 ** 3 }],
    [['--dry-run', '--explain'], { dryRun: true, explain: true }],
  ];
  for (const [flags, expected] of cases) {
    await t.test(flags.join(' '), () => {
      const request: Partial<RunRequest> = parse(...flags, 'busybox');
      const keys = Object.keys(expected) as (keyof RunRequest)[];
      assert.deepEqual(Object.fromEntries(keys.map((key) => [key, request[key]])), expected);
      assert.equal(request.root, 'busybox');
    });
  }
});

test('flags after ROOT belong to the command', () => {
  const request = parse('--rm', 'busybox', 'ls', '--rm=x', '-l', '--', '--name', 'x');
  assert.deepEqual(request.command, ['ls', '--rm=x', '-l', '--', '--name', 'x']);
  assert.equal(request.name, undefined);
  assert.deepEqual(parse('--', 'busybox', '-x').command, ['-x']);
  assert.equal(parse('-', 'ls').root, '-');
  assert.deepEqual(parse('busybox', '--help').command, ['--help']);
});

test('mounts keep their order, also behind combined short flags', () => {
  const request = parse(
    '--tmpfs',
    '/c',
    '-itv',
    '/a:/b',
    '--mount',
    'type=bind,src=/x,dst=/a',
    '-v/q:/r',
    'busybox',
  );
  assert.deepEqual(
    request.mounts.map(({ destination }) => destination),
    ['/c', '/b', '/a', '/r'],
  );
  assert.ok(request.interactive && request.tty);
});

test('--privileged has all capabilities, but for those dropped', () => {
  const { capabilities } = parse('--privileged', '--cap-drop', 'SYS_ADMIN', 'busybox');
  assert.ok(capabilities.length > 0 && !capabilities.includes('CAP_SYS_ADMIN'));
});

test('errors in a flag are one sentence', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /^missing required argument 'ROOT'; see 'foster run --help'$/],
    [[''], /^ROOT '': expected a directory/],
    [['--naem', 'x', 'b'], /^unknown option '--naem' \(did you mean --name\?\); see 'foster run --help'$/],
    [['-X', 'b'], /^unknown option '-X'; see/],
    [['-itX', 'b'], /^unknown option '-X'; see/],
    [['-p', '80:80', 'b'], /^run -p is not supported yet: .*use --network host/],
    [['--restart', 'often', 'b'], /^--restart 'often': expected no, on-failure/],
    [['--restart', 'always:3', 'b'], /^--restart 'always:3': only on-failure takes a number/],
    [['--rm', '--restart', 'always', 'b'], /^--rm and --restart cannot be used together/],
    [['-d', '--init-verbose', 'b'], /^--init-verbose and --detach cannot be used together/],
    [['--log-opt', 'max-size', 'b'], /^--log-opt 'max-size': expected max-size=SIZE/],
    [['--health-cmd', 'x', '--health-interval', 'soon', 'b'], /^--health-interval 'soon': expected a time/],
    [['--health-cmd', 'x', '--health-retries', '0', 'b'], /^--health-retries '0': expected a number/],
    [['--detach-keys', 'ctrl-1', 'b'], /^--detach-keys 'ctrl-1': expected keys/],
    [['--pull', 'maybe', 'b'], /^--pull 'maybe': expected missing/],
    [['--platform', 'arm64', 'b'], /^--platform 'arm64': expected OS/],
    [['--memory=1g', 'b'], /^run --memory is not supported yet: there are no cgroup limits/],
    [['--name'], /^option '--name <NAME>' argument missing/],
    [['--rm=perhaps', 'b'], /^--rm 'perhaps': expected true or false/],
    [['--name', '-', 'b'], /^--name '-': a name has/],
    [['--label', '=x', 'b'], /^--label '=x': expected KEY=VALUE/],
    [['--entrypoint', '[1]', 'b'], /^--entrypoint '\[1\]': expected a command or a JSON array/],
    [['--entrypoint', '[', 'b'], /^--entrypoint/],
    [['-e', '=x', 'b'], /^-e '=x': expected NAME=value/],
    [['-e==x', 'b'], /^-e '=x': expected NAME=value/],
    [['-e', '', 'b'], /^-e '': expected NAME=value/],
    [['--env-file', 'none', 'b'], /^--env-file 'none': no such file/],
    [['--env-file', 'secret', 'b'], /^--env-file 'secret': the file cannot be read \(EACCES\)/],
    [['-w', 'x', 'b'], /^--workdir 'x': expected an absolute path/],
    [['-h', 'a b', 'b'], /^--hostname 'a b': /],
    [['-v', '/missing:/x', 'b'], /^--volume '\/missing:\/x': \/missing does not exist/],
    [['--mount', 'type=bind', 'b'], /^--mount 'type=bind': the destination is missing/],
    [['--tmpfs', 'x', 'b'], /^--tmpfs 'x': /],
    [['--tmpfs', '/x', '-v', '/a:/x', 'b'], /^duplicate mount point: \/x/],
    [['--network', 'bridge', 'b'], /^--network 'bridge': expected none or host/],
    [['--pid', 'container:', 'b'], /^--pid 'container:': expected/],
    [['--pid', 'x', 'b'], /^--pid 'x': expected/],
    [['--userns', 'nomap', 'b'], /^--userns 'nomap': expected/],
    [['--ulimit', 'x=1', 'b'], /^--ulimit 'x=1': /],
    [['--sysctl', 'kernel.panic=1', 'b'], /^--sysctl 'kernel.panic=1': /],
    [['--network=host', '--sysctl', 'net.core.somaxconn=1', 'b'], /with --network host/],
    [['--dns', 'x', 'b'], /^--dns 'x': /],
    [['--add-host', 'x', 'b'], /^--add-host 'x': /],
    [['--security-opt', 'x', 'b'], /^--security-opt 'x': expected no-new-privileges/],
    [['--security-opt', 'seccomp=', 'b'], /^--security-opt 'seccomp=': expected/],
    [['--security-opt', 'seccomp=missing', 'b'], /\/home\/me\/missing does not exist/],
    [['--security-opt', 'no-new-privileges=x', 'b'], /expected true or false/],
    [['--stop-signal', 'x', 'b'], /^--stop-signal 'x': expected a signal/],
    [['--stop-timeout', '-1', 'b'], /^--stop-timeout '-1': expected a whole number/],
    [['--stop-timeout', '99999999999', 'b'], /^--stop-timeout/],
    [['--max-unpacked-size', '5q', 'b'], /^--max-unpacked-size '5q': expected a size/],
    [['--max-unpacked-size', '9999999p', 'b'], /the size is too large/],
    [['--no-init', '--init-verbose', 'b'], /^--init-verbose and --no-init cannot be used together/],
    [['--no-init', '--init-signal-group', 'b'], /^--init-signal-group and --no-init cannot be used together/],
    [['--name', 'a\x1b[31m', 'b'], /^--name 'a\\u001b\[31m'/],
  ];
  for (const [argv, expected] of cases) {
    await t.test(argv.join(' ') || 'nothing', () => {
      assert.throws(
        () => parse(...argv),
        (error: FosterError) => {
          assert.equal(error.name, 'FosterError');
          assert.match(error.sentence, expected);
          assert.doesNotMatch(error.sentence, /\n/);
          assert.equal(error.exitCode, 125);
          return true;
        },
      );
    });
  }
  assert.throws(() => parse('--cap-add', 'NOPE', 'b'), { name: 'FosterError', exitCode: 125 });
});

test("the version is package.json's", () => {
  assert.equal(VERSION, JSON.parse(readFileSync('package.json', 'utf8')).version);
});
