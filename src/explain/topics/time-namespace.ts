import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'time-namespace',
  aliases: ['time', 'clocks'],
  group: 'namespaces',
  trials: [
    'readlink /proc/self/ns/time; foster run --rm busybox readlink /proc/self/ns/time',
    "cut -d' ' -f1 /proc/uptime; foster run --rm busybox cut -d' ' -f1 /proc/uptime",
  ],
  manual: ['time_namespaces(7)'],
  related: ['namespaces'],
  en: {
    summary: 'has its own clocks since the start of the machine',
    text: [
      'A time namespace moves two clocks: the one that counts since the start of the machine, and the monotonic one. The date cannot be moved. It is meant for containers that are carried to another machine while they run.',
      "foster makes one only if the config.json of a bundle asks for it: linux.namespaces with the type time, and linux.timeOffsets. Without it, containers share the host's.",
    ],
    trials: [
      'The same number: it is shared.',
      'So a container knows for how many seconds the machine has run.',
    ],
  },
  zh: {
    summary: '有自己的“开机以来”的时钟',
    text: [
      '时间命名空间可以移动两个时钟：从开机算起的时钟和单调时钟。日期不能移动。它是为运行中被迁移到另一台机器的容器准备的。',
      '只有 bundle 的 config.json 要求时 foster 才创建它：linux.namespaces 里的 time 类型和 linux.timeOffsets。否则容器与宿主机共用。',
    ],
    trials: ['号码相同：是共用的。', '所以容器知道机器运行了多少秒。'],
  },
};
