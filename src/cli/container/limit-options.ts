import type { OptionTarget } from '../mentioned-options.js';

/** How values are parsed. */
interface Parsers {
  /** Of an option that may be given several times. */
  collect: (value: string, before?: string[]) => string[];
  /** Of one with a short form. */
  short: (value: string) => string;
}

/** The options that limit a container, of run, create and update: cgroups(7). */
export function addLimitOptions(command: OptionTarget, { collect, short }: Parsers): void {
  command
    .option('-m, --memory <SIZE>', 'memory, such as 512m: a process that needs more is killed', short)
    .option('--memory-swap <SIZE>', 'memory and swap together; -1: any amount (default: twice the memory)')
    .option('--memory-reservation <SIZE>', 'memory that it keeps when the machine runs short of it')
    .option(
      '--memory-swappiness <NUMBER>',
      'how willingly its memory is swapped out, 0 to 100 (cgroups version 1)',
    )
    .option('--oom-kill-disable', 'let processes wait for memory instead of killing them (cgroups version 1)')
    .option('--cpus <NUMBER>', 'CPUs, such as 1.5')
    .option('-c, --cpu-shares <NUMBER>', 'CPU time in relation to others, which have 1024', short)
    .option('--cpu-quota <TIME>', 'µs of CPU time in each period')
    .option('--cpu-period <TIME>', 'µs of a period (default: 100000)')
    .option('--cpuset-cpus <LIST>', 'run on these CPUs: 0-2,4')
    .option('--cpuset-mems <LIST>', 'use these memory nodes: 0,1')
    .option('--pids-limit <NUMBER>', 'processes and threads; -1: any number')
    .option('--blkio-weight <NUMBER>', 'use of disks in relation to others, 10 to 1000')
    .option('--device-read-bps <DEVICE:SIZE>', 'bytes a second read from a disk: /dev/sda:10m', collect)
    .option('--device-write-bps <DEVICE:SIZE>', 'bytes a second written to a disk', collect)
    .option('--device-read-iops <DEVICE:NUMBER>', 'reads a second from a disk', collect)
    .option('--device-write-iops <DEVICE:NUMBER>', 'writes a second to a disk', collect)
    .option(
      '--ignore-unenforced-limits',
      'go on without limits that cannot be enforced here, with a warning',
    );
}
