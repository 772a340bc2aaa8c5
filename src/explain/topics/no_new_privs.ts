import type { Topic } from '../topic.js';

export const topic: Topic = {
  name: 'no_new_privs',
  aliases: ['no-new-privileges', 'setuid'],
  group: 'rights',
  trials: [
    'foster run --rm busybox grep NoNewPrivs /proc/self/status',
    "foster run --rm busybox sh -c 'cp /bin/busybox /tmp/x; chmod 4755 /tmp/x; ls -l /tmp/x'",
  ],
  steps: { matches: /NO_NEW_PRIVS/ },
  manual: ['PR_SET_NO_NEW_PRIVS(2const)', 'execve(2)'],
  related: ['capabilities', 'seccomp'],
  en: {
    summary: 'a promise to the kernel: no more rights, ever',
    text: [
      'A set-user-ID program, such as su, runs with the rights of its owner, whoever starts it. A process with no_new_privs set, and every child of it, starts them with the rights that it has: the bit is ignored, and so are file capabilities. It cannot be unset.',
      "It is on in foster's containers, so a user in one cannot become root of the container by a forgotten set-user-ID program. It is also what lets a process load a seccomp filter without being root.",
    ],
    trials: ['It is on.', 'The bit can be set on a file (s); it only has no effect in this container.'],
  },
  zh: {
    summary: '对内核的承诺：再也不要更多权力',
    text: [
      'set-user-ID 程序（例如 su）以其所有者的权力运行，不管是谁启动的。设置了 no_new_privs 的进程及其所有子进程启动它们时只有自己原来的权力：这个位被忽略，文件 capability 也一样。设置之后不能取消。',
      'foster 的容器默认打开它，所以容器里的用户不能靠一个被遗忘的 set-user-ID 程序成为容器的 root。不是 root 的进程也因此才能装上 seccomp 过滤器。',
    ],
    trials: ['已经打开。', '文件上可以设置这个位（s），只是在这个容器里不起作用。'],
  },
};
