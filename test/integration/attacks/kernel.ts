import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Attack } from './attack.js';
import { holds, mountsOf } from './attack-run.js';

/** What a process in a container asks of the kernel. */

const CAPABLE = ['--cap-add', 'ALL', '--security-opt', 'seccomp=unconfined'];

/** A disk of this machine, as MAJOR:MINOR. */
function hostDisk(): string {
  for (const name of readdirSync('/sys/block')) {
    try {
      return readFileSync(`/sys/block/${name}/dev`, 'utf8').trim();
    } catch {
      // gone just now
    }
  }
  return '1:0';
}

/** Whether a process has a device open that is the host's. */
function holdsDevice(major: number, minor: number): (pid: number) => boolean {
  return (pid) =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const info = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
      if (info === undefined || !(info.isBlockDevice() || info.isCharacterDevice())) return false;
      return info.rdev === ((major << 8) | minor);
    });
}

function device(kind: 'block' | 'char', number: string) {
  const [major = 0, minor = 0] = number.split(':').map(Number);
  return { words: [kind, number], isHeld: holdsDevice(major, minor) };
}

/** None whose change would disturb the machine in the moment that a test has it changed. */
const WRITE_SETTINGS = `
for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/poweroff_cmd /sys/kernel/uevent_helper; do
  echo "|/tmp/evil" > $f; done
for f in /proc/sys/kernel/panic /proc/sys/fs/suid_dumpable /proc/sys/kernel/sysrq; do echo 1 > $f; echo 2 > $f; done`;

/** What the kernel lets only some have: a call that must not give a descriptor. */
function forbidden(name: string, words: string[], target: RegExp, rest: Partial<Attack> = {}): Attack {
  return {
    name,
    aim: 'escape',
    by: 'process',
    commit: (attempt) => attempt.takes(words, holds(target)),
    ...rest,
  };
}

