import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'ipc-namespace',
  aliases: ['ipc', 'shm'],
  group: 'namespaces',
  trials: [
    'readlink /proc/self/ns/ipc; foster run --rm busybox readlink /proc/self/ns/ipc',
    'foster run --rm --shm-size 1m busybox df -k /dev/shm',
  ],
  steps: { matches: /CLONE_NEWIPC|shared memory|message queues/ },
  manual: ['ipc_namespaces(7)', 'sysvipc(7)'],
  related: ['pod'],
  en: {
    summary: 'has its own shared memory, semaphores and message queues',
    text: [
      'Processes can share memory by a number (System V) or by a file in /dev/shm (POSIX). An IPC namespace has its own numbers and message queues. /dev/shm is a file system, so a container gets one of its own as well.',
      'Containers of a pod share them if they ask for it: that is how a database and its helper can use the same segment.',
    ],
    trials: ['Two namespaces, two inodes.', "The container's own /dev/shm, as large as it was asked to be."],
  },
  zh: {
    summary: '有自己的共享内存、信号量和消息队列',
    text: [
      '进程可以通过编号（System V）或 /dev/shm 里的文件（POSIX）共享内存。IPC 命名空间有自己的编号和消息队列。/dev/shm 是一个文件系统，所以容器还会得到自己的一份。',
      '同一个 pod 的容器可以要求共用它们：数据库和它的辅助进程就是这样使用同一块内存的。',
    ],
    trials: ['两个命名空间，两个 inode。', '容器自己的 /dev/shm，大小按要求设定。'],
  },
};
