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
    if (path === '/home/me/labels') return '# two\na=b\n\nc=d e\n';
    const code = path.includes('secret') ? 'EACCES' : path.includes('folder') ? 'EISDIR' : 'ENOENT';
    throw Object.assign(new Error('no'), { code });
  },
};
const line = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size });
const device = (source: string, destination = source) => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', 'rprivate', 'nosuid', 'noexec'],
});
const MODES: Record<string, string[]> = {
  '/tmp': [],
  '/run': ['rw', 'mode=755'],
  '/var/tmp': ['rw', 'mode=1777'],
};
const tmpfs = (destination: string) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', 'nodev', 'noexec', ...(MODES[destination] ?? [])],
});
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
    replace: false,
    rm: false,
    removesImage: false,
    detach: false,
    attached: { stdin: true, stdout: true, stderr: true },
    passSignals: true,
    pidfile: undefined,
    detachKeys: Buffer.from([16, 17]),
    restart: { policy: 'no', max: 0 },
    logging: { maxSize: 0, maxFiles: 1 },
    health: undefined,
    pull: 'missing',
    platform: undefined,
    quiet: false,
    tlsVerify: true,
    cidfile: undefined,
    labels: {},
    annotations: {},
    keptDescriptors: 0,
    interactive: false,
    tty: false,
    init: true,
    initSignalGroup: false,
    initVerbose: false,
    entrypoint: undefined,
    env: [],
    defaultEnv: { fromCaller: [], merge: [], unset: [], unsetAll: false },
    workdir: undefined,
    user: undefined,
    groups: [],
    umask: undefined,
    oomScoreAdj: undefined,
    personality: undefined,
    hostname: undefined,
    domainname: undefined,
    mounts: [],
    volumesFrom: [],
    imageVolumes: 'volume',
    devices: [],
    timezone: undefined,
    shmSize: 64 * 1024 ** 2,
    readOnly: false,
    network: 'bridge',
    networks: [{ name: 'bridge', aliases: [] }],
    networkContainer: undefined,
    networkPath: undefined,
    pastaOptions: undefined,
    isNetworkUsual: true,
    isRestartUsual: true,
    ports: [],
    publishAll: false,
    pid: { kind: 'private' },
    pod: undefined,
    userns: 'default',
    ids: {},
    ipc: 'private',
    uts: 'private',
    cgroupns: 'private',
    rlimits: [],
    limits: { resources: {}, rates: [], ignoresUnenforced: false },
    sysctl: {},
    dns: [],
    dnsSearch: undefined,
    dnsOptions: undefined,
    addHosts: [],
    ownFiles: { hosts: true, hostname: true, resolvConf: true, accounts: true },
    expose: [],
    wantsMknod: false,
    noNewPrivileges: true,
    seccomp: 'default',
    kernelPaths: { mask: [], unmask: [], procOptions: [] },
    privileged: false,
    stopSignal: undefined,
    stopTimeout: 10,
    timeLimit: 0,
    maxUnpackedSize: undefined,
    dryRun: false,
    explain: false,
    written: { binds: [], tmpfs: {}, capAdd: [], capDrop: [], securityOpt: [], userns: '' },
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
    [['-i=true', '-t=0'], { interactive: true, tty: false }],
    [['-it=false'], { interactive: true, tty: false }],
    [['--init'], { init: true }],
    [['--no-init'], { init: false }],
    [['--init=false'], { init: false }],
    [['--init-signal-group'], { initSignalGroup: true }],
    [['--init-verbose'], { initVerbose: true }],
    [['--rmi'], { rm: true, removesImage: true }],
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
    [['--name', 'web', '--replace'], { replace: true }],
    [['-q'], { quiet: true }],
    [['-a', 'STDOUT', '-a=stdin'], { attached: { stdin: true, stdout: true, stderr: false } }],
    [['--sig-proxy=false'], { passSignals: false }],
    [['--pidfile', 'pid'], { pidfile: '/home/me/pid' }],
    [['--annotation', 'a=b'], { annotations: { a: 'b' } }],
    [['--label-file', 'labels', '-l', 'a=flag'], { labels: { a: 'flag', c: 'd e' } }],
    [['-e', 'HO*'], { env: ['HOME=/home/me'] }],
    [
      ['--env-host'],
      { defaultEnv: { fromCaller: ['HOME=/home/me'], merge: [], unset: [], unsetAll: false } },
    ],
    [['--http-proxy'], { defaultEnv: { fromCaller: [], merge: [], unset: [], unsetAll: false } }],
    [['--group-add', '5,audio', '--group-add', 'x'], { groups: ['5', 'audio', 'x'] }],
    [['--umask', '077'], { umask: 0o77 }],
    [['--oom-score-adj=-5'], { oomScoreAdj: -5 }],
    [['--personality', 'LINUX32'], { personality: 'LINUX32' }],
    [['--domainname', 'dom'], { domainname: 'dom' }],
    [
      ['--ipc', 'shareable', '--uts=', '--cgroupns', 'host'],
      { ipc: 'private', uts: 'private', cgroupns: 'host' },
    ],
    [['--ipc', 'none', '--uts', 'host'], { ipc: 'none', uts: 'host' }],
    [['--userns', 'nomap'], { userns: 'auto' }],
    [['--userns', 'keep-id:uid=1000,gid=5'], { userns: 'keep-id', ids: { keep: { uid: 1000, gid: 5 } } }],
    [
      ['--uidmap', '0:1:9', '--uidmap', '9:0'],
      { ids: { uid: [line(0, 1, 9), line(9, 0, 1)], gid: [line(0, 1, 9), line(9, 0, 1)] } },
    ],
    [['--uidmap', '0:0', '--gidmap', '0:1'], { ids: { uid: [line(0, 0, 1)], gid: [line(0, 1, 1)] } }],
    [['--timeout', '9'], { timeLimit: 9 }],
    [['--shm-size', '1m'], { shmSize: 1024 ** 2 }],
    [['--tz', 'Europe/Berlin'], { timezone: '/usr/share/zoneinfo/Europe/Berlin' }],
    [['--tz', 'local'], { timezone: '/etc/localtime' }],
    [
      ['--dns-search', 'a.b', '--dns-opt', 'ndots:2', '--dns-option', 'rotate'],
      { dnsSearch: ['a.b'], dnsOptions: ['ndots:2', 'rotate'] },
    ],
    [['--dns-search', '.'], { dnsSearch: [] }],
    [
      ['--no-hosts', '--dns', 'none', '-h', 'box', '--no-hostname', '--passwd=false'],
      {
        dns: [],
        hostname: 'box',
        ownFiles: { hosts: false, hostname: false, resolvConf: false, accounts: false },
      },
    ],
    [['--no-hosts=false'], { ownFiles: { hosts: true, hostname: true, resolvConf: true, accounts: true } }],
    [['--expose', '80', '--expose', '90-91/udp'], { expose: ['80/tcp', '90-91/udp'] }],
    [['--arch', 'arm64'], { platform: 'linux/arm64' }],
    [['--os', 'linux', '--arch', 'arm', '--variant', 'v7'], { platform: 'linux/arm/v7' }],
    [['--pull=true'], { pull: 'always' }],
    [['--pull=false'], { pull: 'missing' }],
    [['--pull', 'ifnewer'], { pull: 'newer' }],
    [
      ['--log-driver', 'k8s-file', '--log-opt', 'tag=x'],
      { logging: { maxSize: 0, maxFiles: 1, driver: 'k8s-file', tag: 'x' } },
    ],
    [
      [
        '--security-opt',
        'mask=/a:/b',
        '--security-opt',
        'unmask=/proc/kcore',
        '--security-opt',
        'proc-opts=hidepid=2',
      ],
      { kernelPaths: { mask: ['/a', '/b'], unmask: ['/proc/kcore'], procOptions: ['hidepid=2'] } },
    ],
    [
      ['--security-opt', 'systempaths=unconfined'],
      { kernelPaths: { mask: [], unmask: 'all', procOptions: [] } },
    ],
    [['--security-opt', 'label=type:spc_t', '--security-opt', 'label:disable'], { seccomp: 'default' }],
    [['--systemd=false', '--sdnotify', 'ignore', '--health-on-failure', 'none'], { health: undefined }],
    [
      ['--health-interval', '5s', '--health-on-failure', 'kill'],
      { healthChanges: { interval: 5000, kills: true } },
    ],
    [
      ['--device', '/dev/fuse', '--device', '/dev/a:/dev/b:rwm', '--device', '/dev/c:rw'],
      { devices: [device('/dev/fuse'), device('/dev/a', '/dev/b'), device('/dev/c')] },
    ],
    [
      ['--read-only', '--read-only-tmpfs', '--tmpfs', '/tmp'],
      { mounts: ['/tmp', '/run', '/var/tmp'].map(tmpfs) },
    ],
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
    [['--restart', 'often', 'b'], /^--restart 'often': expected no, on-failure/],
    [['--restart', 'always:3', 'b'], /^--restart 'always:3': only on-failure takes a number/],
    [['--rm', '--restart', 'always', 'b'], /^--rm and --restart cannot be used together/],
    [['-d', '--init-verbose', 'b'], /^--init-verbose and --detach cannot be used together/],
    [['--log-opt', 'max-size', 'b'], /^--log-opt 'max-size': expected max-size=SIZE/],
    [['--health-cmd', 'x', '--health-interval', 'soon', 'b'], /^--health-interval 'soon': expected a time/],
    [['--health-cmd', 'x', '--health-retries', '0', 'b'], /^--health-retries '0': expected a number/],
    [['--detach-keys', 'ctrl-1', 'b'], /^--detach-keys 'ctrl-1': expected keys/],
    [['--pull', 'maybe', 'b'], /^--pull 'maybe': expected missing/],
    [['--platform', 'linux/', 'b'], /^--platform 'linux\/': expected OS/],
    [
      ['--kernel-memory=1g', 'b'],
      /^run --kernel-memory is not supported: the kernel includes its own memory in --memory/,
    ],
    [['--memory=1x', 'b'], /^--memory '1x': expected a size/],
    [['--cpus', '1', '--cpu-period', '5000', 'b'], /^--cpus and --cpu-period cannot be used together/],
    [['--name'], /^option '--name <NAME>' argument missing/],
    [['--rm=perhaps', 'b'], /^--rm 'perhaps': expected true or false/],
    [['-i=perhaps', 'b'], /^-i 'perhaps': expected true or false/],
    [['--name', '-', 'b'], /^--name '-': a name consists/],
    [['--label', '=x', 'b'], /^--label '=x': expected KEY=VALUE/],
    [['--entrypoint', '[1]', 'b'], /^--entrypoint '\[1\]': expected a command or a JSON array/],
    [['--entrypoint', '[', 'b'], /^--entrypoint/],
    [['-e', '=x', 'b'], /^-e '=x': expected NAME=value/],
    [['-e==x', 'b'], /^-e '=x': expected NAME=value/],
    [['-e', '', 'b'], /^-e '': expected NAME=value/],
    [['--env-file', 'none', 'b'], /^--env-file 'none': no such file/],
    [['--env-file', 'folder', 'b'], /^--env-file 'folder': this is a directory, not a file/],
    [['--env-file', 'secret', 'b'], /^--env-file 'secret': you may not read this file/],
    [['-w', 'x', 'b'], /^--workdir 'x': expected an absolute path/],
    [['-h', 'a b', 'b'], /^--hostname 'a b': /],
    [['-v', '/missing:/x', 'b'], /^--volume '\/missing:\/x': \/missing does not exist/],
    [['--mount', 'type=bind', 'b'], /^--mount 'type=bind': the destination is missing/],
    [['--tmpfs', 'x', 'b'], /^--tmpfs 'x': /],
    [['--tmpfs', '/x', '-v', '/a:/x', 'b'], /^duplicate mount point: \/x/],
    [
      ['--network', 'slirp4netns', 'b'],
      /^--network 'slirp4netns' is not supported yet: .*; use --network pasta, or --network bridge/,
    ],
    [
      ['--network', 'none', '--network', 'net', 'b'],
      /^--network 'none net': none cannot be combined with others/,
    ],
    [['--network', 'none', '--ip', '10.0.0.1', 'b'], /^--ip '10.0.0.1': the network none has no addresses/],
    [['-p', '70000', 'b'], /^--publish '70000': expected /],
    [['-p', '80:81:82:83', 'b'], /^--publish '80:81:82:83': expected /],
    [['-p', '8000-8003:80', 'b'], /ranges of the host and of the container have different sizes/],
    [['--mac-address', '01:00:00:00:00:00', 'b'], /the address of a group, not of an interface/],
    [
      ['--network', 'a b', 'b'],
      /^--network 'a b': expected none, host, bridge, container:NAME, ns:PATH, pasta:OPTIONS or the name of a network/,
    ],
    [['-a', 'x', 'b'], /^--attach 'x': expected stdin/],
    [['-d', '-a', 'stdout', 'b'], /^--attach and --detach cannot be used together/],
    [['--replace', 'b'], /^--replace needs --name/],
    [['--no-hosts', '--add-host', 'a:1.2.3.4', 'b'], /^--no-hosts and --add-host cannot be used together/],
    [['--uts', 'host', '-h', 'x', 'b'], /^--hostname and --uts host cannot be used together/],
    [
      ['--ipc', 'container:x', 'b'],
      /^--ipc 'container:x' is not supported yet: .*; use --pid container:NAME/,
    ],
    [['--ipc', 'x', 'b'], /^--ipc 'x': expected private, shareable, host or none/],
    [['--uts', 'x', 'b'], /^--uts 'x': expected private or host/],
    [['--pid', 'ns:/proc/1/ns/pid', 'b'], /^--pid 'ns:.*' is not supported yet: .*config\.json/],
    [['--userns', 'container:x', 'b'], /^--userns 'container:x' is not supported yet: /],
    [['--cgroupns', 'pod', 'b'], /^--cgroupns 'pod' is not supported yet: there are no pods/],
    [['--group-add', 'keep-groups', 'b'], /^--group-add 'keep-groups' is not supported yet: /],
    [['--umask', '9', 'b'], /^--umask '9': expected an octal mode/],
    [['--oom-score-adj', '1001', 'b'], /^--oom-score-adj '1001': expected a number from -1000/],
    [['--personality', 'BSD', 'b'], /^--personality 'BSD': expected LINUX/],
    [['--tz', 'missing', 'b'], /^--tz 'missing': there is no such time zone/],
    [['--tz', '../../etc/passwd', 'b'], /^--tz '.*': there is no such time zone/],
    [['--dns-search', 'a b', 'b'], /^--dns-search 'a b': expected a domain/],
    [['--dns-option', 'a\nb', 'b'], /^--dns-option 'a\\nb': expected an option of resolv/],
    [['--dns', 'none', '--dns', '1.1.1.1', 'b'], /^--dns 'none': it cannot be used together/],
    [['--expose', '0', 'b'], /^--expose '0': expected PORT/],
    [['--device', '/missing', 'b'], /^--device '\/missing': \/missing does not exist/],
    [['--device', '/dev/fuse:r', 'b'], /^--device '\/dev\/fuse:r' is not supported yet: there is no cgroup/],
    [['--device', 'vendor.com/gpu=0', 'b'], /^--device 'vendor.com\/gpu=0' is not supported yet: /],
    [['--timeout', 'x', 'b'], /^--timeout 'x': expected a whole number/],
    [['--timeout', '1', '--pid', 'host', 'b'], /^--timeout and --pid cannot be used together/],
    [['--shm-size', 'x', 'b'], /^--shm-size 'x': expected a size/],
    [['--log-driver', 'nope', 'b'], /^--log-driver 'nope': expected json-file/],
    [['--log-driver', 'journald', 'b'], /^--log-driver 'journald' is not supported yet: the log/],
    [
      ['-d', '--log-driver', 'passthrough', 'b'],
      /^--log-driver 'passthrough' is not supported yet: with --detach/,
    ],
    [['--log-opt', 'path=/x', 'b'], /^--log-opt 'path=\/x' is not supported yet: /],
    [['--health-interval', '5x', 'b'], /^--health-interval '5x': expected a time/],
    [['--health-retries', 'x', 'b'], /^--health-retries 'x': expected a number/],
    [['--no-healthcheck', '--health-timeout', 'x', 'b'], /^--health-timeout 'x': expected a time/],
    [['--health-on-failure', 'stop', 'b'], /^--health-on-failure 'stop' is not supported yet: /],
    [['--systemd', 'always', 'b'], /^--systemd 'always' is not supported yet: /],
    [['--sdnotify', 'conmon', 'b'], /^--sdnotify 'conmon' is not supported yet: /],
    [
      ['--platform', 'linux/arm64', '--arch', 'arm64', 'b'],
      /^--platform .*: it cannot be used together with --arch/,
    ],
    [['--annotation', 'io.foster.x=1', 'b'], /^--annotation io\.foster\.x: foster itself sets/],
    [['--security-opt', 'apparmor=mine', 'b'], /^--security-opt 'apparmor=mine' is not supported yet: /],
    [['--security-opt', 'mask=x', 'b'], /^--security-opt 'mask=x': expected absolute paths/],
    [['--security-opt', 'proc-opts=x', 'b'], /^--security-opt 'proc-opts=x': expected hidepid/],
    [['--rootfs', 'missing'], /^--rootfs 'missing': \/home\/me\/missing does not exist/],
    [['--pid', 'container:', 'b'], /^--pid 'container:': expected/],
    [['--pid', 'x', 'b'], /^--pid 'x': expected/],
    [['--userns', 'keep-id:x=1', 'b'], /^--userns 'keep-id:x=1': expected keep-id:uid/],
    [['--userns', 'auto:size=9', 'b'], /^--userns 'auto:size=9' is not supported yet: /],
    [['--userns', 'keep-id', '--uidmap', '0:0', 'b'], /^--userns 'keep-id': it cannot be used together/],
    [['--uidmap', '0:0:0', 'b'], /^--uidmap '0:0:0': expected CONTAINER_ID/],
    [['--gidmap', '0:4294967295', 'b'], /^--gidmap '0:4294967295': expected CONTAINER_ID/],
    [['--userns', 'x', 'b'], /^--userns 'x': expected/],
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
