import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'bridge',
  aliases: ['switch', 'networks'],
  group: 'network',
  trials: ['foster network ls', 'foster run --rm --network bridge busybox ip route'],
  steps: { matches: /network bridge|user namespace above/, run: { network: 'bridge' } },
  manual: ['bridge(8)'],
  related: ['veth', 'pasta', 'network-namespace'],
  en: {
    summary: 'a switch to which containers are plugged in',
    text: [
      'A bridge carries packets between the interfaces that are plugged into it, by their hardware addresses, as a switch does. Each network of foster is one. Containers of the same network reach each other by address and by name; those of different networks do not.',
      'The bridges are in a network namespace that belongs to you, in which pasta connects them with the world.',
    ],
    trials: [
      'The networks that you have.',
      "A container's routes: everything else goes to the bridge's own address.",
    ],
  },
  zh: {
    summary: '插着容器的交换机',
    text: [
      '网桥像交换机一样，按硬件地址在插在上面的接口之间传送数据包。foster 的每个网络就是一个网桥。同一网络的容器可以用地址和名字互相访问；不同网络的则不能。',
      '这些网桥在一个属于你的网络命名空间里，由 pasta 把它们与外界连接起来。',
    ],
    trials: ['你拥有的网络。', '容器的路由：其余一切都发往网桥自己的地址。'],
  },
};
