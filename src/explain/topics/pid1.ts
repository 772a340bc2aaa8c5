import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'pid1',
  aliases: ['init', 'foster-init'],
  group: 'processes',
  trials: ['foster run --rm busybox ps', 'foster run --rm --no-init busybox ps'],
  steps: { matches: /start PID 1|die with the monitor|from tracing PID 1|own process group/ },
  manual: ['pid_namespaces(7)', 'wait(2)'],
  related: ['zombie', 'orphan', 'signals', 'subreaper'],
  en: {
    summary: 'the first process of a container, and its duties',
    text: [
      'The first process of a PID namespace is to it what systemd is to a machine: it adopts the orphans, and must wait for them, or they stay as zombies. A program that was not written for this, such as a web server, does not know that it has these duties.',
      "foster puts a small program in its place, foster-init, and makes yours its child. foster-init forwards signals, reaps every zombie, and ends with your program's exit code.",
    ],
    trials: [
      'PID 1 is foster-init, and the command is its child.',
      'With --no-init, the command itself is PID 1.',
    ],
  },
  zh: {
    summary: '容器的第一个进程和它的职责',
    text: [
      'PID 命名空间的第一个进程之于它，就像 systemd 之于一台机器：它收养孤儿进程，并且必须等待（wait）它们，否则它们会作为僵尸留下来。没有为此编写的程序，例如网页服务器，并不知道自己有这些职责。',
      'foster 在这个位置放了一个小程序 foster-init，而你的程序是它的子进程。foster-init 转发信号，回收每一个僵尸，并以你的程序的退出码结束。',
    ],
    trials: ['1 号进程是 foster-init，命令是它的子进程。', '使用 --no-init 时，命令自己就是 1 号进程。'],
  },
};
