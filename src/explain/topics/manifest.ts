import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'manifest',
  aliases: ['manifests', 'index', 'oci'],
  group: 'images',
  trials: [
    'foster images --digests',
    'printf \'{}\' | sha256sum | sed \'s/\\(.\\{8\\}\\).*/{"config":{"digest":"sha256:\\1...","size":2},"layers":[]}/\'',
  ],
  manual: [],
  related: ['image', 'digest', 'layer'],
  en: {
    summary: 'the list of what an image consists of',
    text: [
      "A manifest is a small JSON file: the digest and the size of the config, and of each layer. It is what a registry returns for a tag, and its digest is the image's. A list of manifests, the index, has one for each kind of machine.",
      "'foster manifest' makes such lists.",
    ],
    trials: [
      'The digests of the manifests that you have.',
      'The least that one can say: a config of two bytes, and no layer.',
    ],
  },
  zh: {
    summary: '镜像由什么组成的清单',
    text: [
      'manifest 是一个小的 JSON 文件：配置的摘要和大小，以及每一层的摘要和大小。用标签向仓库请求时得到的就是它；它的摘要就是镜像的摘要。manifest 的列表（index）为每种机器各列一个。',
      "'foster manifest' 用来制作这样的列表。",
    ],
    trials: ['你拥有的 manifest 的摘要。', '最少的内容：两个字节的配置，没有层。'],
  },
};
