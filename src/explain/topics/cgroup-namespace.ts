import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'cgroup-namespace',
  aliases: ['cgroupns'],
  group: 'namespaces',
  trials: ['cat /proc/self/cgroup; foster run --rm busybox cat /proc/self/cgroup'],
  steps: { matches: /CLONE_NEWCGROUP|cgroup namespace/ },
  manual: ['cgroup_namespaces(7)'],
  related: ['cgroup'],
  en: {
    summary: 'hides where in the tree of cgroups a process is',
    text: [
      "A cgroup namespace limits nothing. It only makes the cgroup that a process is in at that moment look like the root of the tree, so that a container does not learn the names of the host's services.",
    ],
    trials: [
      "The host's paths, and what a container sees of the same tree: it begins where the container is.",
    ],
  },
  zh: {
    summary: '隐藏进程在 cgroup 树中的位置',
    text: [
      'cgroup 命名空间并不限制任何东西。它只是让进程当时所在的 cgroup 看起来像树根，这样容器就看不到宿主机上服务的名字。',
    ],
    trials: ['宿主机上的路径，以及容器看到的同一棵树：它从容器所在之处开始。'],
  },
};
