import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Home } from './support/foster.js';

/** Each flag of `foster run` as one types it, and what the container sees of it. */
const home = new Home();

/** What a script prints in a container that was started with `flags`; it must succeed and say nothing else. */
function output(flags: string[], script: string): string {
  const { status, stdout, stderr } = home.shell(script, flags);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trimEnd();
}

const caller = () => `${process.getuid?.()}:${process.getgid?.()}`;

test('-e, --env-file: set, pass on, omit; the last wins', () => {
  const file = join(home.folder, 'vars');
  writeFileSync(file, '# comment\nA=from file\nB=b # kept\nCALLER\n\n');
  const { stdout } = home.shell(
    'env',
    ['--env-file', file, '-e', 'A=from flag', '-e', 'UNSET', '--env', 'E='],
    {
      env: { CALLER: 'mine' },
    },
  );
  const lines = stdout.split('\n');
  for (const line of ['A=from flag', 'B=b # kept', 'CALLER=mine', 'E=', 'container=foster', 'HOME=/root'])
    assert.ok(lines.includes(line), `${line} in:\n${stdout}`);
  assert.ok(!lines.some((line) => line.startsWith('UNSET')));
});

test("the caller's environment is not passed on unless requested", () => {
  const { stdout } = home.shell('env', [], { env: { SECRET_TOKEN: 'x' } });
  const names = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('=')[0]);
  assert.deepEqual(names.toSorted(), ['HOME', 'HOSTNAME', 'PATH', 'PWD', 'SHLVL', 'container']);
});

test('-w: an existing folder, and a new one', () => {
  assert.equal(output(['-w', '/etc'], 'pwd'), '/etc');
  assert.equal(output(['--workdir', '/made/by foster'], 'pwd; stat -c %a .'), '/made/by foster\n755');
});

