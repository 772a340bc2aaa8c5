import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'veth',
  aliases: ['veth-pair', 'interface'],
  group: 'network',
  trials: [
    'foster run --rm --network bridge busybox ip link',
    "foster run --rm --network bridge busybox sh -c 'cat /sys/class/net/eth0/iflink; cat /sys/class/net/eth0/ifindex'",
  ],
  steps: { matches: /connect the container to|its address in the network/, run: { network: 'bridge' } },
  manual: ['veth(4)'],
  related: ['network-namespace', 'bridge'],
  en: {
    summary: 'a cable between two network namespaces',
    text: [
      'A veth pair is two interfaces: what goes in at one comes out at the other. One end is in the container, where it is called eth0, and the other one is plugged into a bridge. If one end is removed, so is the other.',
      "To make a pair, a process needs rights over both namespaces. So foster keeps all networks of a user in one user namespace, and makes the containers' below it.",
    ],
    trials: [
      'eth0@ifN: the other end is interface N, in another namespace.',
      'The number of the other end, and its own.',
    ],
  },
  zh: {
    summary: '两个网络命名空间之间的网线',
    text: [
      'veth 对是两个接口：从一端进去的从另一端出来。一端在容器里，叫作 eth0；另一端插在网桥上。删除一端，另一端也就没有了。',
      '建立一对 veth 的进程需要对两个命名空间都有权力。所以 foster 把一个用户的所有网络放在同一个用户命名空间里，而容器的命名空间建在它下面。',
    ],
    trials: ['eth0@ifN：另一端是另一个命名空间里的 N 号接口。', '另一端的号码，以及它自己的号码。'],
  },
};
