import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'pasta',
  aliases: ['slirp', 'slirp4netns', 'passt', 'nat'],
  group: 'network',
  trials: [
    'foster run --rm --network pasta busybox ip -o addr show eth0',
    'foster run --rm --network pasta busybox ip route',
  ],
  steps: { matches: /pasta/, run: { network: 'pasta' } },
  manual: ['pasta(1)'],
  related: ['network-namespace', 'bridge'],
  en: {
    summary: 'a program that carries packets for those without root',
    text: [
      "Connecting a network namespace with the host's takes root. pasta does it without: it has a tap device in the namespace, reads each packet from it, and opens ordinary sockets on the host that do the same. To the world, the connections come from pasta, a program of yours.",
      "One pasta serves all of your networks, and starts with the first packet that leaves them. With --network pasta, a container gets one for itself, and has the host's address.",
    ],
    trials: ['The address is that of the host.', 'And so is the route.'],
  },
  zh: {
    summary: '替没有 root 权限的人传送数据包的程序',
    text: [
      '把网络命名空间与宿主机连接起来需要 root。pasta 不需要：它在命名空间里有一个 tap 设备，读取其中的每个数据包，并在宿主机上打开普通的套接字做同样的事。在外界看来，这些连接来自 pasta，即你的一个程序。',
      '一个 pasta 服务于你的所有网络，第一个要离开它们的数据包出现时才启动。使用 --network pasta 时，容器单独得到一个，并且拥有宿主机的地址。',
    ],
    trials: ['地址就是宿主机的地址。', '路由也是。'],
  },
};
