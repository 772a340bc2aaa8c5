import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'pid-namespace',
  aliases: ['pid', 'pid-namespaces'],
  group: 'namespaces',
  trials: [
    'foster run --rm busybox ps',
    'readlink /proc/self/ns/pid; foster run --rm busybox readlink /proc/self/ns/pid',
    "foster run --rm busybox sh -c 'grep NSpid /proc/self/status'",
  ],
  steps: { matches: /CLONE_NEWPID|own pseudo|shows only the processes|PID namespace/ },
  manual: ['pid_namespaces(7)'],
  related: ['pid1', 'zombie', 'orphan', 'signals'],
  en: {
    summary: 'numbers processes anew, from 1',
    text: [
      'A PID namespace has its own list of process ids. The first process in it is number 1, and it sees no process outside of its namespace. The other way round does not hold: every process in it has a second number outside, by which the host sees it, and one more for each level in between.',
      'The first process is special. Orphans of the namespace become its children, signals that it has no handler for do nothing to it, and when it ends, the kernel kills every other process of the namespace.',
    ],
    trials: [
      'All that a container sees: foster-init, which is PID 1, and the command.',
      'A namespace is known by the number of its inode. Two processes with the same number share it.',
      'Inside, a process knows only its own numbers: the namespaces above are out of sight.',
    ],
  },
  zh: {
    summary: '从 1 开始重新给进程编号',
    text: [
      'PID 命名空间有自己的一套进程号。其中第一个进程的号码是 1，它看不到命名空间以外的任何进程。反过来则不然：里面的每个进程在外面还有另一个号码，宿主机就用这个号码看它；中间每多一层，就多一个号码。',
      '第一个进程很特殊：命名空间里的孤儿进程都成为它的子进程；它没有为之设置处理函数的信号对它不起作用；它一结束，内核就杀死命名空间里的其他所有进程。',
    ],
    trials: [
      '容器能看到的全部进程：foster-init（1 号进程）和你的命令。',
      '命名空间由 inode 号识别。号码相同的两个进程共用同一个命名空间。',
      '在里面，进程只知道自己的号码：上层的命名空间是看不见的。',
    ],
  },
};
