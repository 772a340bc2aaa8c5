import { differentFrom, exactly, sameAs } from '../expect.js';
import type { Lab } from '../lab.js';
import { fileSystem, mountsOf } from '../looks/mounts.js';
import { namespace } from '../looks/namespaces.js';
import { innermostPid, status } from '../looks/processes.js';

const BOX = { en: 'the workbench, lab-scratch', zh: '工作台 lab-scratch' };

export const lab: Lab = {
  name: 'from-scratch',
  title: { en: 'From scratch: a container by hand', zh: '从零开始：手工做一个容器' },
  story: {
    en: 'You know all the parts now. Put them together yourself: unshare(2), mount(2), pivot_root(2), prctl(2), execve(2), with nothing but the small tools of busybox. A privileged container is the workbench, so that nothing of your machine can break. `foster run --explain busybox true` shows that foster does the same, in some ninety steps.',
    zh: '所有零件你都认识了。现在自己把它们装起来：unshare(2)、mount(2)、pivot_root(2)、prctl(2)、execve(2)，只用 busybox 的小工具。用一个特权容器当工作台，这样不会弄坏你的机器。`foster run --explain busybox true` 会显示 foster 做的是同样的事，共约九十步。',
  },
  topics: ['namespaces', 'pivot_root'],
  steps: [
    {
      title: { en: 'unshare', zh: 'unshare' },
      ask: {
        en: 'unshare makes five namespaces, for mounts, host name, IPC, network and PIDs, and runs `sleep 1001` in them. Which files does the sleep see?',
        zh: 'unshare 创建五个命名空间：挂载、主机名、IPC、网络和 PID，并在其中运行 `sleep 1001`。这个 sleep 看到的文件是哪些？',
      },
      choices: [
        {
          en: 'None: its mount namespace is new, and empty.',
          zh: '没有：它的挂载命名空间是新的，里面是空的。',
        },
        { en: 'The same as before', zh: '和之前一样' },
        { en: 'Only its own program', zh: '只有它自己的程序' },
      ],
      answer: 1,
      run: [
        'foster run -d --privileged --name lab-scratch busybox sleep 1000',
        'foster exec -d lab-scratch unshare -m -u -i -n -p -f sleep 1001',
      ],
      see: ['foster exec lab-scratch ps -o pid,ppid,args'],
      checks: [
        {
          what: { en: 'mount namespace of `sleep 1001`', zh: '`sleep 1001` 的挂载命名空间' },
          look: namespace('lab-scratch', 'mnt', 'sleep 1001'),
          want: differentFrom(namespace('lab-scratch', 'mnt'), BOX),
        },
        {
          what: { en: 'network namespace of `sleep 1001`', zh: '`sleep 1001` 的网络命名空间' },
          look: namespace('lab-scratch', 'net', 'sleep 1001'),
          want: differentFrom(namespace('lab-scratch', 'net'), BOX),
        },
        {
          what: { en: 'the innermost PID of `sleep 1001`', zh: '`sleep 1001` 最内层的 PID' },
          look: innermostPid('lab-scratch', 'sleep 1001'),
          want: exactly(1),
        },
        {
          what: { en: 'file system at / of `sleep 1001`', zh: '`sleep 1001` 在 / 的文件系统' },
          look: fileSystem('lab-scratch', '/', 'sleep 1001'),
          want: sameAs(fileSystem('lab-scratch', '/'), BOX),
        },
      ],
      why: {
        en: 'A new mount namespace begins as a copy of the old one: what was mounted stays mounted, but from now on changes are private. A new network namespace begins with nothing, a new PID namespace with a PID 1. Each kind has its own beginning, and it is the work of a runtime to furnish them.',
        zh: '新的挂载命名空间以旧的为副本开始：原来挂着的仍然挂着，但从此改动互不影响。新的网络命名空间从一无所有开始，新的 PID 命名空间从一个 PID 1 开始。每种命名空间的起点各不相同，而容器运行时的工作就是布置它们。',
      },
      hint: {
        en: 'foster rm -f lab-scratch lets you try again.',
        zh: '用 foster rm -f lab-scratch 可以重来。',
      },
    },
    {
      title: { en: 'a root filesystem', zh: '根文件系统' },
      ask: {
        en: 'You make a folder /box with one program and a few links to it, and mount it onto itself. What is that mount for?',
        zh: '你建立目录 /box，里面是一个程序和几个指向它的链接，然后把它挂载到它自己上面。这个挂载有什么用？',
      },
      choices: [
        { en: 'It makes the files read-only.', zh: '让文件变成只读。' },
        {
          en: 'pivot_root wants a mount, and a folder is none.',
          zh: 'pivot_root 要的是挂载点，而普通目录不是。',
        },
        { en: 'It copies the files into memory.', zh: '把文件复制到内存里。' },
      ],
      answer: 1,
      run: [
        "foster exec lab-scratch sh -c 'mkdir -p /box/bin /box/proc /box/old; cp /bin/busybox /box/bin; for name in sh ps mount umount sleep; do ln -sf busybox /box/bin/$name; done'",
        'foster exec lab-scratch mount -o bind /box /box',
      ],
      see: [
        'foster exec lab-scratch find /box',
        "foster exec lab-scratch grep ' /box ' /proc/self/mountinfo",
      ],
      checks: [
        {
          what: { en: 'file system at /box', zh: '/box 处的文件系统' },
          look: fileSystem('lab-scratch', '/box'),
          want: sameAs(fileSystem('lab-scratch', '/'), { en: '/', zh: '/' }),
        },
      ],
      why: {
        en: 'pivot_root(2) exchanges the root mount, so the new root must be a mount, and another one than the old. A bind mount makes one out of any folder. foster mounts an overlay there; here a folder will do. That is all a "root filesystem" is.',
        zh: 'pivot_root(2) 交换的是根挂载，所以新根必须是一个挂载，而且不能与旧根相同。绑定挂载可以把任何目录变成挂载。foster 在这里挂载的是 overlay；我们用一个目录就够了。所谓“根文件系统”，不过如此。',
      },
      hint: {
        en: 'The mount is made in the workbench, so that later namespaces get a copy of it.',
        zh: '这个挂载做在工作台里，之后新建的命名空间会得到它的副本。',
      },
    },
    {
      title: { en: 'pivot_root', zh: 'pivot_root' },
      ask: {
        en: 'In new namespaces: change to /box, pivot_root, mount /proc, unmount the old root, and execute `sleep 1002`. How many mounts does the sleep see in the end?',
        zh: '在新的命名空间里：进入 /box，pivot_root，挂载 /proc，卸载旧根，执行 `sleep 1002`。最后这个 sleep 能看到几个挂载？',
      },
      choices: [
        { en: 'Two: / and /proc', zh: '两个：/ 和 /proc' },
        { en: 'Those of the workbench, and two more', zh: '工作台的那些，再加两个' },
        { en: 'One: /', zh: '一个：/' },
      ],
      answer: 0,
      run: [
        'foster exec -d lab-scratch unshare -m -u -i -n -p -f sh -c \'cd /box && pivot_root . old && exec /bin/sh -c "mount -t proc proc /proc; umount -l /old; exec sleep 1002"\'',
      ],
      see: [
        'foster exec lab-scratch ps -o pid,ppid,args',
        'foster run --rm --explain busybox true 2>&1 | grep -B 1 pivot_root',
      ],
      checks: [
        {
          what: { en: 'mounts of `sleep 1002`', zh: '`sleep 1002` 看到的挂载' },
          look: mountsOf('lab-scratch', 'sleep 1002'),
          want: exactly('/ /proc'),
        },
        {
          what: { en: 'file system at /proc of `sleep 1002`', zh: '`sleep 1002` 在 /proc 的文件系统' },
          look: fileSystem('lab-scratch', '/proc', 'sleep 1002'),
          want: exactly('proc'),
        },
        {
          what: { en: 'the innermost PID of `sleep 1002`', zh: '`sleep 1002` 最内层的 PID' },
          look: innermostPid('lab-scratch', 'sleep 1002'),
          want: exactly(1),
        },
      ],
      why: {
        en: 'This is a container: PID 1, a root of its own, a /proc that shows only itself. The order matters. /proc must be mounted from inside of the PID namespace, or it shows the old one. The old root must be unmounted, or it is the way out. And before execve(2) no descriptor of the old root may be open, or that is the way out (CVE-2024-21626).',
        zh: '这就是一个容器：PID 1，自己的根，一个只显示自己的 /proc。顺序很重要。/proc 必须在 PID 命名空间内部挂载，否则显示的还是旧的。旧根必须卸载，否则就是出路。而在 execve(2) 之前，不能有指向旧根的描述符开着，否则那也是出路（CVE-2024-21626）。',
      },
      hint: {
        en: 'The quotes are nested: copy the command as a whole.',
        zh: '引号是嵌套的：请整条复制。',
      },
    },
    {
      title: { en: 'give up power', zh: '放弃权力' },
      ask: {
        en: 'Your container still has every capability, and may get more. `setpriv --nnp` sets no_new_privs before it executes `sleep 1003`. What does that take away?',
        zh: '你的容器仍有全部 capability，而且还可能获得更多。`setpriv --nnp` 在执行 `sleep 1003` 之前设置 no_new_privs。它拿走了什么？',
      },
      choices: [
        { en: 'All capabilities', zh: '所有 capability' },
        { en: 'The power of set-user-ID programs to give it more', zh: 'set-user-ID 程序给它更多权力的能力' },
        { en: 'The right to start other programs', zh: '启动其他程序的权利' },
      ],
      answer: 1,
      run: ['foster exec -d lab-scratch setpriv --nnp sleep 1003'],
      see: [
        "foster exec lab-scratch sh -c 'for pid in $(pidof sleep); do grep NoNewPrivs /proc/$pid/status; done'",
        'foster run --rm --explain busybox true 2>&1 | grep -B 1 NO_NEW_PRIVS',
      ],
      checks: [
        {
          what: { en: 'NoNewPrivs of `sleep 1003`', zh: '`sleep 1003` 的 NoNewPrivs' },
          look: status('lab-scratch', 'sleep 1003', 'NoNewPrivs'),
          want: exactly('1'),
        },
        {
          what: { en: 'NoNewPrivs of `sleep 1000`', zh: '`sleep 1000` 的 NoNewPrivs' },
          look: status('lab-scratch', 'sleep 1000', 'NoNewPrivs'),
          want: exactly('0'),
        },
      ],
      why: {
        en: 'execve(2) normally raises privileges for set-user-ID programs and for files with capabilities; never again after this call, nor in any child. What is left to do for a real container: drop capabilities, load a seccomp filter, mask files, limit by a cgroup, and have a PID 1 that reaps. Each of it was a lab. You have built one.',
        zh: 'execve(2) 通常会为 set-user-ID 程序和带 capability 的文件提升权限；调用之后就再也不会了，子进程也一样。要成为真正的容器，还差：丢弃 capability、加载 seccomp 过滤器、遮蔽文件、用 cgroup 限量，以及一个会收割的 PID 1。每一样都是前面的一个实验。你已经亲手造出了一个容器。',
      },
      hint: {
        en: '--nnp is an option of setpriv, and comes before the command.',
        zh: '--nnp 是 setpriv 的选项，要写在命令之前。',
      },
    },
  ],
};
