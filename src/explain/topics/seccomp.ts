import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'seccomp',
  aliases: ['system-calls', 'syscalls'],
  group: 'rights',
  trials: [
    'foster run --rm busybox grep Seccomp /proc/self/status',
    'foster run --rm busybox unshare -U true',
    'foster run --rm --security-opt seccomp=unconfined busybox unshare -U true && echo allowed',
  ],
  steps: { matches: /SECCOMP_SET_MODE/ },
  manual: ['seccomp(2)'],
  related: ['capabilities', 'no_new_privs'],
  en: {
    summary: 'a filter for system calls',
    text: [
      'A program can do nothing but compute without system calls: about 350 on x86-64. A filter is a small program that the kernel runs before each of them, and which says whether it is allowed. It cannot be taken off again, and children inherit it.',
      'The filter of a container refuses what containers do not need, and what had the most security holes: mounting, new user namespaces, keyrings, loading modules, BPF.',
    ],
    trials: [
      'Mode 2: a filter is loaded.',
      'A user namespace of its own would give it all capabilities again: refused.',
      'Without the filter it is allowed.',
    ],
  },
  zh: {
    summary: '系统调用的过滤器',
    text: [
      '没有系统调用，程序除了计算什么也做不了；x86-64 上大约有 350 个。过滤器是内核在每次系统调用之前运行的一小段程序，它决定是否允许。装上以后不能取下，子进程也会继承。',
      '容器的过滤器拒绝容器不需要的、以及历史上安全漏洞最多的调用：挂载、新的用户命名空间、密钥环、加载模块、BPF。',
    ],
    trials: [
      '模式 2：已经装上过滤器。',
      '自己的用户命名空间会让它重新拥有全部 capability：被拒绝。',
      '没有过滤器就允许。',
    ],
  },
};
