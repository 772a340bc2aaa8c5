import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'masked-paths',
  aliases: ['masks', 'masked', 'readonly-paths'],
  group: 'files',
  trials: [
    "foster run --rm busybox sh -c 'wc -c </proc/keys; wc -c </proc/timer_list'",
    "foster run --rm busybox sh -c 'echo 1 >/proc/sys/vm/drop_caches'",
  ],
  steps: { matches: /hide|because it can change the host|, to hide/ },
  manual: ['proc(5)', 'sysfs(5)'],
  related: ['mount-namespace', 'capabilities'],
  en: {
    summary: 'files of the kernel that a container does not get',
    text: [
      "/proc and /sys are not only about the container's processes. Some of their files say something about the whole machine, and some change it. They do not know of namespaces, so they are hidden: something empty is mounted over them, or they are mounted read-only.",
    ],
    trials: [
      "They exist, and are empty: the host's /dev/null is mounted over them.",
      'This one would make the whole machine forget its caches. It is read-only.',
    ],
  },
  zh: {
    summary: '容器得不到的内核文件',
    text: [
      '/proc 和 /sys 不只是关于容器的进程。其中有些文件透露整台机器的信息，有些能改变它。它们不认识命名空间，所以要遮住：在上面挂载空的东西，或者挂载成只读。',
    ],
    trials: [
      '它们存在，但是空的：上面挂载了宿主机的 /dev/null。',
      '写这个文件会让整台机器丢掉缓存。它是只读的。',
    ],
  },
};
