/** What foster doctor says on machines that lack something: root breaks them, in mount namespaces of the tests' own. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, afterEach, beforeEach, test } from 'node:test';
import { FOSTER } from './support/foster.js';
import { DEADLINE } from './support/wait.js';

const USER = 'foster-test';
const isReachable =
  spawnSync('setpriv', [`--reuid=${USER}`, '--clear-groups', '--', 'test', '-r', FOSTER]).status === 0;
const options = { skip: isReachable ? false : `${USER} may not read ${FOSTER}` };

interface Report {
  name: string;
  level: 'ok' | 'warn' | 'fail';
  found: string;
  means?: string;
  mend?: { who: string; command?: string; advice?: string }[];
  fixed?: string[];
}

const folder = mkdtempSync('/var/tmp/foster-doctor-');
const data = join(folder, 'data');
after(() => rmSync(folder, { recursive: true, force: true }));

/** The processes whose mount namespace is the broken machine. */
let machine: ChildProcess;

beforeEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  for (const name of ['', 'home', 'data', 'run', 'spare']) mkdirSync(join(folder, name), { mode: 0o700 });
  chmodSync(folder, 0o755);
  execFileSync('chown', [`${USER}:`, ...['home', 'data', 'run'].map((name) => join(folder, name))]);
  machine = spawn('unshare', ['--mount', 'sh', '-c', 'echo; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (machine.stdout !== null) await once(machine.stdout, 'data');
});

afterEach(() => machine.kill('SIGKILL'));

function root(script: string): void {
  const { status, stderr } = spawnSync('nsenter', ['-t', String(machine.pid), '-m', 'sh', '-ec', script], {
    encoding: 'utf8',
    env: { ...process.env, folder },
  });
  assert.equal(status, 0, `${script}: ${stderr}`);
}

/** What `foster doctor --json ARGS` says to the user there, by the names of the checks. */
function doctor(
  args: string[],
  env: Record<string, string> = {},
): Record<string, Report> & { status: number } {
  const { status, stdout, stderr } = asUser(['doctor', '--json', ...args], env);
  assert.equal(stderr, '');
  const { checks } = JSON.parse(stdout) as { checks: Report[] };
  return Object.assign(Object.fromEntries(checks.map((each) => [each.name, each])), { status: status ?? -1 });
}

/** Runs foster as the user there. */
function asUser(args: string[], env: Record<string, string> = {}) {
  const user = [`--reuid=${USER}`, `--regid=${USER}`, '--init-groups', '--', FOSTER, ...args];
  return spawnSync('nsenter', ['-t', String(machine.pid), '-m', 'setpriv', ...user], {
    env: {
      HOME: join(folder, 'home'),
      XDG_DATA_HOME: data,
      XDG_RUNTIME_DIR: join(folder, 'run'),
      PATH: `${process.execPath.slice(0, process.execPath.lastIndexOf('/'))}:/usr/bin:/bin:/usr/sbin:/sbin`,
      ...env,
    },
    encoding: 'utf8',
    timeout: DEADLINE,
  });
}

function levels(reports: Record<string, Report>): Record<string, string> {
  return Object.fromEntries(
    Object.values(reports).flatMap(({ name, level }) => (name ? [[name, level]] : [])),
  );
}

/** Types what a report says as root. */
function mend(report: Report | undefined): void {
  const commands =
    report?.mend?.filter(({ who }) => who === 'root').map(({ command }) => command ?? 'false') ?? [];
  assert.ok(commands.length > 0, JSON.stringify(report));
  for (const command of commands) root(command);
}

const HELPERS = ['id-helpers', 'user-namespaces'];
const COPY =
  'for p in newuidmap newgidmap; do cp /usr/bin/$p $folder/spare; mount --bind $folder/spare/$p /usr/bin/$p; done';

