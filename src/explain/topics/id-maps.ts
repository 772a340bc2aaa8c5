import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'id-maps',
  aliases: ['id-map', 'uid_map', 'subuid', 'uidmap', 'idmap', 'ids'],
  group: 'rights',
  trials: [
    'grep "^$(id -un):" /etc/subuid /etc/subgid',
    'foster run --rm busybox cat /proc/self/uid_map /proc/self/gid_map',
    'foster run --rm --userns keep-id busybox id',
  ],
  steps: { matches: /map the (user|group) ids|uid_map|ids are mapped/ },
  manual: ['user_namespaces(7)', 'newuidmap(1)', 'subuid(5)'],
  related: ['user-namespace'],
  en: {
    summary: 'which ids of the host are which in the container',
    text: [
      "A user namespace has a table for users and one for groups. Each line says: from this id inside, that id outside, so many. Files that a container's user 33 writes belong on the host to the id that the table says. An id that is not in the table is shown as nobody, 65534.",
      'You may map your own id to one. For more, root has to give you a range, in /etc/subuid and /etc/subgid; the set-user-ID programs newuidmap and newgidmap check it and write the table.',
    ],
    trials: [
      'The ranges of ids that are yours.',
      'Root is you; the others are from your range.',
      'With keep-id you have the same id inside and outside.',
    ],
  },
  zh: {
    summary: '宿主机的哪些号码在容器里是哪些号码',
    text: [
      '用户命名空间有一张用户表和一张组表。每行是：从里面的这个号码起，对应外面的那个号码，共多少个。容器里 33 号用户写的文件，在宿主机上属于表中对应的号码。不在表里的号码显示为 nobody（65534）。',
      '你可以把自己的号码映射到一个号码。想要更多，需要 root 在 /etc/subuid 和 /etc/subgid 里给你一段范围；set-user-ID 程序 newuidmap 和 newgidmap 检查它并写入映射表。',
    ],
    trials: [
      '属于你的号码范围。',
      'root 就是你；其余来自你的范围。',
      '使用 keep-id 时，你在里外的号码相同。',
    ],
  },
};
