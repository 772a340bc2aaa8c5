import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'overlay',
  aliases: ['overlayfs', 'copy-up', 'whiteout', 'upper'],
  group: 'files',
  trials: [
    "foster run --rm busybox grep ' / ' /proc/self/mounts",
    "foster run --rm busybox sh -c 'echo changed >/etc/passwd; cat /etc/passwd'; foster run --rm busybox head -1 /etc/passwd",
  ],
  steps: { matches: /writable layer|root filesystem/ },
  manual: ['mount(8)'],
  related: ['layer', 'image', 'volume'],
  en: {
    summary: 'several folders, seen as one',
    text: [
      "An overlay shows a stack of folders as one. Files are read from the uppermost folder that has them. All but the top are only read, so a hundred containers can use the same files; the top is the container's own, and empty at first.",
      "Changing a file copies it to the top first (copy-up). Removing one leaves a mark in the top that says so (whiteout), since the folders below must not change. 'foster diff' lists what a container has changed: what is in its top.",
    ],
    trials: [
      "The container's root: its folders are open descriptors, so that their paths are not shown.",
      'One container changes a file, and the next one does not see it.',
    ],
  },
  zh: {
    summary: '把几个文件夹看成一个',
    text: [
      'overlay 把一摞文件夹显示成一个。文件从最上面有它的那个文件夹读取。除最上面一层外都是只读的，所以一百个容器可以使用同样的文件；最上层属于容器自己，开始时是空的。',
      "修改文件时先把它复制到最上层（copy-up）。删除文件时在最上层留下一个标记（whiteout），因为下面的文件夹不能改变。'foster diff' 列出容器改了什么：就是最上层里的内容。",
    ],
    trials: [
      '容器的根：它的文件夹是打开的描述符，所以路径不会显示出来。',
      '一个容器改了文件，下一个容器看不到。',
    ],
  },
};
