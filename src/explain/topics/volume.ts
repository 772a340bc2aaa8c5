import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'volume',
  aliases: ['volumes', 'bind', 'bind-mount', 'mounts'],
  group: 'files',
  trials: [
    'foster run --rm -v /etc/hostname:/mine:ro busybox cat /mine',
    "foster run --rm -v /etc/hostname:/mine:ro busybox sh -c 'echo x >/mine'",
    'foster volume ls',
  ],
  steps: { matches: /to mount it at|from the host|mount .* at /, run: { volumes: ['/etc/hostname:/mine'] } },
  manual: ['mount(8)', 'mount_setattr(2)'],
  related: ['overlay', 'id-maps'],
  en: {
    summary: 'files that outlive a container',
    text: [
      'What a container writes is in its own layer, and is removed with it. A bind mount shows a file or a folder of the host in the container. A volume is a folder that foster keeps, with a name, and mounts in the same way.',
      "PID 1 opens the folder while it can still see the host's files, takes a copy of the mount, and puts it in its place in the new root. No path is looked up where the container could change it.",
    ],
    trials: [
      'A file of the host, in the container.',
      'Mounted read-only, it stays as it is.',
      'The volumes that you have.',
    ],
  },
  zh: {
    summary: '比容器活得更久的文件',
    text: [
      '容器写的东西在它自己的层里，随它一起删除。绑定挂载（bind mount）让宿主机的文件或文件夹出现在容器里。卷是 foster 保管的、有名字的文件夹，以同样的方式挂载。',
      '1 号进程在还能看到宿主机文件的时候打开那个文件夹，复制这个挂载，再放到新根里的位置上。绝不在容器能够改动的地方查找路径。',
    ],
    trials: ['宿主机的一个文件，出现在容器里。', '只读挂载，保持原样。', '你拥有的卷。'],
  },
};
