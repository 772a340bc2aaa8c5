import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'cgroup',
  aliases: ['cgroups', 'limits', 'memory', 'cpu'],
  group: 'limits',
  trials: ['cat /proc/self/cgroup', "foster info | sed -n '/[Cc]group/p'"],
  manual: ['cgroups(7)'],
  related: ['cgroup-namespace'],
  en: {
    summary: 'counts and limits what processes use',
    text: [
      'Namespaces say what a process sees, cgroups how much it may use: memory, CPU time, number of processes, disk. A cgroup is a folder in /sys/fs/cgroup; a process moves into it when its PID is written to cgroup.procs, and its children stay in it. Limits are files: memory.max, cpu.max, pids.max.',
      'With --memory, --cpus or --pids-limit, foster makes one for the container before PID 1 uses any memory. A user without root needs a part of the tree that belongs to them, which systemd gives to those who are logged in.',
    ],
    trials: [
      'The cgroups that this command is in: the path below /sys/fs/cgroup.',
      'What foster can do here.',
    ],
  },
  zh: {
    summary: '统计并限制进程使用的资源',
    text: [
      '命名空间决定进程看到什么，cgroup 决定它能用多少：内存、CPU 时间、进程数、磁盘。cgroup 是 /sys/fs/cgroup 里的文件夹；把 PID 写进 cgroup.procs，进程就进入其中，子进程也留在里面。限额就是文件：memory.max、cpu.max、pids.max。',
      '使用 --memory、--cpus 或 --pids-limit 时，foster 在 1 号进程使用内存之前就为容器建一个。没有 root 权限的用户需要树中属于自己的一部分；systemd 会把它交给登录的用户。',
    ],
    trials: ['这条命令所在的 cgroup：/sys/fs/cgroup 下面的路径。', 'foster 在这里能做什么。'],
  },
};
