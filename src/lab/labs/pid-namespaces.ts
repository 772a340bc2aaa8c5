import { exactly, sameAs } from '../expect.js';
import type { Lab } from '../lab.js';
import { namespace } from '../looks/namespaces.js';
import { innermostPid, pidsInside, running } from '../looks/processes.js';

export const lab: Lab = {
  name: 'pid-namespaces',
  title: { en: 'PID namespaces: one process, many numbers', zh: 'PID 命名空间：一个进程，多个编号' },
  story: {
    en: 'In a container, ps shows a handful of processes, numbered from 1. On the host they are all there as well, with other numbers. Nothing is copied, and nothing is translated by the container runtime: the kernel itself keeps several numbers for one process.',
    zh: '在容器里，ps 只显示寥寥几个进程，从 1 开始编号。在宿主机上它们同样都在，只是编号不同。没有任何复制，也不是容器运行时在做转换：是内核自己为同一个进程保存了多个编号。',
  },
  topics: ['pid-namespace'],
  steps: [
    {
      title: { en: 'inside and outside', zh: '里面与外面' },
      ask: {
        en: 'You start a container with `sleep 1000`. You look for that sleep on the host. What do you find?',
        zh: '你启动一个运行 `sleep 1000` 的容器，然后在宿主机上寻找这个 sleep。你会找到什么？',
      },
      choices: [
        { en: 'Nothing: it is in the container.', zh: '什么也没有：它在容器里。' },
        { en: 'A process with the same number', zh: '一个编号相同的进程' },
        { en: 'The same process with another number', zh: '同一个进程，编号不同' },
      ],
      answer: 2,
      run: ['foster run -d --name lab-pids busybox sleep 1000'],
      see: [
        'foster exec lab-pids ps -o pid,args',
        'foster top lab-pids pid,args',
        "grep NSpid /proc/$(foster inspect -f '{{.State.Pid}}' lab-pids)/status",
      ],
      checks: [
        {
          what: { en: 'the innermost PID of `sleep 1000`', zh: '`sleep 1000` 最内层的 PID' },
          look: innermostPid('lab-pids', 'sleep 1000'),
          want: exactly(2),
        },
      ],
      why: {
        en: "A process has a number in its own PID namespace, and in each one above it. The line NSpid in /proc/PID/status has them all, the outermost first. That is why you can kill a container's process from the host, and a container cannot even name yours.",
        zh: '一个进程在自己的 PID 命名空间里有一个编号，在其上的每一层也各有一个。/proc/PID/status 里的 NSpid 一行列出了全部，最外层在前。所以你能从宿主机杀死容器里的进程，而容器连你的进程都无法指称。',
      },
      hint: {
        en: 'foster-init is PID 1, so the main process is PID 2. foster rm -f lab-pids lets you try again.',
        zh: 'foster-init 是 PID 1，所以主进程是 PID 2。用 foster rm -f lab-pids 可以重来。',
      },
    },
    {
      title: { en: 'three deep', zh: '嵌套三层' },
      ask: {
        en: 'unshare -p -f makes a PID namespace, and runs a command as PID 1 of it. You do that twice in the container, one in the other. How many numbers does `sleep 1001` have, counted from the container inwards?',
        zh: 'unshare -p -f 创建一个 PID 命名空间，并让一条命令成为其中的 PID 1。你在容器里套着做两次。从容器往里数，`sleep 1001` 有几个编号？',
      },
      choices: [
        { en: 'One: it is only in the innermost', zh: '一个：它只在最内层' },
        { en: 'Two: in the container, and in the innermost', zh: '两个：容器里一个，最内层一个' },
        { en: 'Three: one in each', zh: '三个：每层一个' },
      ],
      answer: 2,
      run: ["foster exec -d --privileged lab-pids unshare -p -f ash -c 'unshare -p -f sleep 1001; exit'"],
      see: ['foster exec lab-pids ps -o pid,ppid,args'],
      checks: [
        {
          what: {
            en: 'numbers of `sleep 1001` from the container inwards',
            zh: '`sleep 1001` 从容器往里的编号个数',
          },
          look: pidsInside('lab-pids', 'sleep 1001'),
          want: exactly(3),
        },
        {
          what: { en: 'the innermost PID of `sleep 1001`', zh: '`sleep 1001` 最内层的 PID' },
          look: innermostPid('lab-pids', 'sleep 1001'),
          want: exactly(1),
        },
      ],
      why: {
        en: 'PID namespaces are a tree, up to 32 deep. Whoever is above sees everything below; nobody sees anything above. Containers in containers, as in CI jobs, are just that. It took --privileged, because making a namespace without a new user namespace needs CAP_SYS_ADMIN.',
        zh: 'PID 命名空间是一棵树，最深 32 层。上层能看到下面的一切，下层看不到上面的任何东西。CI 任务里“容器套容器”就是这么回事。这里需要 --privileged，因为不新建用户命名空间就创建其他命名空间，需要 CAP_SYS_ADMIN。',
      },
      hint: {
        en: '`ash` is the shell of busybox by another name, so that you can find it in the next step.',
        zh: '`ash` 就是 busybox 的 shell，换了个名字，好让你在下一步找到它。',
      },
    },
    {
      title: { en: 'the death of a PID 1', zh: 'PID 1 之死' },
      ask: {
        en: '`ash` is PID 1 of the middle namespace, and not the parent of `sleep 1001`, which belongs to the unshare below it. You kill ash. What about the sleep?',
        zh: '`ash` 是中间那层命名空间的 PID 1，但不是 `sleep 1001` 的父进程——后者的父进程是 ash 之下的 unshare。你杀死 ash。那个 sleep 会怎样？',
      },
      choices: [
        { en: 'It is killed as well.', zh: '它也被杀死。' },
        { en: 'It is adopted by PID 1 of the container.', zh: '它被容器的 PID 1 收养。' },
        { en: 'It becomes PID 1 of the middle namespace.', zh: '它成为中间那层命名空间的 PID 1。' },
      ],
      answer: 0,
      run: ['foster exec lab-pids killall -9 ash'],
      see: ['foster exec lab-pids ps -o pid,ppid,args'],
      checks: [
        {
          what: { en: 'running processes `sleep 1001`', zh: '正在运行的 `sleep 1001` 进程数' },
          look: running('lab-pids', 'sleep 1001'),
          want: exactly(0),
        },
        {
          what: { en: 'running processes `sleep 1000`', zh: '正在运行的 `sleep 1000` 进程数' },
          look: running('lab-pids', 'sleep 1000'),
          want: exactly(1),
        },
      ],
      why: {
        en: 'When PID 1 of a namespace ends, the kernel sends SIGKILL to everyone in it, and in all namespaces below. There is no way to ignore it. This is the one thing that makes "remove the container" reliable: no process can escape by forking, daemonizing, or changing its session.',
        zh: '一个命名空间的 PID 1 结束时，内核会向其中以及所有下层命名空间里的每个进程发送 SIGKILL，无法忽略。正是这一点让“删除容器”变得可靠：无论 fork、变成守护进程还是换会话，谁也逃不掉。',
      },
      hint: { en: 'killall finds processes by their names.', zh: 'killall 按名字查找进程。' },
    },
    {
      title: { en: 'a guest', zh: '一位客人' },
      ask: {
        en: 'A second container joins the PID namespace of the first: --pid container:lab-pids. Can the first one see the processes of the second?',
        zh: '第二个容器加入第一个容器的 PID 命名空间：--pid container:lab-pids。第一个容器能看到第二个容器的进程吗？',
      },
      choices: [
        { en: 'No: containers are isolated from each other.', zh: '不能：容器彼此隔离。' },
        { en: 'Yes, and the second sees the first, too.', zh: '能，而且第二个也能看到第一个。' },
        { en: 'No, only the second sees the first.', zh: '不能，只有第二个能看到第一个。' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-pids-guest --pid container:lab-pids busybox sleep 1002'],
      see: ['foster exec lab-pids ps -o pid,ppid,args'],
      checks: [
        {
          what: { en: 'PID namespace of lab-pids-guest', zh: 'lab-pids-guest 的 PID 命名空间' },
          look: namespace('lab-pids-guest', 'pid', 'sleep 1002'),
          want: sameAs(namespace('lab-pids', 'pid'), 'lab-pids'),
        },
      ],
      why: {
        en: 'There is no "container" in the kernel, only namespaces, and a process may share any of them with any other. Debugging tools use that, and so do pods. Note the price: whoever shares a PID namespace can see, and perhaps signal, everyone in it.',
        zh: '内核里没有“容器”，只有命名空间；一个进程可以与任何别的进程共享其中任意几个。调试工具利用这一点，Pod 也是。注意代价：共享 PID 命名空间的各方彼此可见，也可能互发信号。',
      },
      hint: {
        en: 'lab-pids must run: foster ps shows it.',
        zh: 'lab-pids 必须在运行：foster ps 可以查看。',
      },
    },
  ],
};
