import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'mount-namespace',
  aliases: ['mount', 'mnt', 'mount-namespaces'],
  group: 'namespaces',
  trials: [
    'foster run --rm --tmpfs /only-here busybox ls -d /only-here; ls -d /only-here',
    "wc -l </proc/self/mountinfo; foster run --rm busybox sh -c 'wc -l </proc/self/mountinfo'",
  ],
  steps: { matches: /CLONE_NEWNS|keep mounts|MS_PRIVATE|release the host/ },
  manual: ['mount_namespaces(7)'],
  related: ['pivot_root', 'propagation', 'overlay', 'masked-paths'],
  en: {
    summary: 'has its own tree of mounted file systems',
    text: [
      "A mount namespace has its own list of mounts. What is mounted in it cannot be seen outside, and disappears with its last process. A new one begins as a copy of its parent's; a container makes itself another root and lets go of everything that it has copied.",
      'Mounts can still travel between namespaces, if they are shared: that is propagation, which foster switches off first.',
    ],
    trials: [
      'A file system in memory exists in the container, and nowhere else.',
      "How many mounts the host has, and a container: none of the host's is left.",
    ],
  },
  zh: {
    summary: '有自己的一棵挂载树',
    text: [
      '挂载命名空间有自己的挂载列表。在其中挂载的东西外面看不到，最后一个进程结束后就消失。新的命名空间开始时是父命名空间的副本；容器给自己换一个根，然后放开复制来的一切。',
      '如果挂载是“共享”的，它仍会在命名空间之间传播；foster 首先关掉这种传播。',
    ],
    trials: ['内存中的文件系统只存在于这个容器里。', '宿主机和容器各有多少个挂载：宿主机的一个也没有留下。'],
  },
};
