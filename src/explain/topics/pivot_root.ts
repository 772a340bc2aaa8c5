import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'pivot_root',
  aliases: ['chroot', 'root'],
  group: 'files',
  trials: [
    'foster run --rm busybox ls /',
    "foster run --rm busybox sh -c 'cd /../../..; pwd; ls -d /home/*'",
  ],
  steps: { matches: /pivot_root|release the host's files|new root/ },
  manual: ['pivot_root(2)', 'chroot(2)'],
  related: ['mount-namespace', 'overlay'],
  en: {
    summary: 'gives a mount namespace another root',
    text: [
      'chroot(2) changes where paths of a process begin, but the old files are still mounted, and root knows ways back to them. pivot_root(2) replaces the root of the whole mount namespace. Then the old root is unmounted, and nothing of the host can be named any more.',
      'foster mounts the new root, goes there, pivots, and unmounts the old one, all before your program exists.',
    ],
    trials: ['The root of a container.', "There is nothing above it: '..' of the root is the root."],
  },
  zh: {
    summary: '给挂载命名空间换一个根',
    text: [
      'chroot(2) 只改变进程路径的起点，旧的文件仍然挂载着，root 有办法回到那里。pivot_root(2) 替换整个挂载命名空间的根。然后卸载旧的根，宿主机的任何东西都再也叫不出名字。',
      'foster 挂载新的根，进入其中，切换，再卸载旧的根；这一切都在你的程序出现之前完成。',
    ],
    trials: ['容器的根。', "它上面什么也没有：根目录的 '..' 还是根目录。"],
  },
};
