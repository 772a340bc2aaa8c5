import { atLeast, contains, differentFrom, exactly, sameAs } from '../expect.js';
import type { Lab } from '../lab.js';
import { owner } from '../looks/files.js';
import { mountsBelow } from '../looks/mounts.js';
import { namespace, ownNamespace, ownUser, userOutside } from '../looks/namespaces.js';
import { noted, status } from '../looks/processes.js';

const YOU = { en: 'you', zh: '你自己' };
const YOUR_SHELL = { en: 'your shell', zh: '你的 shell' };

export const lab: Lab = {
  name: 'escape',
  title: { en: 'Escape: one wall taken down at a time', zh: '逃逸：一次拆掉一堵墙' },
  story: {
    en: 'A container is no wall, but many thin ones: namespaces, capabilities, a seccomp filter, masked files, and the user namespace behind them all. Most of what is called a container escape is a wall that somebody has switched off with an option. You will switch them off one at a time, and see what comes through, and what still does not.',
    zh: '容器不是一堵墙，而是许多堵薄墙：命名空间、capability、seccomp 过滤器、被遮蔽的文件，以及它们背后的用户命名空间。大多数所谓“容器逃逸”，不过是有人用某个选项关掉了其中一堵。你将一次关掉一堵，看看有什么能穿过来，又有什么仍然过不来。',
  },
  needs: ['rootless'],
  files: {},
  topics: ['namespaces', 'capabilities'],
  steps: [
    {
      title: { en: 'without a PID namespace', zh: '没有 PID 命名空间' },
      ask: {
        en: 'You start `sleep 120` on the host. A container with --pid host, in which everything else is as always, sends it SIGKILL. Does that work?',
        zh: '你在宿主机上启动 `sleep 120`。一个带 --pid host、其余一切照旧的容器向它发送 SIGKILL。能成功吗？',
      },
      choices: [
        {
          en: 'No: it sees the process, but may not signal it.',
          zh: '不能：它看得到这个进程，但无权发信号。',
        },
        {
          en: 'Yes: on the host, root of the container is you.',
          zh: '能：在宿主机看来，容器的 root 就是你。',
        },
        { en: 'No: seccomp refuses kill(2).', zh: '不能：seccomp 拒绝 kill(2)。' },
      ],
      answer: 1,
      run: [
        'sleep 120 >/dev/null 2>&1 & echo $! >victim',
        'foster run -d --name lab-escape-pids --pid host busybox sleep 1000',
        'foster exec lab-escape-pids kill -9 $(cat victim)',
      ],
      see: ['foster exec lab-escape-pids ps | tail -3'],
      checks: [
        {
          what: { en: 'PID namespace of the container', zh: '容器的 PID 命名空间' },
          look: namespace('lab-escape-pids', 'pid'),
          want: sameAs(ownNamespace('pid'), YOUR_SHELL),
        },
        {
          what: { en: '`sleep 120` runs (1: yes)', zh: '`sleep 120` 是否在运行（1 为是）' },
          look: noted('victim', 'sleep 120'),
          want: exactly(0),
        },
      ],
      why: {
        en: 'kill(2) asks two things: can you name the process, and are you its user? The PID namespace takes away the name. Without it only the user is left, and without root that is you, with all your programs. A user of your own for containers, or --userns auto, would have stopped it.',
        zh: 'kill(2) 只问两件事：你能否指称这个进程？你是否是它的用户？PID 命名空间拿走的是“指称”。没有了它，就只剩用户这一关；而在没有 root 的情况下，那个用户就是你，连同你的所有程序。为容器单设一个用户，或使用 --userns auto，就能挡住。',
      },
      hint: {
        en: 'The file victim in the folder of the lab must have the PID of your sleep.',
        zh: '实验目录里的 victim 文件应当写有那个 sleep 的 PID。',
      },
    },
    {
      title: { en: 'without a network namespace', zh: '没有网络命名空间' },
      ask: {
        en: 'A container with --network host. What does it reach that an ordinary container does not?',
        zh: '一个带 --network host 的容器。有什么是它能访问到、而普通容器访问不到的？',
      },
      choices: [
        { en: 'Nothing: the internet is reachable from both.', zh: '没有：两者都能上网。' },
        { en: 'The firewall, which it can now change', zh: '防火墙：现在它能修改了' },
        { en: 'All that listens on 127.0.0.1 of your machine', zh: '你机器上所有监听 127.0.0.1 的服务' },
      ],
      answer: 2,
      run: ['foster run -d --name lab-escape-net --network host busybox sleep 1000'],
      see: [
        'foster exec lab-escape-net netstat -lnt | head -5',
        'foster exec lab-escape-net wc -l /proc/net/unix',
        'foster exec lab-escape-net ip link set lo down',
      ],
      checks: [
        {
          what: { en: 'network namespace of the container', zh: '容器的网络命名空间' },
          look: namespace('lab-escape-net', 'net'),
          want: sameAs(ownNamespace('net'), YOUR_SHELL),
        },
        {
          what: { en: 'PID namespace of the container', zh: '容器的 PID 命名空间' },
          look: namespace('lab-escape-net', 'pid'),
          want: differentFrom(ownNamespace('pid'), YOUR_SHELL),
        },
      ],
      why: {
        en: "Databases and editors that trust 127.0.0.1, and sockets whose name begins with a zero byte, which have no file and so no permissions: an escape of 2020 went that way (CVE-2020-15257). To change the network it would take CAP_NET_ADMIN in the user namespace that owns it, and that is not the container's.",
        zh: '信任 127.0.0.1 的数据库和编辑器；还有名字以零字节开头的套接字，它们没有对应的文件，也就没有权限可言：2020 年就有一次逃逸走了这条路（CVE-2020-15257）。而要修改网络，必须在拥有它的用户命名空间里持有 CAP_NET_ADMIN，那不是容器的用户命名空间。',
      },
      hint: {
        en: 'foster rm -f lab-escape-net lets you try again.',
        zh: '用 foster rm -f lab-escape-net 可以重来。',
      },
    },
    {
      title: { en: 'a hole of your own', zh: '自己开的洞' },
      ask: {
        en: 'All walls stand, but you have mounted a folder of yours, as one does for sources. The container plants a script in it. Whose script is that, and what can it do once you run it?',
        zh: '所有的墙都在，但你挂载了自己的一个目录，就像平时挂载源码那样。容器在里面放了一个脚本。这个脚本归谁？你一旦运行它，它能做什么？',
      },
      choices: [
        { en: 'It is yours, and can do what you can.', zh: '它归你，你能做的它都能做。' },
        { en: 'It belongs to nobody, and cannot be run.', zh: '它不属于任何人，无法运行。' },
        { en: 'It is yours, but runs in the container.', zh: '它归你，但会在容器里运行。' },
      ],
      answer: 0,
      run: [
        'foster run --rm -v "$PWD":/sources busybox sh -c \'echo "echo I am \\$(id -un) on \\$(hostname)" >/sources/planted; chmod 755 /sources/planted\'',
      ],
      see: ['ls -l planted', 'sh ./planted'],
      checks: [
        {
          what: { en: 'owner of planted', zh: 'planted 的所有者' },
          look: owner('planted'),
          want: sameAs(ownUser, YOU),
        },
      ],
      why: {
        en: 'No wall was broken: you had made a door. Think of .git/hooks, Makefile, .bashrc, or an editor that runs the settings of a folder. The socket of Docker is the widest of such doors: whoever can write to it is root. Mount with :ro what is only read, and never your home.',
        zh: '没有一堵墙被攻破：门是你自己开的。想想 .git/hooks、Makefile、.bashrc，或会执行目录内设置的编辑器。Docker 的套接字是其中最大的一扇门：谁能写它，谁就是 root。只读的东西用 :ro 挂载，千万不要挂载整个家目录。',
      },
      hint: {
        en: 'Run the command in the folder of the lab.',
        zh: '请在实验目录里运行这条命令。',
      },
    },
    {
      title: { en: 'the last wall', zh: '最后一堵墙' },
      ask: {
        en: 'Now --privileged: no filter, no masks, all capabilities; and /etc of the host is mounted. In Docker, that is root on the machine. Can the container read /etc/shadow?',
        zh: '现在用 --privileged：没有过滤器，没有遮蔽，拥有全部 capability；还挂载了宿主机的 /etc。在 Docker 里，这就等于机器的 root。容器能读到 /etc/shadow 吗？',
      },
      choices: [
        { en: 'Yes: CAP_DAC_OVERRIDE ignores permissions.', zh: '能：CAP_DAC_OVERRIDE 无视权限。' },
        { en: 'No: on the host it is only you.', zh: '不能：在宿主机上它只是你。' },
        { en: 'No: the mount leaves the file out.', zh: '不能：挂载时排除了这个文件。' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-escape-last --privileged -v /etc:/host busybox sleep 1000'],
      see: [
        'foster exec lab-escape-last head -n 1 /host/passwd',
        'foster exec lab-escape-last cat /host/shadow',
        "foster exec lab-escape-last sh -c 'echo /bin/false >/proc/sys/kernel/core_pattern'",
      ],
      checks: [
        {
          what: { en: 'mounts at /host', zh: '/host 处的挂载数' },
          look: mountsBelow('lab-escape-last', '/host'),
          want: atLeast(1),
        },
        {
          what: { en: 'effective capabilities of `sleep 1000`', zh: '`sleep 1000` 的有效 capability' },
          look: status('lab-escape-last', 'sleep 1000', 'CapEff'),
          want: contains('ffffffffff'),
        },
        {
          what: { en: 'user namespace of the container', zh: '容器的用户命名空间' },
          look: namespace('lab-escape-last', 'user'),
          want: differentFrom(ownNamespace('user'), YOUR_SHELL),
        },
        {
          what: { en: 'its user on the host', zh: '它在宿主机上的用户' },
          look: userOutside('lab-escape-last', 'sleep 1000'),
          want: sameAs(ownUser, YOU),
        },
      ],
      why: {
        en: 'CAP_DAC_OVERRIDE counts only for files whose owner has a number in the user namespace. /etc/shadow belongs to the root of the host, who has none in here. The same with core_pattern, the old way out of privileged containers. This wall stands whatever option you give: it is the reason to run containers without root.',
        zh: 'CAP_DAC_OVERRIDE 只对所有者在该用户命名空间里有编号的文件有效。/etc/shadow 属于宿主机的 root，而他在这里没有编号。core_pattern 也一样——那是从特权容器逃出去的老路。不管你给什么选项，这堵墙都在：这就是应当不用 root 来运行容器的理由。',
      },
      hint: {
        en: 'foster rm -f lab-escape-last lets you try again.',
        zh: '用 foster rm -f lab-escape-last 可以重来。',
      },
    },
  ],
};
