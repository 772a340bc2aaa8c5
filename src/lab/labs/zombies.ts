import { atLeast, exactly } from '../expect.js';
import type { Lab } from '../lab.js';
import { exitCode, limit, reapedOrphans, zombies } from '../looks/processes.js';

const SLEEPER = 'sleep 1000';

export const lab: Lab = {
  name: 'zombies',
  title: { en: 'Zombies: the dead that take up room', zh: '僵尸进程：占着位置的死者' },
  story: {
    en: 'A process that has ended leaves one thing behind: its exit code. The kernel keeps it, and the process id with it, until the parent asks with wait(2). Until then the process is a zombie. A container whose PID 1 never asks fills up with them. You will make that happen, reach the limit, and see what one small program changes.',
    zh: '进程结束后还会留下一样东西：退出码。内核会保留它，连同进程号一起，直到父进程用 wait(2) 来取。在此之前，这个进程就是僵尸进程。如果容器的 PID 1 从不来取，僵尸就会越积越多。你将亲手制造这种情况，一直到触及上限，然后看看一个小小的程序能带来什么改变。',
  },
  topics: ['zombie', 'pid1'],
  steps: [
    {
      title: { en: 'a PID 1 that never waits', zh: '从不等待子进程的 PID 1' },
      ask: {
        en: 'With --no-init, your command itself is PID 1. This one starts three short sleeps in the background, whose parent ends at once, and then becomes `sleep 1000`. A second later, what has become of the three?',
        zh: '使用 --no-init 时，你的命令自己就是 PID 1。下面的命令在后台启动三个短暂的 sleep，它们的父进程立刻退出，随后命令自身变成 `sleep 1000`。一秒钟之后，那三个进程怎么样了？',
      },
      choices: [
        { en: 'They have ended, and nothing is left of them.', zh: '它们已经结束，什么也没留下。' },
        { en: 'They are still there, as zombies.', zh: '它们还在，成了僵尸进程。' },
        { en: 'They still run: nobody stops them.', zh: '它们仍在运行：没有谁让它们停下。' },
      ],
      answer: 1,
      run: [
        "foster run -d --name lab-zombies --no-init --ulimit nproc=40 busybox sh -c 'for i in 1 2 3; do (sleep 0.5 &); done; exec sleep 1000'",
      ],
      see: ['foster exec lab-zombies ps -o pid,ppid,stat,comm'],
      checks: [
        {
          what: { en: 'zombies whose parent is PID 1', zh: '父进程为 PID 1 的僵尸进程数' },
          look: zombies('lab-zombies'),
          want: atLeast(3),
        },
      ],
      why: {
        en: 'The three lost their parent, so the kernel gave them to PID 1 of their PID namespace. That is `sleep`, which has no idea that it has children, and never calls wait(2). State Z in ps is a zombie: no memory, no files, but still a process id. Not even kill -9 helps: what is dead cannot be killed.',
        zh: '这三个进程失去了父进程，于是内核把它们交给所在 PID 命名空间的 PID 1。而它是 `sleep`，根本不知道自己有了子进程，也从不调用 wait(2)。ps 里的状态 Z 就是僵尸：没有内存，没有打开的文件，却仍占着一个进程号。连 kill -9 也没用：已经死了的东西杀不死。',
      },
      hint: {
        en: '--no-init matters: without it, PID 1 is foster-init. `foster rm -f lab-zombies` lets you try again.',
        zh: '关键是 --no-init：没有它，PID 1 就是 foster-init。用 `foster rm -f lab-zombies` 可以重来。',
      },
    },
    {
      title: { en: 'the limit', zh: '触及上限' },
      ask: {
        en: 'The container may have 40 processes (--ulimit nproc=40). This loop makes orphans that end at once: never more than two of them run at the same time. What happens?',
        zh: '这个容器最多可以有 40 个进程（--ulimit nproc=40）。下面的循环不断产生立刻就结束的孤儿进程：同时运行的从不超过两个。会发生什么？',
      },
      choices: [
        {
          en: 'It goes on for ever: two processes are far from 40.',
          zh: '一直循环下去：两个进程离 40 还远着呢。',
        },
        { en: 'The kernel removes the oldest zombies to make room.', zh: '内核会清除最老的僵尸，腾出位置。' },
        {
          en: 'Soon no process can be started in the container.',
          zh: '很快，容器里就再也启动不了任何进程。',
        },
      ],
      answer: 2,
      run: ["foster exec lab-zombies sh -c 'while (sleep 0 &); do :; done'"],
      see: ['foster top lab-zombies | tail -3'],
      checks: [
        {
          what: { en: 'the limit of processes of PID 1', zh: 'PID 1 的进程数上限' },
          look: limit('lab-zombies', SLEEPER, 'Max processes'),
          want: exactly(40),
        },
        {
          what: { en: 'zombies whose parent is PID 1', zh: '父进程为 PID 1 的僵尸进程数' },
          look: zombies('lab-zombies'),
          want: atLeast(30),
        },
      ],
      why: {
        en: 'A zombie counts as a process. fork(2) fails with EAGAIN, "Resource temporarily unavailable", though nothing runs. This is how a web server that has been up for weeks dies: its health check can no longer start a shell. Without a limit of its own, a container goes on until the whole machine is out of process ids.',
        zh: '僵尸也算进程。明明没有东西在跑，fork(2) 却以 EAGAIN（“Resource temporarily unavailable”）失败。线上跑了几周的 Web 服务就是这样死掉的：健康检查连一个 shell 都启动不了了。要是容器没有自己的上限，它会一直吃下去，直到整台机器的进程号耗尽。',
      },
      hint: {
        en: 'The loop ends by itself, with "can\'t fork". If it does not, was the container made with --ulimit nproc=40?',
        zh: '循环会以 "can\'t fork" 自行结束。如果没有，请检查容器创建时是否带了 --ulimit nproc=40。',
      },
    },
    {
      title: { en: 'the same behind foster-init', zh: '换成 foster-init' },
      ask: {
        en: 'Now PID 1 is foster-init, and `sleep 1000` is its child. The loop makes sixty orphans, a hundred in a second, under the same limit of 40. How many zombies are left?',
        zh: '现在 PID 1 是 foster-init，`sleep 1000` 是它的子进程。在同样 40 个的上限下，循环以每秒一百个的速度产生六十个孤儿进程。最后剩下多少个僵尸？',
      },
      choices: [
        { en: 'About 40', zh: '大约 40 个' },
        { en: '60', zh: '60 个' },
        { en: 'None', zh: '一个也没有' },
      ],
      answer: 2,
      run: [
        'foster run -d --name lab-zombies-reaped --ulimit nproc=40 busybox sleep 1000',
        "foster exec lab-zombies-reaped sh -c 'for i in $(seq 60); do (sleep 0 &); sleep 0.01; done'",
      ],
      see: [
        'foster exec lab-zombies-reaped ps -o pid,ppid,stat,comm',
        "foster inspect -f 'adopted {{.State.Orphans.Adopted}}, reaped {{.State.Orphans.Reaped}}' lab-zombies-reaped",
      ],
      checks: [
        {
          what: { en: 'orphans that PID 1 has reaped', zh: 'PID 1 收割的孤儿进程数' },
          look: reapedOrphans('lab-zombies-reaped'),
          want: atLeast(60),
        },
        {
          what: { en: 'zombies whose parent is PID 1', zh: '父进程为 PID 1 的僵尸进程数' },
          look: zombies('lab-zombies-reaped'),
          want: exactly(0),
        },
      ],
      why: {
        en: 'foster-init does what init does on a whole machine: it waits for SIGCHLD, and then calls wait(2) for every child that has ended, also for those that it was given. That is all that "an init in the container" means, and why it is foster\'s default.',
        zh: 'foster-init 做的正是整台机器上 init 做的事：等待 SIGCHLD，然后对每一个结束的子进程调用 wait(2)，包括过继给它的那些。所谓“容器里要有 init”，说的就是这个；这也是 foster 默认启用它的原因。',
      },
      hint: {
        en: 'Leave out --no-init this time.',
        zh: '这一次不要加 --no-init。',
      },
    },
    {
      title: { en: 'the end of PID 1', zh: 'PID 1 的终结' },
      ask: {
        en: 'The first container still holds all those zombies, and nobody will ever wait for them. You kill its PID 1 from outside. What about the zombies?',
        zh: '第一个容器里还留着那么多僵尸，永远不会有人来收割。现在你从外面杀死它的 PID 1。那些僵尸会怎样？',
      },
      choices: [
        { en: 'They become zombies of the host.', zh: '它们变成宿主机上的僵尸。' },
        { en: 'They are gone, all at once.', zh: '它们一下子全部消失。' },
        { en: 'PID 1 cannot be killed while it has children.', zh: '只要还有子进程，PID 1 就杀不死。' },
      ],
      answer: 1,
      run: ['foster kill lab-zombies'],
      see: ["foster ps -a --filter name=lab-zombies --format '{{.Names}}: {{.Status}}'"],
      checks: [
        {
          what: { en: 'exit code of lab-zombies', zh: 'lab-zombies 的退出码' },
          look: exitCode('lab-zombies'),
          want: exactly(137),
        },
      ],
      why: {
        en: 'When PID 1 ends, the kernel kills every process of its PID namespace and reaps them all, before the parent of PID 1 learns of it. 137 is 128 + 9: ended by SIGKILL. So restarting a container is a cure for zombies, and the reason why many people never notice them.',
        zh: 'PID 1 一结束，内核就会杀死该 PID 命名空间里的所有进程并全部收割，然后 PID 1 的父进程才得到通知。137 是 128 + 9：被 SIGKILL 结束。所以重启容器就能清掉僵尸，这也是很多人从没注意到它们的原因。',
      },
      hint: { en: 'Type foster kill lab-zombies.', zh: '输入 foster kill lab-zombies。' },
    },
  ],
};