test('newuidmap without its set-user-ID bit, of another owner, and with file capabilities', options, () => {
  root(`chmod 755 $folder/spare; ${COPY}; chmod 755 $folder/spare/*; chown ${USER} $folder/spare/newgidmap`);
  const broken = doctor(HELPERS);
  assert.deepEqual(levels(broken), { 'id-helpers': 'fail', 'user-namespaces': 'fail' });
  assert.equal(broken.status, 1);
  assert.match(
    broken['id-helpers']?.found ?? '',
    /^\/usr\/bin\/newuidmap is not set-user-ID root; \/usr\/bin\/newgidmap belongs to user \d+, not to root$/,
  );
  mend(broken['id-helpers']);
  const mended = doctor(HELPERS);
  assert.deepEqual(levels(mended), { 'id-helpers': 'ok', 'user-namespaces': 'ok' });
  assert.equal(mended.status, 0);
  root(
    'chmod u-s $folder/spare/*; setcap cap_setuid+ep /usr/bin/newuidmap; setcap cap_setgid+ep /usr/bin/newgidmap',
  );
  const capable = doctor(HELPERS);
  assert.deepEqual(levels(capable), { 'id-helpers': 'ok', 'user-namespaces': 'ok' });
  assert.match(capable['id-helpers']?.found ?? '', /file capabilities/);
});

test('newuidmap on a mount where programs gain no privileges, and not installed', options, () => {
  root('mount --bind /usr/bin/newuidmap /usr/bin/newuidmap; mount -o remount,bind,nosuid /usr/bin/newuidmap');
  const broken = doctor(HELPERS);
  assert.deepEqual(levels(broken), { 'id-helpers': 'fail', 'user-namespaces': 'fail' });
  assert.match(broken['id-helpers']?.found ?? '', /newuidmap is mounted with nosuid/);
  mend(broken['id-helpers']);
  assert.deepEqual(levels(doctor(HELPERS)), { 'id-helpers': 'ok', 'user-namespaces': 'ok' });
  root('for d in /usr/bin /bin; do mount --bind /dev/null $d/newuidmap; done');
  const missing = doctor(HELPERS);
  assert.deepEqual(levels(missing), { 'id-helpers': 'fail', 'user-namespaces': 'fail' });
  assert.match(missing['id-helpers']?.mend?.[0]?.command ?? '', /install/);
  assert.match(missing['user-namespaces']?.found ?? '', /newuidmap is not installed/);
});

test('no range of ids, a small one, and one that another user has, too', options, () => {
  const ranges = (text: string, checks: string[]) => {
    writeFileSync(join(folder, 'spare/ids'), text);
    root(
      'for f in subuid subgid; do umount -q /etc/$f || true; mount --bind $folder/spare/ids /etc/$f; done',
    );
    chmodSync(join(folder, 'spare'), 0o755);
    return doctor(checks);
  };
  const none = ranges('other:100000:65536\n', ['id-ranges', 'user-namespaces']);
  assert.deepEqual(levels(none), { 'id-ranges': 'warn', 'user-namespaces': 'ok' });
  assert.match(none['user-namespaces']?.found ?? '', /with 1 id$/);
  const add = new RegExp(`^usermod --add-subuids 165536-231071 --add-subgids 165536-231071 ${USER}$`);
  assert.match(none['id-ranges']?.mend?.[0]?.command ?? '', add);
  assert.match(
    ranges(`${USER}:100000:1000\n`, ['id-ranges'])['id-ranges']?.found ?? '',
    /has 1000 user ids and 1000 group ids/,
  );
  const shared = ranges(`${USER}:100000:65536\nother:165535:10\n`, ['id-ranges']);
  assert.equal(shared['id-ranges']?.level, 'warn');
  assert.match(shared['id-ranges']?.found ?? '', /others have ids of .*\/etc\/subuid: other:165535:10/);
});

