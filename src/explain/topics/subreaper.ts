import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'subreaper',
  aliases: ['subreapers'],
  group: 'processes',
  trials: [
    "foster run --rm --pid host busybox sh -c '(sleep 0.5 & echo $! >/tmp/p); P=$(sed -n s/PPid:.//p /proc/$(cat /tmp/p)/status); grep Name /proc/$P/status'",
  ],
  steps: { matches: /SUBREAPER|adopt orphans/, run: { pid: 'host' } },
  manual: ['PR_SET_CHILD_SUBREAPER(2const)', 'prctl(2)'],
  related: ['orphan', 'pid1'],
  en: {
    summary: 'a process that adopts the orphans below it',
    text: [
      'A process can ask to be the parent of all orphans among its descendants: prctl(PR_SET_CHILD_SUBREAPER). Then they go to it, not to PID 1. It must wait for them, as PID 1 would.',
      'foster-init asks for it where it is not PID 1: in a container that shares the PID namespace of the host or of another container. So orphans stay in the container that they come from.',
    ],
    trials: ["In the host's PID namespace, the orphan's parent is foster-init, though its number is not 1."],
  },
  zh: {
    summary: '收养自己下方孤儿的进程',
    text: [
      '进程可以要求成为所有后代中孤儿的父进程：prctl(PR_SET_CHILD_SUBREAPER)。这样孤儿就归它，而不归 1 号进程。它必须像 1 号进程那样等待它们。',
      '当 foster-init 不是 1 号进程时，即容器与宿主机或另一个容器共用 PID 命名空间时，它就这样做，所以孤儿留在它们出身的容器里。',
    ],
    trials: ['在宿主机的 PID 命名空间里，孤儿的父进程是 foster-init，尽管它的号码不是 1。'],
  },
};
