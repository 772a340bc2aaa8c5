import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'propagation',
  aliases: ['shared-mounts', 'rshared', 'rprivate', 'rslave'],
  group: 'files',
  trials: [
    "grep -c 'shared:' /proc/self/mountinfo",
    "foster run --rm busybox sh -c 'grep -c shared: /proc/self/mountinfo'",
  ],
  steps: { matches: /MS_PRIVATE|MS_SLAVE|MS_SHARED|propagat/ },
  manual: ['mount_namespaces(7)'],
  related: ['mount-namespace'],
  en: {
    summary: 'whether a mount made in one namespace appears in another',
    text: [
      'Mounts can be in a group of peers: what is mounted below one appears below all of them, in other mount namespaces too. That is how a USB disk that systemd mounts appears in services. A private mount has no peers, a slave receives and does not send.',
      "A container must not change the host's mounts, so the first thing that PID 1 does is to make all its mounts private. A volume with :rslave or :rshared asks for the opposite, for that folder.",
    ],
    trials: ['How many mounts of the host have peers.', 'In a container, none.'],
  },
  zh: {
    summary: '在一个命名空间里的挂载是否出现在另一个里',
    text: [
      '挂载可以属于一个对等组：在其中一个下面挂载的东西会出现在所有成员下面，也包括其他挂载命名空间里的。systemd 挂载的 USB 盘就是这样出现在各个服务里的。private 的挂载没有同伴；slave 只接收，不发送。',
      '容器不能改变宿主机的挂载，所以 1 号进程首先把自己的所有挂载变成 private。带 :rslave 或 :rshared 的卷对那个文件夹提出相反的要求。',
    ],
    trials: ['宿主机上有多少个挂载有同伴。', '容器里没有。'],
  },
};
