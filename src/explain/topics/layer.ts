import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'layer',
  aliases: ['layers'],
  group: 'images',
  trials: [
    "foster run --rm busybox sh -c 'mkdir -p /tmp/l/etc; echo hi >/tmp/l/etc/motd; touch /tmp/l/etc/.wh.issue; tar -C /tmp/l -cf /tmp/l.tar .; tar -tf /tmp/l.tar; sha256sum </tmp/l.tar'",
  ],
  manual: ['tar(1)'],
  related: ['overlay', 'image', 'digest'],
  en: {
    summary: 'an archive of the files that one step has changed',
    text: [
      'A layer is a tar archive, usually compressed. It has the files that were added or changed. A file .wh.NAME says that NAME of the layers below is gone. Unpacked one over the other, or stacked by an overlay, layers are a root filesystem.',
      'Its name is its digest, so it is downloaded once, however many images have it.',
    ],
    trials: ['A layer by hand: adds /etc/motd and removes /etc/issue. The last line is its digest.'],
  },
  zh: {
    summary: '某一步所改变的文件的归档',
    text: [
      '层是一个 tar 归档，通常经过压缩。它包含新增或改变的文件。名为 .wh.NAME 的文件表示下面各层中的 NAME 已被删除。层层解开，或者用 overlay 叠起来，就是一个根文件系统。',
      '它的名字就是它的摘要，所以不管多少镜像包含它，只需下载一次。',
    ],
    trials: ['手工做一层：添加 /etc/motd，删除 /etc/issue。最后一行是它的摘要。'],
  },
};