test('a machine without devices and programs, with an old kernel', options, () => {
  root(`
    for p in pasta nft dnsmasq fuse-overlayfs; do for d in /usr/bin /bin /usr/sbin /sbin /usr/local/bin; do
      if [ -e $d/$p ]; then mount --bind /dev/null $d/$p; fi
    done; done
    mount -t tmpfs none /dev/net
    mount -t tmpfs none /proc/sys/kernel/seccomp
    mount -t tmpfs none /sys/fs/cgroup
    echo 5.10.0-30-amd64 >$folder/spare/release; mount --bind $folder/spare/release /proc/sys/kernel/osrelease
    mkdir -p $folder/spare/lower $folder/spare/upper $folder/spare/work
    mount -t overlay -o lowerdir=$folder/spare/lower,upperdir=$folder/spare/upper,workdir=$folder/spare/work none $folder/data
    chown ${USER}: $folder/data
  `);
  const checks = ['pasta', 'nft', 'dnsmasq', 'fuse', 'overlay', 'tun', 'seccomp', 'cgroups', 'kernel'];
  const reports = doctor(checks);
  assert.deepEqual(levels(reports), {
    kernel: 'warn',
    seccomp: 'fail',
    overlay: 'warn',
    fuse: 'warn',
    cgroups: 'warn',
    tun: 'warn',
    pasta: 'warn',
    nft: 'warn',
    dnsmasq: 'warn',
  });
  for (const [name, command] of [
    ['pasta', /install passt$/],
    ['nft', /install nftables$/],
    ['dnsmasq', /install dnsmasq/],
    ['fuse', /install fuse-overlayfs$/],
    ['tun', /^modprobe tun$/],
  ] as const)
    assert.match(reports[name]?.mend?.[0]?.command ?? '', command);
  assert.match(reports.overlay?.found ?? '', /^copy: the kernel refuses an overlay/);
  assert.match(reports.cgroups?.found ?? '', /no cgroups are mounted at/);
  assert.match(reports.kernel?.means ?? '', /Before Linux 5\.11 users cannot mount overlays/);
  root('mkdir -p /dev/net; mknod -m 600 /dev/net/tun c 10 200');
  const closed = doctor(['tun']);
  assert.match(closed.tun?.found ?? '', /EACCES/);
  mend(closed.tun);
  assert.equal(doctor(['tun']).tun?.level, 'ok');
});

test('a kernel built without overlays, WSL, and a systemd that ends at the last logout', options, () => {
  root(`
    printf 'CONFIG_SECCOMP_FILTER=y\\n# CONFIG_OVERLAY_FS is not set\\n' | gzip >$folder/spare/config.gz
    if [ -e /proc/config.gz ]; then mount --bind $folder/spare/config.gz /proc/config.gz; fi
    mkdir -p $folder/spare/boot; zcat $folder/spare/config.gz >$folder/spare/boot/config-6.6.87.2-microsoft-standard-WSL2
    mount --bind $folder/spare/boot /boot
    chmod 755 $folder/spare
    echo 6.6.87.2-microsoft-standard-WSL2 >$folder/spare/release
    mount --bind $folder/spare/release /proc/sys/kernel/osrelease
    mount -t tmpfs none /run; mkdir -p /var/lib/systemd; mount -t tmpfs none /var/lib/systemd
    mkdir -p $folder/home/.config/systemd/user; touch $folder/home/.config/systemd/user/foster-restart.service
    chown -R ${USER}: $folder/home
  `);
  const reports = doctor(['kernel', 'wsl', 'linger']);
  assert.deepEqual(levels(reports), { kernel: 'warn', wsl: 'warn', linger: 'ok' });
  assert.match(reports.kernel?.found ?? '', /, without CONFIG_OVERLAY_FS,/);
  root('mkdir -p /run/systemd/system');
  const booted = doctor(['wsl', 'linger']);
  assert.deepEqual(levels(booted), { wsl: 'ok', linger: 'warn' });
  assert.equal(booted.linger?.mend?.[0]?.command, `loginctl enable-linger ${USER}`);
  root(`mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/${USER}`); // what that command does
  assert.equal(doctor(['linger']).linger?.level, 'ok');
});

