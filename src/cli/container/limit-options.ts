import type { OptionTarget } from '../mentioned-options.js';

/** How values are parsed. */
interface Parsers {
  /** Of an option that may be given several times. */
  collect: (value: string, before?: string[]) => string[];
  /** Of one with a short form. */
  short: (value: string) => string;
}

/** The options that limit a container, of run, create and update: cgroups(7). */
const OPTIONS: [flags: string, description: string, parser?: keyof Parsers][] = [
  ['-m, --memory <SIZE>', 'memory, such as 512m: a process that needs more is killed', 'short'],
  ['--memory-swap <SIZE>', 'memory and swap together; -1: any amount (default: twice the memory)'],
  ['--memory-reservation <SIZE>', 'memory that it keeps when the machine runs short of it'],
  ['--memory-swappiness <NUMBER>', 'how willingly its memory is swapped out, 0 to 100 (cgroups version 1)'],
  ['--oom-kill-disable', 'let processes wait for memory instead of killing them (cgroups version 1)'],
  ['--cpus <NUMBER>', 'CPUs, such as 1.5'],
  ['-c, --cpu-shares <NUMBER>', 'CPU time in relation to others, which have 1024', 'short'],
  ['--cpu-quota <TIME>', 'µs of CPU time in each period'],
  ['--cpu-period <TIME>', 'µs of a period (default: 100000)'],
  ['--cpu-rt-runtime <TIME>', 'µs of real-time CPU time in each period (cgroups version 1)'],
  ['--cpu-rt-period <TIME>', 'µs of such a period (default: 1000000)'],
  ['--cpuset-cpus <LIST>', 'run on these CPUs: 0-2,4'],
  ['--cpuset-mems <LIST>', 'use these memory nodes: 0,1'],
  ['--pids-limit <NUMBER>', 'processes and threads; -1: any number'],
  ['--blkio-weight <NUMBER>', 'use of disks in relation to others, 10 to 1000'],
  ['--blkio-weight-device <DEV:WEIGHT>', 'its use of one disk: /dev/sda:200', 'collect'],
  ['--device-read-bps <DEVICE:SIZE>', 'bytes a second read from a disk: /dev/sda:10m', 'collect'],
  ['--device-write-bps <DEVICE:SIZE>', 'bytes a second written to a disk', 'collect'],
  ['--device-read-iops <DEVICE:NUMBER>', 'reads a second from a disk', 'collect'],
  ['--device-write-iops <DEVICE:NUMBER>', 'writes a second to a disk', 'collect'],
  ['--ignore-unenforced-limits', 'go on without limits that cannot be enforced here, with a warning'],
];

/** Those that Docker and Podman also have for the RUN of a build. */
const OF_BUILDS =
  /--(memory|memory-swap|cpu-shares|cpu-quota|cpu-period|cpuset-cpus|cpuset-mems|ignore-unenforced-limits)( |$)/;

/** Gives a command all of them. */
export function addLimitOptions(command: OptionTarget, parsers: Parsers): void {
  for (const [flags, description, parser] of OPTIONS)
    if (parser === undefined) command.option(flags, description);
    else command.option(flags, description, parsers[parser]);
}

/** Gives `build` its own ones. */
export function addBuildLimitOptions(command: OptionTarget): void {
  for (const [flags, description] of OPTIONS)
    if (OF_BUILDS.test(flags)) command.option(flags, `in RUN: ${description}`);
}
