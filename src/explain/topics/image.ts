import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'image',
  aliases: ['images'],
  group: 'images',
  trials: ['foster images'],
  manual: [],
  related: ['layer', 'manifest', 'digest', 'overlay'],
  en: {
    summary: 'a root filesystem with a note on how to run it',
    text: [
      'An image is not a file and not a program. It is a list of layers, which are archives of files, and a config, which says the command, the user, the environment and so on. A manifest names them all by their digests.',
      'So images that begin with the same layers share them, on disk and when they are downloaded. A container adds a layer of its own on top.',
    ],
    trials: ['The images that you have.'],
  },
  zh: {
    summary: '一个根文件系统，附带怎样运行它的说明',
    text: [
      '镜像不是一个文件，也不是程序。它是一串层（文件的归档），加上一份配置，说明命令、用户、环境变量等等。manifest 用摘要指明它们。',
      '所以开头几层相同的镜像在磁盘上和下载时都共用这些层。容器在最上面加上自己的一层。',
    ],
    trials: ['你拥有的镜像。'],
  },
};