test('-u: by name, number and group, as in the files of the container', () => {
  assert.equal(output([], 'id -u; id -g; echo $HOME'), '0\n0\n/root');
  assert.equal(output(['-u', '1000'], 'id -u; id -g; echo $HOME'), '1000\n0\n/');
  assert.equal(output(['-u', '1000:50'], 'id -u; id -g'), '1000\n50');
  assert.equal(output(['--user', 'nobody'], 'id -un; touch /tmp/x; stat -c %U /tmp/x'), 'nobody\nnobody');
  const missing = home.shell('true', ['-u', 'no-such-user']);
  assert.equal(missing.status, 125);
  assert.match(missing.stderr, /^foster: no user no-such-user in the container's \/etc\/passwd; .*\n$/);
});

test('--hostname, --add-host, --dns', () => {
  const flags = ['-h', 'box', '--add-host', 'db:10.1.2.3', '--dns', '9.9.9.9', '--dns', '2620:fe::fe'];
  assert.equal(output(flags, 'hostname; cat /etc/hostname; echo $HOSTNAME'), 'box\nbox\nbox');
  assert.match(
    output(flags, 'cat /etc/hosts'),
    /^127\.0\.0\.1\tlocalhost\n[\s\S]*^10\.1\.2\.3\tdb\n127\.0\.1\.1\tbox$/m,
  );
  assert.match(output(flags, 'cat /etc/resolv.conf'), /^nameserver 9\.9\.9\.9\nnameserver 2620:fe::fe/);
  assert.equal(output(flags, 'ping -c 1 -q box >/dev/null && echo reached'), 'reached');
  assert.match(output([], 'hostname'), /^[0-9a-f]{12}$/);
});

test('--entrypoint goes before the arguments', () => {
  const run = (...args: string[]) => home.run(['--rm', ...args]).stdout;
  assert.equal(run('--entrypoint', 'echo', 'busybox', 'a', 'b'), 'a b\n');
  assert.equal(run('--entrypoint', '["echo","first"]', 'busybox', 'second'), 'first second\n');
  assert.equal(run('--entrypoint', '', 'busybox', 'echo', 'plain'), 'plain\n');
});

test('a container without a command runs a shell', () => {
  assert.equal(home.run(['--rm', '-i', 'busybox'], { input: 'echo $0' }).stdout, '/bin/sh\n');
});

test('-i passes on standard input, without it there is none', () => {
  assert.equal(home.run(['--rm', '-i', 'busybox', 'cat'], { input: 'a\0b' }).stdout, 'a\0b');
  assert.equal(home.run(['--rm', 'busybox', 'cat'], { input: 'a' }).stdout, '');
});

test('--init and --no-init decide who is PID 1', () => {
  assert.equal(output(['--init'], 'echo $$; cat /proc/1/comm; true'), '2\nfoster-init');
  assert.equal(output(['--no-init'], 'echo $$; cat /proc/1/comm; true'), '1\nsh');
});

test('--network none has only a working loopback', () => {
  assert.equal(output([], 'ls /sys/class/net'), 'lo');
  assert.equal(
    output(['--network', 'none'], 'ip -o link | grep -c .; ip -o link | grep -c "LOOPBACK,UP"'),
    '1\n1',
  );
  assert.equal(output([], 'ping -c 1 -q 127.0.0.1 >/dev/null; ping -c 1 -q ::1 >/dev/null; echo $?'), '0');
  const server = `nc -l -p 8080 -e echo hello </dev/null &
    until grep -q ":1F90 .* 0A " /proc/net/tcp /proc/net/tcp6; do sleep 0.05; done; nc 127.0.0.1 8080 </dev/null`;
  assert.equal(output([], server), 'hello');
  assert.notEqual(home.shell('ping -c 1 -W 1 10.1.1.1').status, 0);
});

test("--network host is the host's", () => {
  const script = 'ls /sys/class/net | sort; readlink /proc/self/ns/net';
  assert.equal(output(['--network', 'host'], script).split('\n').at(-1), readlink('net'));
  assert.equal(home.shell('touch /sys/x', ['--network', 'host']).status, 1);
});

function readlink(namespace: string): string {
  return readlinkSync(`/proc/self/ns/${namespace}`);
}

test('--pid host shows the processes of the host', () => {
  assert.equal(output(['--pid', 'host'], 'readlink /proc/self/ns/pid'), readlink('pid'));
  assert.equal(
    output(['--pid', 'host'], `cat /proc/${process.pid}/comm`),
    readFileSync('/proc/self/comm', 'utf8').trim(),
  );
  assert.equal(home.shell('exit 7', ['--pid', 'host']).status, 7);
});

test('--pid container:NAME shows the processes of that container', async () => {
  const command = ['busybox', 'sh', '-c', 'echo up; exec sleep 7777'];
  const other = home.start(['--rm', '--name', 'host-of-pids', ...command]);
  await other.says('up');
  const guest = ['--pid', 'container:host-of-pids'];
  // what is in the namespace ends with the other container, so that one is ended later
  const script = 'until pidof sleep >/dev/null; do usleep 10000; done; ps -o args; hostname';
  const { stdout, status, stderr } = home.shell(script, [...guest, '-h', 'guest']);
  assert.deepEqual([stderr, status], ['', 0]);
  assert.match(stdout, /^sleep 7777$/m);
  assert.match(stdout, /^guest$/m);
  assert.equal(home.shell('kill $(pidof sleep)', guest).stderr, '');
  assert.equal((await other.ended).status, 143);
  await home.assertNothingLeft();
});

test('--pid container: needs a running container', () => {
  const missing = home.shell('true', ['--pid', 'container:no-such-one']);
  assert.deepEqual([missing.status, missing.stdout], [125, '']);
  assert.match(missing.stderr, /^foster: no such container: no-such-one; .*\n$/);
});

test('--ulimit sets soft and hard limits, downwards', () => {
  const flags = ['--ulimit', 'nofile=100:200', '--ulimit', 'core=0'];
  assert.equal(output(flags, 'ulimit -n; ulimit -Hn; ulimit -c'), '100\n200\n0');
  const raised = home.shell('true', ['--ulimit', 'nofile=999999999']);
  assert.equal(raised.status, 125);
  assert.match(
    raised.stderr,
    /^foster: cannot set the limit RLIMIT_NOFILE to 999999999: operation not permitted \(EPERM\)/,
  );
});

test('--sysctl only sets parameters of namespaces', () => {
  const flags = ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=80', '--sysctl', 'kernel.msgmax=4096'];
  assert.equal(
    output(flags, 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax'),
    '80\n4096',
  );
  const global = home.shell('true', ['--sysctl', 'kernel.panic=1']);
  assert.deepEqual([global.status, /not namespaced/.test(global.stderr)], [125, true]);
  const wrong = home.shell('true', ['--sysctl', 'net.ipv4.ip_forward=nonsense']);
  assert.match(
    wrong.stderr,
    /^foster: cannot set the kernel parameter net\.ipv4\.ip_forward to nonsense: invalid argument/,
  );
});

test('--cap-add and --cap-drop: the sets that the process has', () => {
  const sets = (...flags: string[]) =>
    Object.fromEntries(
      [...output(flags, 'grep ^Cap /proc/self/status').matchAll(/Cap(\w+):\t0*(\w+)/g)].map(
        ([, k = '', v]) => [k, v],
      ),
    );
  const DOCKERS = 'a80425fb';
  assert.deepEqual(sets(), { Inh: '0', Prm: DOCKERS, Eff: DOCKERS, Bnd: DOCKERS, Amb: '0' });
  assert.deepEqual(sets('--cap-drop', 'ALL'), { Inh: '0', Prm: '0', Eff: '0', Bnd: '0', Amb: '0' });
  const NET_ADMIN = (1 << 12).toString(16);
  assert.equal(sets('--cap-drop', 'all', '--cap-add', 'net_admin').Eff, NET_ADMIN);
  assert.equal(sets('--cap-add', 'ALL').Bnd, '1ffffffffff');
  assert.deepEqual(sets('-u', '1000'), { Inh: '0', Prm: '0', Eff: '0', Bnd: DOCKERS, Amb: '0' });
  assert.equal(home.shell('ip link set lo down', ['--cap-add', 'NET_ADMIN']).status, 0);
  assert.notEqual(home.shell('ip link set lo down').status, 0);
});

test('--security-opt no-new-privileges', () => {
  const flag = (...flags: string[]) => output(flags, 'grep NoNewPrivs /proc/self/status').split('\t')[1];
  assert.equal(flag(), '1');
  assert.equal(flag('--security-opt', 'no-new-privileges'), '1');
  assert.equal(flag('--security-opt', 'no-new-privileges=false'), '0');
});

test('--userns: who the caller is in the container', () => {
  assert.equal(output(['--userns', 'host'], 'id -u'), '0');
  const keep = ['--userns', 'keep-id'];
  assert.equal(output(keep, 'echo $(id -u):$(id -g)'), caller());
  assert.equal(output(keep, 'touch /tmp/x && stat -c %u:%g /tmp/x'), caller());
  assert.equal(output(keep, 'grep CapEff /proc/self/status'), 'CapEff:\t0000000000000000');
  assert.equal(output([...keep, '-u', '0'], 'id -u'), '0');
  const shared = ['-v', `${home.shared}:/shared`];
  assert.equal(output([...keep, ...shared], 'touch /shared/x; stat -c %u:%g /shared/x'), caller());
});

test('--userns auto: the caller is nobody in the container', { skip: process.getuid?.() === 0 }, () => {
  assert.equal(output(['--userns', 'auto'], 'id -u; touch /x /etc/x; stat -c %u /x /bin'), '0\n0\n0');
  const map = output(['--userns', 'auto'], 'cat /proc/self/uid_map').split(/\s+/).filter(Boolean).map(Number);
  for (let line = 0; line < map.length; line += 3) {
    const [, host = 0, size = 0] = map.slice(line);
    assert.ok(process.getuid && (process.getuid() < host || process.getuid() >= host + size), String(map));
  }
  const flags = ['--userns', 'auto', '-v', `${home.shared}:/shared`];
  assert.equal(output(flags, 'stat -c %U /shared'), 'nobody');
});

test('--userns keep-id: the caller has a name', () => {
  const name = userInfo().username;
  assert.equal(output(['--userns', 'keep-id'], 'whoami; id -gn; echo $HOME'), `${name}\n${name}\n/`);
  assert.equal(output(['--userns', 'keep-id'], `grep -c "^${name}:" /etc/passwd`), '1');
  assert.equal(home.shell(`grep "^${name}:" /etc/passwd`).status, 1, 'only where he is himself');
  // his home is the working directory, or his own if it is mounted
  const { homedir } = userInfo();
  assert.equal(output(['--userns', 'keep-id', '-w', '/tmp'], 'echo $HOME ~'), '/tmp /tmp');
  assert.equal(
    output(['--userns', 'keep-id', '-v', homedir], 'echo $HOME ~; pwd'),
    `${homedir} ${homedir}\n/`,
  );
});

test('--read-only with --tmpfs: the root cannot be written to, the rest can', () => {
  const script = 'touch /x; touch /etc/hosts; touch /bin/x; touch /run/a /dev/shm/b /dev/c && echo rest';
  const { stdout, stderr } = home.shell(script, ['--read-only', '--tmpfs', '/run']);
  assert.equal(stdout, 'rest\n');
  assert.equal(stderr.match(/Read-only file system/g)?.length, 3);
});

test('--label, --name, --stop-signal, --stop-timeout are kept', () => {
  const flags = [
    '--name',
    'kept',
    '--label',
    'a=b=c',
    '-l',
    'd',
    '--stop-signal',
    'INT',
    '--stop-timeout',
    '3',
  ];
  assert.equal(home.run([...flags, 'busybox', 'true']).status, 0);
  const format = '{{.Name}} {{json .Config.Labels}} {{.Config.StopSignal}} {{.Config.StopTimeout}}';
  assert.equal(home.foster(['inspect', '-f', format, 'kept']).stdout, '/kept {"a":"b=c","d":""} SIGINT 3\n');
  assert.equal(home.foster(['rm', 'kept']).status, 0);
});

test('--stop-timeout limits the time of the remaining processes', () => {
  const start = Date.now();
  const { status } = home.shell('trap "" TERM; (trap "" TERM; sleep 1000) & exit 4', ['--stop-timeout', '1']);
  assert.equal(status, 4);
  assert.ok(Date.now() - start >= 1000);
});

test('--cidfile contains the id, and an existing file is an error', () => {
  const file = join(home.folder, 'cid');
  assert.equal(home.run(['--name', 'filed', '--cidfile', file, 'busybox', 'true']).status, 0);
  const id = readFileSync(file, 'utf8');
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(home.foster(['inspect', '-f', '{{.Name}}', id]).stdout, '/filed\n');
  const second = home.run(['--rm', '--cidfile', file, 'busybox', 'true']);
  assert.equal(second.status, 125);
  assert.match(second.stderr, /^foster: the container id file .*cid exists already; .*\n$/);
  assert.equal(readFileSync(file, 'utf8'), id);
  assert.equal(home.foster(['rm', 'filed']).status, 0);
});

test('--rm leaves nothing behind, without it the container stays', async () => {
  assert.equal(home.run(['--name', 'stays', 'busybox', 'true']).status, 0);
  assert.equal(home.foster(['ps', '-aq']).stdout.trim().length, 12);
  assert.equal(home.foster(['rm', 'stays']).stdout, 'stays\n');
  assert.equal(
    home.run(['--rm', 'busybox', 'sh', '-c', 'mkdir -m 0 /locked; chown 55:55 /locked']).status,
    0,
  );
  await home.assertNothingLeft();
});
