import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'zombie',
  aliases: ['zombies', 'reap', 'reaping'],
  group: 'processes',
  trials: [
    "foster run --rm --no-init busybox sh -c '(sleep 0.2 &); (sleep 0.6; ps -o pid,ppid,stat,comm) & exec sleep 1'",
    "foster run --rm busybox sh -c '(sleep 0.2 &); (sleep 0.6; ps -o pid,ppid,stat,comm) & exec sleep 1'",
  ],
  manual: ['wait(2)'],
  related: ['pid1', 'orphan'],
  en: {
    summary: 'a process that has ended, and was not waited for',
    text: [
      'When a process ends, the kernel frees its memory, but keeps its exit code until the parent asks for it with wait(2). Until then it is a zombie, in state Z. It does not run and cannot be killed, since it is dead, but it takes up a process id, and a limit of processes counts it.',
      "Asking for the exit code reaps it. If the parent ends first, the zombie becomes PID 1's, so a container whose PID 1 never waits collects zombies until it ends.",
    ],
    trials: [
      'PID 1 is a sleep that never waits: the one that has ended stays, in state Z.',
      'With foster-init as PID 1, it is gone.',
    ],
  },
  zh: {
    summary: '已经结束、但没有人等待过它的进程',
    text: [
      '进程结束时，内核释放它的内存，但保留退出码，直到父进程用 wait(2) 来取。在那之前它就是僵尸，状态为 Z。它不运行，也杀不死，因为已经死了；但它占用一个进程号，进程数限额也把它计算在内。',
      '取走退出码就是“回收”它。如果父进程先结束，僵尸就归 1 号进程；因此 1 号进程从不等待的容器会一直积累僵尸，直到容器结束。',
    ],
    trials: [
      '1 号进程是从不等待的 sleep：结束了的那个进程以状态 Z 留下来。',
      '由 foster-init 作 1 号进程时，它就没有了。',
    ],
  },
};
