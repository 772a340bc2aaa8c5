import { atLeast, exactly } from '../expect.js';
import type { Lab } from '../lab.js';
import { memoryLimit, outOfMemory, tasks, throttled } from '../looks/cgroups.js';
import { exitCode } from '../looks/processes.js';

const MEBIBYTE = 1024 ** 2;

export const lab: Lab = {
  name: 'cgroups',
  title: { en: 'Cgroups: how much, not what', zh: 'Cgroup：管用量，不管可见' },
  story: {
    en: 'Namespaces decide what a process sees. How much it may use is decided by something quite different: control groups. They count memory, CPU time and processes of a group, and enforce limits. The two know nothing of each other, which is why a program in a container so often misjudges how much there is.',
    zh: '命名空间决定进程能看到什么。它能用多少，则由另一样完全不同的东西决定：控制组（cgroup）。cgroup 统计一组进程的内存、CPU 时间和进程数，并强制执行上限。两者互不相知，所以容器里的程序常常误判自己有多少资源。',
  },
  needs: ['limits'],
  topics: ['cgroup'],
  steps: [
    {
      title: { en: 'what free says', zh: 'free 怎么说' },
      ask: {
        en: 'The container may use 32 MiB. What does `free -m` in it show as the total?',
        zh: '这个容器最多能用 32 MiB。在里面运行 `free -m`，总量显示多少？',
      },
      choices: [
        { en: '32', zh: '32' },
        { en: 'The memory of the machine', zh: '整台机器的内存' },
        { en: '0, because it may not see it', zh: '0，因为它无权查看' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-cgroups -m 32m busybox sleep 1000'],
      see: [
        'foster exec lab-cgroups free -m',
        "foster stats --no-stream --format '{{.MemUsage}}' lab-cgroups",
      ],
      checks: [
        {
          what: { en: 'memory limit of the cgroup in bytes', zh: 'cgroup 的内存上限（字节）' },
          look: memoryLimit('lab-cgroups'),
          want: exactly(32 * MEBIBYTE),
        },
      ],
      why: {
        en: '/proc/meminfo is not divided by any namespace: it tells about the machine. The limit is a file in a cgroup, memory.max. Programs that size their caches by the memory of the machine are killed for that in containers; the JVM and others have learned to read the cgroup instead.',
        zh: '/proc/meminfo 不受任何命名空间划分：它说的是整台机器。上限是 cgroup 里的一个文件 memory.max。按机器内存大小来设定缓存的程序，在容器里会因此被杀；JVM 等已经学会改读 cgroup。',
      },
      hint: {
        en: 'foster rm -f lab-cgroups lets you try again.',
        zh: '用 foster rm -f lab-cgroups 可以重来。',
      },
    },
    {
      title: { en: 'too much', zh: '用过了头' },
      ask: {
        en: 'A shell doubles a string in a loop, in a container of 16 MiB. How does it end?',
        zh: '在一个 16 MiB 的容器里，shell 在循环中不断把一个字符串翻倍。结局如何？',
      },
      choices: [
        { en: 'The kernel kills it without a word: 137.', zh: '内核一声不吭地杀死它：137。' },
        {
          en: 'malloc fails, and the shell says "out of memory".',
          zh: 'malloc 失败，shell 报告“内存不足”。',
        },
        { en: 'It is slowed down, and goes on.', zh: '它会变慢，但继续运行。' },
      ],
      answer: 0,
      run: [
        "foster run -d --name lab-cgroups-oom -m 16m --memory-swap 16m busybox sh -c 'x=xxxxxxxx; while :; do x=$x$x; done'",
        'foster wait lab-cgroups-oom',
      ],
      see: ["foster inspect -f '{{.State.OOMKilled}}' lab-cgroups-oom", 'foster logs lab-cgroups-oom'],
      checks: [
        {
          what: { en: 'exit code of lab-cgroups-oom', zh: 'lab-cgroups-oom 的退出码' },
          look: exitCode('lab-cgroups-oom'),
          want: exactly(137),
        },
        {
          what: { en: 'processes killed for their memory (1: yes)', zh: '是否有进程因内存被杀（1 为是）' },
          look: outOfMemory('lab-cgroups-oom'),
          want: exactly(1),
        },
      ],
      why: {
        en: 'malloc only reserves addresses; memory is used at the first write, when there is nobody to return an error to. So the kernel kills: the OOM killer of the cgroup, with SIGKILL. 137 alone does not tell it from docker kill; the counter oom_kill of the cgroup does.',
        zh: 'malloc 只是预留地址；真正占用内存是在第一次写入时，那时已经没有谁可以接收错误了。于是内核只好杀：由该 cgroup 的 OOM killer 发出 SIGKILL。单看 137 分不清是不是 docker kill 干的；cgroup 的计数器 oom_kill 才能说明。',
      },
      hint: { en: 'It ends by itself, within a second.', zh: '它会在一秒内自行结束。' },
    },
    {
      title: { en: 'a tenth of a CPU', zh: '十分之一个 CPU' },
      ask: {
        en: 'An endless loop with --cpus 0.1. What does it look like from moment to moment?',
        zh: '一个带 --cpus 0.1 的死循环。逐个时刻来看，它是怎样运行的？',
      },
      choices: [
        { en: 'It runs evenly at a tenth of the speed.', zh: '以十分之一的速度均匀运行。' },
        { en: 'It runs whenever nobody else wants to.', zh: '只有在别人都不用时才运行。' },
        {
          en: 'It runs at full speed for 10 ms, and stands still for 90.',
          zh: '全速运行 10 毫秒，然后停 90 毫秒。',
        },
      ],
      answer: 2,
      run: ["foster run -d --name lab-cgroups-cpu --cpus 0.1 busybox sh -c 'while :; do :; done'"],
      see: ["foster stats --no-stream --format '{{.CPUPerc}}' lab-cgroups-cpu"],
      checks: [
        {
          what: {
            en: 'periods in which it was stopped (nr_throttled)',
            zh: '被限流的周期数（nr_throttled）',
          },
          look: throttled('lab-cgroups-cpu'),
          want: atLeast(2),
        },
      ],
      why: {
        en: 'A quota is microseconds for each period of 100 ms. When it is used up, all threads of the group stand still until the next period. A server with many threads uses its share in no time, and then answers nobody for the rest: the latency that nobody can explain. nr_throttled in cpu.stat explains it.',
        zh: '配额是每 100 毫秒周期内可用的微秒数。用完之后，组里所有线程都停住，直到下一个周期。线程很多的服务器一眨眼就用光自己的份额，剩下的时间谁也不理：这就是那种没人说得清的延迟。cpu.stat 里的 nr_throttled 能说清。',
      },
      hint: { en: 'Give it half a second.', zh: '等半秒钟。' },
    },
    {
      title: { en: 'a fork bomb', zh: 'fork 炸弹' },
      ask: {
        en: 'With --pids-limit 10, a loop starts twenty background processes. How many processes are in the container then?',
        zh: '在 --pids-limit 10 之下，一个循环启动二十个后台进程。之后容器里有多少个进程？',
      },
      choices: [
        { en: '22', zh: '22 个' },
        { en: '10', zh: '10 个' },
        { en: 'None: the container is killed.', zh: '一个也没有：容器被杀死。' },
      ],
      answer: 1,
      run: [
        "foster run -d --name lab-cgroups-pids --pids-limit 10 busybox sh -c '(for i in $(seq 20); do sleep 1000 & done); sleep 2000; :'",
      ],
      see: ['foster top lab-cgroups-pids pid,args', 'foster logs lab-cgroups-pids'],
      checks: [
        {
          what: { en: 'processes that the cgroup counts', zh: 'cgroup 统计到的进程数' },
          look: tasks('lab-cgroups-pids'),
          want: exactly(10),
        },
      ],
      why: {
        en: 'The tenth is the last: fork(2) fails with EAGAIN from then on, in this cgroup and nowhere else. A fork bomb in a container with such a limit is a nuisance to itself only. The lab zombies shows who else fills up this limit.',
        zh: '第十个就是最后一个：从此 fork(2) 以 EAGAIN 失败，只在这个 cgroup 里，不影响别处。有了这个上限，容器里的 fork 炸弹只能折腾自己。还有谁会占满这个上限，请看 zombies 实验。',
      },
      hint: { en: 'foster-init and the shell count, too.', zh: 'foster-init 和 shell 也算在内。' },
    },
  ],
};
