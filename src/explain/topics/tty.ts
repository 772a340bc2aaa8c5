import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'tty',
  aliases: ['terminal', 'pty'],
  group: 'processes',
  trials: [
    'foster run --rm busybox tty; foster run --rm -t busybox tty',
    "foster run --rm -t busybox stat -c '%n is device %t:%T' /dev/pts/0",
  ],
  steps: { matches: /terminal/, run: { tty: true } },
  manual: ['pty(7)', 'tty(4)'],
  related: ['signals'],
  en: {
    summary: 'the terminal of a container',
    text: [
      'A terminal is a pair of devices: a program reads and writes one end, and whoever draws the window has the other. It is more than a pipe: it turns Ctrl-C into SIGINT for the group of processes in its foreground, and knows its size.',
      'With -t, a container gets a pair of its own, made in its own /dev/pts. The program never gets your terminal: it could keep it, and read what you type later. foster carries the bytes between the two.',
    ],
    trials: [
      "Without -t there is none; with it, the first of the container's own.",
      'Its device: major number 88 (hexadecimal) is that of pseudo-terminals.',
    ],
  },
  zh: {
    summary: '容器的终端',
    text: [
      '终端是一对设备：程序读写一端，画窗口的人拿着另一端。它不只是管道：它把 Ctrl-C 变成发给前台进程组的 SIGINT，还知道自己的大小。',
      '使用 -t 时，容器得到自己的一对终端，建在自己的 /dev/pts 里。程序永远拿不到你的终端：否则它可以留着它，以后读你输入的内容。foster 在两者之间传送字节。',
    ],
    trials: [
      '没有 -t 就没有终端；有的话，是容器自己的第一个。',
      '它的设备：主设备号 88（十六进制）是伪终端。',
    ],
  },
};
