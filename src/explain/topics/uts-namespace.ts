import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'uts-namespace',
  aliases: ['uts', 'hostname'],
  group: 'namespaces',
  trials: ['uname -n; foster run --rm --hostname inside busybox uname -n'],
  steps: { matches: /CLONE_NEWUTS|set the host name/ },
  manual: ['uts_namespaces(7)'],
  related: ['network-namespace'],
  en: {
    summary: 'has its own host name',
    text: [
      'A UTS namespace holds two strings: the host name and the NIS domain name, which uname(2) returns. UTS means UNIX time-sharing system, the name of the structure that they are in.',
    ],
    trials: ["The host's name, and one of a container's own."],
  },
  zh: {
    summary: '有自己的主机名',
    text: [
      'UTS 命名空间只保存两个字符串：uname(2) 返回的主机名和 NIS 域名。UTS 是“UNIX time-sharing system”的缩写，即保存它们的结构的名字。',
    ],
    trials: ['宿主机的名字，以及容器自己的名字。'],
  },
};
