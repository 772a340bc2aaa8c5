import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'digest',
  aliases: ['digests', 'sha256'],
  group: 'images',
  trials: ['printf hello | sha256sum', "printf 'hello!' | sha256sum"],
  manual: ['sha256sum(1)'],
  related: ['manifest', 'layer', 'image'],
  en: {
    summary: 'the name of a content: its SHA-256',
    text: [
      'A digest is the SHA-256 of some bytes, written as sha256: and 64 digits. Whoever has the digest can check that the bytes are the right ones, wherever they come from. A tag such as :latest can be moved to another image; a digest can not.',
      'A manifest has the digests of the config and the layers. So its own digest fixes every byte of an image: NAME@sha256:...',
    ],
    trials: ['The digest of five bytes.', 'One byte more, and nothing of it is the same.'],
  },
  zh: {
    summary: '内容的名字：它的 SHA-256',
    text: [
      '摘要是一串字节的 SHA-256，写作 sha256: 加 64 个数字。有了摘要，就能检查字节是否正确，不管它们从哪里来。:latest 这样的标签可以移到另一个镜像上；摘要不能。',
      'manifest 里有配置和各层的摘要。所以它自己的摘要确定了镜像的每一个字节：NAME@sha256:...',
    ],
    trials: ['五个字节的摘要。', '多一个字节，就完全不同。'],
  },
};