export const KERNEL: Attack[] = [
  {
    name: 'writing kernel settings: core_pattern, modprobe, uevent_helper, sysctls',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2022-0811',
    alsoAsRoot: true,
    weakenedByRoot: ['--userns', 'host', '--privileged'],
    commit: async (attempt) => await attempt.shell(WRITE_SETTINGS),
  },
  {
    name: 'writing kernel settings after remounting /proc/sys and /sys read-write',
    aim: 'escape',
    by: 'process',
    flags: CAPABLE,
    alsoAsRoot: true,
    weakenedByRoot: ['--userns', 'host'],
    commit: async (attempt) =>
      void (await attempt.shell(
        `for d in /proc/sys /sys /proc; do mount -o remount,rw,bind $d; umount $d; done
        mount -t proc p /proc; mount -t sysfs s /sys; ${WRITE_SETTINGS}`,
      )),
  },
  {
    name: 'writing kernel settings with --privileged',
    aim: 'escape',
    by: 'process',
    flags: ['--privileged'],
    alsoAsRoot: true,
    weakenedByRoot: ['--userns', 'host'],
    commit: async (attempt) => await attempt.shell(WRITE_SETTINGS),
  },
  {
    name: "writing a cgroup hierarchy's release_agent",
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2022-0492',
    flags: CAPABLE,
    alsoAsRoot: true,
    commit: async (attempt) =>
      void (await attempt.shell(
        `for c in memory pids freezer rdma systemd; do mkdir -p /tmp/$c
          mount -t cgroup -o $c c /tmp/$c || mount -t cgroup -o none,name=$c c /tmp/$c
          echo /tmp/evil > /tmp/$c/release_agent; done
        for f in /sys/fs/cgroup/*/release_agent; do echo /tmp/evil > $f; done`,
      )),
  },
  {
    name: 'mounting a cgroup hierarchy in a new user namespace',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2022-0492',
    alsoAsRoot: true,
    commit: async (attempt) =>
      void (await attempt.shell(
        `unshare -UrmC sh -c 'mkdir -p /tmp/c; mount -t cgroup -o memory c /tmp/c; echo /tmp/evil > /tmp/c/release_agent'`,
      )),
  },
  forbidden('opening /proc/kcore', ['file', '/proc/kcore'], /kcore/, {
    aim: 'host read',
    alsoAsRoot: true,
  }),
  forbidden('opening /proc/kcore with all capabilities', ['file', '/proc/kcore'], /kcore/, {
    aim: 'host read',
    flags: CAPABLE,
    alsoAsRoot: true,
  }),
  {
    name: 'opening /proc/sysrq-trigger for writing',
    aim: 'exhaustion',
    by: 'process',
    alsoAsRoot: true,
    commit: async (attempt) => {
      let isOpen = false;
      const look = () => {
        isOpen = attempt.processes().some(holds(/sysrq-trigger/));
        for (const pid of attempt.processes()) process.kill(pid, 'SIGKILL');
      };
      await attempt.shell('exec 7>>/proc/sysrq-trigger; echo holding; while true; do sleep 1; done', {
        when: { says: 'holding', look },
      });
      return isOpen;
    },
  },
  {
    name: "the host's disk by mknod",
    aim: 'host read',
    by: 'process',
    flags: ['--cap-add', 'MKNOD'],
    alsoAsRoot: true,
    commit: (attempt) => {
      const { words, isHeld } = device('block', hostDisk());
      return attempt.takes(words, isHeld);
    },
  },
  {
    name: "the machine's memory by mknod",
    aim: 'host read',
    by: 'process',
    flags: CAPABLE,
    alsoAsRoot: true,
    commit: (attempt) => {
      const { words, isHeld } = device('char', '1:1');
      return attempt.takes(words, isHeld);
    },
  },
  {
    name: 'the kernel log by mknod',
    aim: 'leak',
    by: 'process',
    flags: CAPABLE,
    alsoAsRoot: true,
    commit: (attempt) => {
      const { words, isHeld } = device('char', '1:11');
      return attempt.takes(words, isHeld);
    },
  },
  {
    name: 'a file of the host by its handle (open_by_handle_at)',
    aim: 'host read',
    by: 'process',
    reference: 'CVE-2014-3519, shocker',
    flags: CAPABLE,
    alsoAsRoot: true,
    weakenedByRoot: ['--userns', 'host'],
    commit: async (attempt) =>
      void (await attempt.run(
        [
          'attacker',
          'shocker',
          attempt.host.victim,
          '/',
          '/etc/hosts',
          '/etc/hostname',
          '/dev/null',
          '/mounted',
        ],
        { flags: ['-v', `${attempt.host.work}:/mounted`] },
      )),
  },
  forbidden('bpf(2)', ['bpf'], /bpf/, { reference: 'CVE-2021-3490' }),
  forbidden('bpf(2) with all capabilities', ['bpf'], /bpf/, { flags: CAPABLE }),
  forbidden('perf_event_open(2)', ['perf'], /perf_event/, { reference: 'CVE-2013-2094' }),
  forbidden('userfaultfd(2)', ['userfaultfd'], /userfaultfd/, {
    weakenedBy: ['--privileged'],
  }),
  forbidden('io_uring_setup(2)', ['io_uring'], /io_uring/, {
    reference: 'CVE-2022-29582',
    weakenedBy: ['--security-opt', 'seccomp=unconfined'],
  }),
  forbidden('fanotify_init(2)', ['fanotify'], /fanotify/, { weakenedBy: ['--privileged'] }),
  forbidden('a packet socket without capabilities', ['packet'], /socket/, {
    aim: 'leak',
    flags: ['--cap-drop', 'ALL'],
    weakenedBy: ['--cap-add', 'NET_RAW'],
  }),
  {
    name: 'creating a user namespace, with all capabilities in it',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2022-0185',
    weakenedBy: ['--security-opt', 'seccomp=unconfined'],
    commit: (attempt) =>
      attempt.takes(['userns-mount'], (pid) => mountsOf(pid).some(({ source }) => source === 'attack')),
  },
  {
    name: 'mount(2)',
    aim: 'escape',
    by: 'process',
    weakenedBy: ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'],
    commit: (attempt) =>
      attempt.takes(['mount'], (pid) => mountsOf(pid).some(({ source }) => source === 'attack')),
  },
  {
    name: 'mounting an overlay in the container',
    aim: 'escape',
    by: 'process',
    reference: 'CVE-2023-0386',
    weakenedBy: ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'],
    commit: (attempt) =>
      attempt.takes(['overlay'], (pid) =>
        mountsOf(pid).some(({ place, type }) => type === 'overlay' && place === '/tmp'),
      ),
  },
  {
    name: "changing the host's name, clock, modules and swap",
    aim: 'host write',
    by: 'process',
    flags: CAPABLE,
    alsoAsRoot: true,
    commit: async (attempt) => await attempt.run(['attacker', 'change-host', 'attacked']),
  },
  {
    name: "keys of the caller's keyrings",
    aim: 'host read',
    by: 'process',
    flags: ['--security-opt', 'seccomp=unconfined'],
    commit: async (attempt) => {
      const outside = (...words: string[]) => spawnSync(attempt.engine.attacker, ['keys', ...words]).status;
      if (outside('add', attempt.host.secret) !== 0) throw new Error('no key can be made on this host');
      const line =
        /^([0-9a-f]+) .* user +foster-attack/m.exec(readFileSync('/proc/keys', 'utf8'))?.[1] ?? '1';
      try {
        await attempt.run(['attacker', 'keys', 'search', String(Number.parseInt(line, 16))]);
      } finally {
        outside('remove', '');
      }
    },
  },
  {
    name: "using up the host's inotify instances",
    aim: 'exhaustion',
    by: 'process',
    accepted:
      'the kernel counts instances in a user namespace for its owner too; only a limit for the user helps',
    commit: (attempt) =>
      attempt.takes(['inotify'], () => {
        const script =
          'import ctypes; c = ctypes.CDLL(None, use_errno=True); raise SystemExit(c.inotify_init() < 0)';
        return spawnSync('python3', ['-c', script]).status !== 0;
      }),
  },
];
