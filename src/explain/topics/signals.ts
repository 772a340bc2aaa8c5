import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'signals',
  aliases: ['signal', 'kill', 'stop'],
  group: 'processes',
  trials: [
    "foster run --rm --no-init busybox sh -c 'kill -TERM $$; echo still here'",
    'foster run --rm busybox sh -c \'kill -TERM $$; echo still here\'; echo "exit code $?"',
  ],
  steps: { matches: /die with the monitor|own process group|PDEATHSIG|setpgid/ },
  manual: ['signal(7)', 'kill(2)', 'pid_namespaces(7)'],
  related: ['pid1', 'exit-codes'],
  en: {
    summary: 'how processes are told to end, and why PID 1 does not listen',
    text: [
      'A signal does what the process has asked for, or else what is usual for its number: SIGTERM ends a process. For PID 1 there is no such usual effect. A signal from inside its namespace that it has no handler for is dropped, SIGKILL included; from outside, only SIGKILL and SIGSTOP always work.',
      'So a program that runs as PID 1 and has no handler for SIGTERM is deaf to stop, which then waits ten seconds and kills it. Behind foster-init the same program is an ordinary process.',
    ],
    trials: [
      'The shell is PID 1, and sends itself SIGTERM: nothing happens.',
      'Behind foster-init it ends: 128 + 15.',
    ],
  },
  zh: {
    summary: '怎样让进程结束，以及 1 号进程为什么不听',
    text: [
      '信号的作用由进程自己设定，否则就是该信号的默认作用：SIGTERM 结束进程。对 1 号进程来说没有默认作用。来自命名空间内部、它没有处理函数的信号会被丢弃，包括 SIGKILL；来自外部的，只有 SIGKILL 和 SIGSTOP 一定有效。',
      '因此，作为 1 号进程运行又没有处理 SIGTERM 的程序听不到 stop，stop 只好等十秒再杀死它。在 foster-init 后面，同一个程序只是普通进程。',
    ],
    trials: [
      'shell 是 1 号进程，给自己发 SIGTERM：什么也没发生。',
      '在 foster-init 后面它就结束了：128 + 15。',
    ],
  },
};
