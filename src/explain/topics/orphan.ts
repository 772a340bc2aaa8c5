import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'orphan',
  aliases: ['orphans', 'adopt', 'reparent'],
  group: 'processes',
  trials: [
    "foster run --rm busybox sh -c '(sleep 0.4 &); sleep 0.1; ps -o pid,ppid,comm'",
    "foster run --rm --init-verbose busybox sh -c '(sleep 0.3 &); sleep 0.6'",
  ],
  manual: ['pid_namespaces(7)', 'daemon(3)'],
  related: ['zombie', 'subreaper', 'pid1'],
  en: {
    summary: 'a process whose parent has ended',
    text: [
      'A process always has a parent. If that ends, the kernel gives its children a new one: the nearest subreaper above, or else PID 1 of their PID namespace. The process does not notice, except that getppid(2) returns another number.',
      'This is normal. A daemon that starts itself with a double fork is an orphan by design. Somebody has to wait for it all the same.',
    ],
    trials: [
      'The sleep in the background has lost its parent, a subshell: its parent is PID 1.',
      'foster-init says what it adopts and reaps.',
    ],
  },
  zh: {
    summary: '父进程已经结束的进程',
    text: [
      '进程总有一个父进程。如果父进程结束了，内核会给它的子进程一个新的父进程：上方最近的 subreaper，否则就是它们所在 PID 命名空间的 1 号进程。进程自己不会察觉，只是 getppid(2) 返回了另一个号码。',
      '这很正常。用两次 fork 启动自己的守护进程生来就是孤儿。但仍然得有人等待它。',
    ],
    trials: [
      '后台的 sleep 失去了父进程（一个子 shell）：现在它的父进程是 1 号进程。',
      'foster-init 会说出它收养和回收了什么。',
    ],
  },
};
