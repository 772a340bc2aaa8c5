import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'user-namespace',
  aliases: ['user', 'rootless', 'user-namespaces'],
  group: 'namespaces',
  trials: [
    'id -u; foster run --rm busybox id',
    'foster run --rm busybox cat /proc/self/uid_map',
    'foster run --rm busybox date -s 2000-01-01',
  ],
  steps: { matches: /CLONE_NEWUSER|map the (user|group) ids|become root/ },
  manual: ['user_namespaces(7)'],
  related: ['id-maps', 'capabilities', 'no_new_privs'],
  en: {
    summary: 'makes a user root of a few things, and of nothing else',
    text: [
      'A user namespace gives ids of users and groups a meaning of its own. User 0 in it is an ordinary user outside, usually you. It is the only namespace that needs no rights to create, and whoever has one may create the others in it. That is how containers work without root.',
      'Root in a user namespace has all capabilities, but they count only for what belongs to the namespace: its mounts, its network, its host name. The clock, the modules and the devices belong to the host, and there root of the container is nobody special.',
    ],
    trials: [
      'You, and the same you in a container: root.',
      'The map: ids inside, the ids outside where they begin, and how many there are.',
      'Root of a container may not set the clock, which belongs to the whole machine.',
    ],
  },
  zh: {
    summary: '让普通用户成为少数东西的 root，仅此而已',
    text: [
      '用户命名空间让用户号和组号有自己的含义：里面的 0 号用户在外面只是一个普通用户，通常就是你自己。它是唯一不需要特权就能创建的命名空间；有了它，就可以在其中创建别的命名空间。这就是不用 root 也能运行容器的原因。',
      '用户命名空间里的 root 拥有全部 capability，但只对属于这个命名空间的东西有效：它的挂载、网络、主机名。时钟、内核模块和设备属于宿主机，在那里容器的 root 毫无特别之处。',
    ],
    trials: [
      '你，以及容器里的同一个你：root。',
      '映射表：里面的号码、外面对应的起始号码、数量。',
      '容器的 root 不能设置时钟，因为时钟属于整台机器。',
    ],
  },
};