test('a disk that is full, without inodes, read-only', options, () => {
  const disk = (mountOptions: string, then = 'true') => {
    root(`umount -q $folder/data || true; mount -t tmpfs -o ${mountOptions} none $folder/data
      chown ${USER}: $folder/data; chmod 700 $folder/data; ${then}`);
    return doctor(['disk']).disk;
  };
  const full = disk('size=4m', 'dd if=/dev/zero of=$folder/data/filler bs=4k 2>/dev/null || true');
  assert.equal(full?.level, 'fail');
  assert.match(
    full?.found ?? '',
    /^0 MB of 4 MB free at .*no file can be written there: no space left on device/,
  );
  assert.equal(disk('size=1g')?.level, 'warn');
  const few = disk('size=8g,nr_inodes=500');
  assert.equal(few?.level, 'fail');
  assert.match(few?.found ?? '', /but only \d+ of 500 inodes$/);
  const readOnly = disk('size=8g', 'mount -o remount,ro $folder/data');
  assert.equal(readOnly?.level, 'fail');
  assert.match(readOnly?.found ?? '', /read-only file system/);
});

test('a clock that was set back: a file of the machine is from the future', options, () => {
  // of the ways to make such a file, the one that needs no other clock
  root(`
    truncate -s 1m $folder/spare/disk; mkfs.ext4 -q $folder/spare/disk
    debugfs -w -R 'write /etc/machine-id id' $folder/spare/disk
    debugfs -w -R 'set_inode_field id ctime 209901010000' $folder/spare/disk
    mkdir $folder/spare/mounted; mount -o loop,ro $folder/spare/disk $folder/spare/mounted
    mount --bind $folder/spare/mounted/id /etc/machine-id
  `);
  const { clock } = doctor(['clock']);
  assert.equal(clock?.level, 'warn');
  assert.match(clock?.found ?? '', /\/etc\/machine-id was changed on 2099-01-01/);
});

test('programs may not be executed from memory', options, () => {
  const { status, stdout } = spawnSync(
    'unshare',
    [
      '--pid',
      '--fork',
      '--mount-proc',
      'sh',
      '-ec',
      'sysctl -qw vm.memfd_noexec=2; exec "$0" doctor foster-init',
      FOSTER,
    ],
    { env: { ...process.env, XDG_DATA_HOME: data }, encoding: 'utf8' },
  );
  assert.equal(status, 1);
  assert.match(stdout, /^fail +foster-init +cannot start containers: programs in memory/m);
  assert.match(stdout, /^ +as root: sysctl -w vm\.memfd_noexec=1$/m);
});

test(
  'a /proc of which something is hidden, as in a container: the error of a start says the same',
  options,
  () => {
    root('mount --bind /dev/null /proc/version');
    const { 'user-namespaces': report } = doctor(['user-namespaces']);
    assert.equal(report?.level, 'fail');
    assert.match(report?.found ?? '', /^in a user namespace, a new \/proc cannot be made \(EPERM\)$/);
    const advice = report?.mend?.[0]?.advice ?? '';
    assert.match(
      advice,
      /^something is mounted over a part of \/proc or \/sys, as in a container: start that one with /,
    );
    const run = asUser(['run', '--rm', '--network', 'none', 'busybox', 'true']);
    assert.equal(run.status, 125);
    assert.ok(run.stderr.endsWith(`; ${advice}\n`), run.stderr);
  },
);

test("foster's own files are damaged", options, () => {
  root(`mount --bind /dev/null ${join(dirname(FOSTER), 'doctor-main.cjs')}`);
  const { node } = doctor(['node']);
  assert.match(node?.found ?? '', /^the process that looks has ended too early: exit code 0$/);
});

test('the folder of another user', options, () => {
  const reports = doctor(['data-folder', 'runtime-folder', 'cache-folder'], {
    XDG_DATA_HOME: '/root',
    XDG_RUNTIME_DIR: '/root',
    XDG_CACHE_HOME: '/root',
  });
  assert.equal(reports['data-folder']?.level, 'fail');
  assert.equal(reports['runtime-folder']?.level, 'warn');
  assert.equal(reports['cache-folder']?.level, 'warn');
});
