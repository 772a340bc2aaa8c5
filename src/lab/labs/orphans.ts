import { atLeast, exactly, sameAs } from '../expect.js';
import type { Lab } from '../lab.js';
import { namespace, ownNamespace } from '../looks/namespaces.js';
import { exitCode, parent, parentName, running } from '../looks/processes.js';

export const lab: Lab = {
  name: 'orphans',
  title: { en: 'Orphans: who adopts whom', zh: '孤儿进程：谁来收养' },
  story: {
    en: 'Every process has a parent. When the parent ends first, the child is an orphan, and the kernel finds it a new parent in the same instant: there is never a process without one. Which one it picks has surprised many people who run more than one process in a container.',
    zh: '每个进程都有父进程。如果父进程先结束，子进程就成了孤儿进程，内核会在同一瞬间给它找到新的父进程：没有父进程的进程从不存在。至于内核选中谁，很多在容器里跑多个进程的人都猜错过。',
  },
  topics: ['orphan', 'subreaper'],
  steps: [
    {
      title: { en: 'an orphan', zh: '一个孤儿进程' },
      ask: {
        en: 'foster exec starts a shell in the container, the shell starts `sleep 1001` in the background, and ends. Who is the parent of the sleep now?',
        zh: 'foster exec 在容器里启动一个 shell，shell 在后台启动 `sleep 1001` 后退出。现在这个 sleep 的父进程是谁？',
      },
      choices: [
        { en: 'The main process, `sleep 1000`', zh: '主进程 `sleep 1000`' },
        { en: 'PID 1 of the container', zh: '容器的 PID 1' },
        {
          en: 'A process outside: foster exec came from there',
          zh: '容器外的某个进程：foster exec 就是从那里来的',
        },
      ],
      answer: 1,
      run: [
        'foster run -d --name lab-orphans busybox sleep 1000',
        "foster exec lab-orphans sh -c 'sleep 1001 & exit 0'",
      ],
      see: ['foster exec lab-orphans ps -o pid,ppid,args'],
      checks: [
        {
          what: { en: 'parent of `sleep 1001`', zh: '`sleep 1001` 的父进程' },
          look: parent('lab-orphans', 'sleep 1001'),
          want: exactly(1),
        },
      ],
      why: {
        en: 'The new parent of an orphan is PID 1 of its own PID namespace, wherever the old one came from. So each container has to clean up for itself: that is the job of its PID 1.',
        zh: '孤儿进程的新父进程，是它所在 PID 命名空间的 PID 1，不管原来的父进程来自哪里。所以每个容器都得自己善后：这正是其 PID 1 的职责。',
      },
      hint: {
        en: 'The shell must end before the sleep does: do not forget the &.',
        zh: 'shell 必须先于 sleep 结束：别忘了那个 &。',
      },
    },
    {
      title: { en: 'grandparents do not adopt', zh: '祖父进程不会收养' },
      ask: {
        en: 'Three generations: a shell that stays (it becomes `sleep 2000`), its child, a shell that ends at once, and the grandchild `sleep 2001`. The grandfather lives. Who adopts the grandchild?',
        zh: '三代进程：一个留下来的 shell（它变成 `sleep 2000`），它的子进程是一个立刻退出的 shell，孙进程是 `sleep 2001`。祖父还活着。谁来收养孙进程？',
      },
      choices: [
        { en: 'PID 1', zh: 'PID 1' },
        { en: 'The grandfather: he is the nearest relative', zh: '祖父进程：它是最近的亲属' },
        { en: 'Nobody: it ends with its parent', zh: '没有谁：它随父进程一起结束' },
      ],
      answer: 0,
      run: ['foster exec -d lab-orphans sh -c \'sh -c "sleep 2001 & exit 0"; exec sleep 2000\''],
      see: ['foster exec lab-orphans ps -o pid,ppid,args'],
      checks: [
        {
          what: { en: 'running processes `sleep 2000`', zh: '正在运行的 `sleep 2000` 进程数' },
          look: running('lab-orphans', 'sleep 2000'),
          want: exactly(1),
        },
        {
          what: { en: 'parent of `sleep 2001`', zh: '`sleep 2001` 的父进程' },
          look: parent('lab-orphans', 'sleep 2001'),
          want: exactly(1),
        },
      ],
      why: {
        en: 'The kernel does not climb the family tree step by step. It looks for another thread of the dead parent, then for an ancestor that has declared itself a "subreaper", and takes PID 1 otherwise. An ordinary grandfather is passed over. Daemons use that on purpose: the "double fork" makes PID 1 their parent.',
        zh: '内核并不会沿着家谱一级一级往上找。它先看死去的父进程还有没有别的线程，再找自己声明过是“subreaper”的祖先，都没有就选 PID 1。普通的祖父会被跳过。守护进程正是有意利用这一点：“两次 fork”就是为了让 PID 1 成为自己的父进程。',
      },
      hint: {
        en: 'The inner quotes are part of the command: copy it as a whole.',
        zh: '里面的引号也是命令的一部分：请整条复制。',
      },
    },
    {
      title: { en: 'a subreaper', zh: 'subreaper：自愿的收养者' },
      ask: {
        en: 'With --pid host, a container has no PID namespace of its own, so its first process is not PID 1 of anything. It makes an orphan. Who adopts that?',
        zh: '使用 --pid host 时，容器没有自己的 PID 命名空间，它的第一个进程也就不是任何空间的 PID 1。它制造一个孤儿进程。谁来收养？',
      },
      choices: [
        { en: 'PID 1 of the machine', zh: '整台机器的 PID 1' },
        { en: 'The main process of the container', zh: '容器的主进程' },
        { en: 'foster-init, though its PID is not 1', zh: 'foster-init，尽管它的 PID 不是 1' },
      ],
      answer: 2,
      run: [
        'foster run -d --name lab-orphans-host --pid host busybox sh -c \'sh -c "sleep 3001 & exit 0"; exec sleep 3000\'',
      ],
      see: ['foster top lab-orphans-host pid,ppid,args'],
      checks: [
        {
          what: { en: 'PID namespace of the container', zh: '容器的 PID 命名空间' },
          look: namespace('lab-orphans-host', 'pid'),
          want: sameAs(ownNamespace('pid'), { en: 'your shell', zh: '你的 shell' }),
        },
        {
          what: { en: 'parent of `sleep 3001`', zh: '`sleep 3001` 的父进程' },
          look: parentName('lab-orphans-host', 'sleep 3001'),
          want: exactly('foster-init'),
        },
      ],
      why: {
        en: 'foster-init has called prctl(PR_SET_CHILD_SUBREAPER): orphans among its descendants come to it and not to PID 1. systemd does the same for each user, to keep track of what it has started.',
        zh: 'foster-init 调用过 prctl(PR_SET_CHILD_SUBREAPER)：它的后代中出现孤儿时，会过继给它，而不是 PID 1。systemd 的用户实例也是这样做的，以便掌握自己启动了哪些进程。',
      },
      hint: {
        en: 'foster top lab-orphans-host pid,ppid,args shows the parents with the numbers of the host.',
        zh: 'foster top lab-orphans-host pid,ppid,args 会用宿主机的编号显示父进程。',
      },
    },
    {
      title: { en: 'when the main process ends', zh: '主进程结束之后' },
      ask: {
        en: 'The main process leaves an orphan behind that would sleep for an hour, and exits with 7. What happens to the container?',
        zh: '主进程留下一个要睡一小时的孤儿进程，然后以 7 退出。容器会怎样？',
      },
      choices: [
        { en: 'It runs on for an hour, for the orphan.', zh: '为了那个孤儿，继续运行一小时。' },
        { en: 'It ends with exit code 7, and the orphan with it.', zh: '以退出码 7 结束，孤儿也随之结束。' },
        { en: 'The orphan moves out to the host.', zh: '孤儿进程搬到宿主机上。' },
      ],
      answer: 1,
      run: [
        "foster run -d --name lab-orphans-end --stop-timeout 1 busybox sh -c 'sleep 3600 & exit 7'",
        'foster wait lab-orphans-end',
      ],
      see: ["foster ps -a --filter name=lab-orphans-end --format '{{.Names}}: {{.Status}}'"],
      checks: [
        {
          what: { en: 'exit code of lab-orphans-end', zh: 'lab-orphans-end 的退出码' },
          look: exitCode('lab-orphans-end'),
          want: exactly(7),
        },
        {
          what: {
            en: 'running processes `sleep 1000` in lab-orphans',
            zh: 'lab-orphans 中正在运行的 `sleep 1000` 进程数',
          },
          look: running('lab-orphans', 'sleep 1000'),
          want: atLeast(1),
        },
      ],
      why: {
        en: 'A container is as long as its main process lives. When that has ended, foster-init sends SIGTERM to whoever is left, SIGKILL a little later, and ends with the exit code of the main process. With --no-init the kernel does it at once, and without mercy: the end of PID 1 is the end of its namespace.',
        zh: '主进程活多久，容器就活多久。主进程结束后，foster-init 向剩下的进程发送 SIGTERM，稍后再发 SIGKILL，最后以主进程的退出码退出。使用 --no-init 时，内核会立刻动手，毫不留情：PID 1 的结束就是整个命名空间的结束。',
      },
      hint: {
        en: 'foster wait lab-orphans-end prints the exit code when the container has ended.',
        zh: '容器结束后，foster wait lab-orphans-end 会打印退出码。',
      },
    },
  ],
};
