import type { Language } from './language.js';
import type { Group } from './topic.js';

/** foster's own words around the text of a topic. */
export interface Words {
  see: string;
  tooLong: string;
  plan: string;
  read: string;
  related: string;
  groups: Record<Group, string>;
  topics: string;
  forms: string;
}

export const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    see: 'See it yourself',
    tooLong: '(took too long, and was stopped)',
    plan: 'Where foster does it: steps of foster run',
    read: 'Read',
    related: 'See also',
    topics: 'Topics, each with commands to try:',
    forms: 'Or explain something:',
    groups: {
      processes: 'Processes',
      namespaces: 'Namespaces',
      rights: 'Rights',
      files: 'Files',
      limits: 'Limits',
      network: 'Network',
      images: 'Images',
    },
  },
  zh: {
    see: '自己看一看',
    tooLong: '（用时太长，已被终止）',
    plan: 'foster 在哪里做这件事：foster run 的步骤',
    read: '阅读',
    related: '另见',
    topics: '主题，每个都附有可以试的命令：',
    forms: '或者解释某个对象：',
    groups: {
      processes: '进程',
      namespaces: '命名空间',
      rights: '权限',
      files: '文件',
      limits: '限额',
      network: '网络',
      images: '镜像',
    },
  },
};
