import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'network-namespace',
  aliases: ['network', 'net', 'netns', 'network-namespaces'],
  group: 'namespaces',
  trials: [
    'foster run --rm --network none busybox ip addr',
    'readlink /proc/self/ns/net; foster run --rm --network host busybox readlink /proc/self/ns/net',
  ],
  steps: { matches: /CLONE_NEWNET|loopback|belongs to the network/ },
  manual: ['network_namespaces(7)'],
  related: ['veth', 'bridge', 'pasta'],
  en: {
    summary: 'has its own interfaces, addresses, ports and routes',
    text: [
      'A network namespace begins with nothing but a loopback interface that is down. It has its own addresses, routes, firewall and port numbers, so a hundred containers can each have a server on port 80.',
      'To reach anything else it needs a connection: one end of a veth pair, or a device whose packets a program such as pasta carries.',
    ],
    trials: [
      'Without a network, there is the loopback interface, and that is all.',
      "With --network host, a container stays in the host's: the number is the same.",
    ],
  },
  zh: {
    summary: '有自己的网络接口、地址、端口和路由',
    text: [
      '网络命名空间开始时只有一个没有启用的回环接口。它有自己的地址、路由、防火墙和端口号，所以一百个容器可以各自在 80 端口上运行服务。',
      '要与外界通信，它需要一条连接：veth 对的一端，或者由 pasta 这样的程序传送数据包的设备。',
    ],
    trials: [
      '没有网络时，只有回环接口。',
      '使用 --network host 时，容器留在宿主机的网络命名空间里：号码相同。',
    ],
  },
};
