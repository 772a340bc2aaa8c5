import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'capabilities',
  aliases: ['capability', 'caps', 'cap'],
  group: 'rights',
  trials: [
    'foster run --rm busybox grep Cap /proc/self/status',
    "foster run --rm --cap-drop CHOWN busybox sh -c 'touch /tmp/f; chown 1 /tmp/f'",
    'foster run --rm -u nobody busybox grep CapEff /proc/self/status',
  ],
  steps: { matches: /capabilit/ },
  manual: ['capabilities(7)'],
  related: ['user-namespace', 'no_new_privs', 'seccomp'],
  en: {
    summary: 'the rights of root, in 41 pieces',
    text: [
      'What only root may do is divided into capabilities: CAP_CHOWN to give files away, CAP_NET_ADMIN to configure interfaces, CAP_SYS_ADMIN for everything that nobody found a place for. A process has several sets of them. Those in the effective set count now; those that are missing from the bounding set can never come back.',
      "A container gets 14, as in Docker, and only over what belongs to its user namespace. An ordinary user in it gets none. 'foster explain CONTAINER' says what each of them allows.",
    ],
    trials: [
      'The sets as masks of bits: CapEff counts now, CapBnd is what can ever be had.',
      'Root without CAP_CHOWN cannot give a file away.',
      'Another user of the container has none.',
    ],
  },
  zh: {
    summary: 'root 的权力，分成 41 份',
    text: [
      '只有 root 能做的事被分成一份份 capability：CAP_CHOWN 可以把文件送给别人，CAP_NET_ADMIN 可以配置网络接口，CAP_SYS_ADMIN 则是所有无处安放的权力。进程有几个集合：effective 集合里的现在有效；不在 bounding 集合里的再也拿不回来。',
      "容器得到 14 个，和 Docker 一样，而且只对属于它的用户命名空间的东西有效。其中的普通用户一个也没有。'foster explain CONTAINER' 会说出每一个允许做什么。",
    ],
    trials: [
      '以位掩码表示的集合：CapEff 现在有效，CapBnd 是最多能有的。',
      '没有 CAP_CHOWN 的 root 不能把文件送给别人。',
      '容器里的其他用户一个也没有。',
    ],
  },
};
