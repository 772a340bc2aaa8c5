import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'namespaces',
  aliases: ['namespace', 'isolation', 'container'],
  group: 'namespaces',
  trials: [
    "foster run --rm busybox sh -c 'cd /proc/self/ns; for n in *; do readlink $n; done'",
    'cd /proc/self/ns; for n in *; do readlink $n; done',
  ],
  steps: { matches: /start PID 1|create the container's namespaces/ },
  manual: ['namespaces(7)'],
  related: [
    'pid-namespace',
    'user-namespace',
    'mount-namespace',
    'network-namespace',
    'uts-namespace',
    'ipc-namespace',
    'cgroup-namespace',
    'time-namespace',
  ],
  en: {
    summary: 'what a container is made of',
    text: [
      'The kernel knows no containers. It knows processes, and each process is in one namespace of each of eight types. A namespace is what the processes in it see of one kind of thing. A container is a process, and its children, in namespaces that others are not in.',
      "A process enters namespaces when it is made (clone), makes them for itself (unshare), or joins those of another process (setns). foster makes all of a container's in one call.",
    ],
    trials: [
      'The namespaces of a process in a container.',
      'Those of a process of the host: where the numbers are the same, the namespace is shared.',
    ],
  },
  zh: {
    summary: '容器是由什么组成的',
    text: [
      '内核并不知道什么是容器。它只知道进程，而每个进程在八种命名空间里各处于一个之中。命名空间就是其中的进程对某一类东西的视野。容器就是一个进程及其子进程，它们处在别人不在的命名空间里。',
      '进程可以在被创建时进入命名空间（clone），自己创建（unshare），或加入另一个进程的（setns）。foster 用一次调用创建容器的全部命名空间。',
    ],
    trials: ['容器中一个进程的命名空间。', '宿主机上一个进程的命名空间：号码相同的就是共用的。'],
  },
};
