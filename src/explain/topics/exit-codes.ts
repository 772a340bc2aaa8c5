import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'exit-codes',
  aliases: ['exit-code', 'exit'],
  group: 'processes',
  trials: [
    "foster run --rm busybox sh -c 'exit 42'; echo $?",
    "foster run --rm busybox sh -c 'kill -KILL $$'; echo $?",
    'foster run --rm busybox no-such-program; echo $?',
  ],
  manual: ['wait(2)', '_exit(2)'],
  related: ['signals', 'pid1'],
  en: {
    summary: 'what the number at the end means',
    text: [
      'A process ends with a number from 0 to 255, or by a signal. A shell has only the number to show, so it says 128 plus the number of the signal, and containers do the same: 137 is SIGKILL (9), often by stop or for want of memory, 143 is SIGTERM (15).',
      "Three numbers are foster's, as they are Docker's: 125, it failed itself; 126, the program cannot be executed; 127, there is no such program.",
    ],
    trials: ["The program's own number.", 'Killed by signal 9.', 'A program that does not exist.'],
  },
  zh: {
    summary: '最后那个数字是什么意思',
    text: [
      '进程以 0 到 255 的数字结束，或者被信号结束。shell 只能显示数字，于是用 128 加上信号的编号，容器也一样：137 是 SIGKILL（9），常常由 stop 或内存不足引起；143 是 SIGTERM（15）。',
      '有三个数字属于 foster，与 Docker 相同：125 表示它自己失败；126 表示程序不能执行；127 表示没有这个程序。',
    ],
    trials: ['程序自己的数字。', '被 9 号信号杀死。', '不存在的程序。'],
  },
};
