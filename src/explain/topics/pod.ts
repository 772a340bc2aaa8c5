import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'pod',
  aliases: ['pods', 'infra'],
  group: 'namespaces',
  trials: ['foster pod ps'],
  manual: ['setns(2)', 'namespaces(7)'],
  related: ['ipc-namespace', 'network-namespace', 'pid1'],
  en: {
    summary: 'containers that share namespaces',
    text: [
      'One program for each container is a good rule, but some belong together: a server, and what collects its logs. Containers of a pod share the network, so that they reach each other on localhost, the host name, and shared memory; if asked, also their processes.',
      "A process of the pod's own holds the namespaces: its infra container, which is nothing but foster-init. So containers can come and go. 'foster explain pod NAME' shows one.",
    ],
    trials: ['The pods that you have.'],
  },
  zh: {
    summary: '共用命名空间的容器',
    text: [
      '一个容器一个程序是好规则，但有些程序属于一起：一个服务器，和收集它日志的程序。pod 的容器共用网络（所以在 localhost 上就能互相访问）、主机名和共享内存；如果要求，还共用进程。',
      "由 pod 自己的一个进程保持这些命名空间：infra 容器，它只是 foster-init。所以容器可以来来去去。'foster explain pod NAME' 显示一个 pod。",
    ],
    trials: ['你拥有的 pod。'],
  },
};
