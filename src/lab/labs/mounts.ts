import { atLeast, differentFrom, exactly } from '../expect.js';
import type { Lab } from '../lab.js';
import { fileSystem, mountsBelow, mountsOutside, propagation } from '../looks/mounts.js';
import { namespace, ownNamespace } from '../looks/namespaces.js';

const YOUR_SHELL = { en: 'your shell', zh: '你的 shell' };

export const lab: Lab = {
  name: 'mounts',
  title: { en: "Mounts: a tree of one's own", zh: '挂载：属于自己的目录树' },
  story: {
    en: 'Where are the files of the host when you are in a container? Not hidden behind a permission, and not behind a filter of paths: they are not there. A process sees the mounts of its mount namespace and nothing else, and one list, /proc/PID/mountinfo, says it all.',
    zh: '身在容器之中，宿主机的文件去了哪里？不是被权限挡住，也不是有什么路径过滤：它们根本不在那里。进程只能看到自己挂载命名空间里的挂载，一份清单 /proc/PID/mountinfo 说明了一切。',
  },
  topics: ['mount-namespace', 'pivot_root', 'propagation', 'masked-paths'],
  steps: [
    {
      title: { en: 'where is the old root?', zh: '旧的根在哪里？' },
      ask: {
        en: 'foster has mounted the files of busybox and made them the root with pivot_root(2). Where is the root of the host in the container?',
        zh: 'foster 挂载了 busybox 的文件，并用 pivot_root(2) 把它变成根目录。在容器里，宿主机的根在哪里？',
      },
      choices: [
        { en: 'Beneath the new one, hidden, as with chroot', zh: '藏在新根的下面，和 chroot 一样' },
        { en: 'Nowhere: it was unmounted', zh: '哪里都不在：已经被卸载了' },
        { en: 'In /.old, which only root may read', zh: '在 /.old，只有 root 能读' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-mounts busybox sleep 1000'],
      see: ['foster exec lab-mounts mount'],
      checks: [
        {
          what: { en: 'mount namespace of lab-mounts', zh: 'lab-mounts 的挂载命名空间' },
          look: namespace('lab-mounts', 'mnt'),
          want: differentFrom(ownNamespace('mnt'), YOUR_SHELL),
        },
        {
          what: { en: 'mounts at / and below', zh: '/ 及其下的挂载数' },
          look: mountsBelow('lab-mounts', '/'),
          want: atLeast(5),
        },
      ],
      why: {
        en: 'chroot(2) only changes where a path begins, and root can climb out of it. pivot_root(2) swaps the root mount of a mount namespace for another, after which the old one is unmounted. What is no longer mounted has no path, whoever you are. Look at the list: not one line of it is a file system of your host, but for a few devices.',
        zh: 'chroot(2) 只改变路径的起点，root 能爬出来。pivot_root(2) 则把挂载命名空间的根挂载换成另一个，然后旧的被卸载。不再挂载的东西就没有路径，不管你是谁。看看这份清单：除了几个设备，没有一行是宿主机的文件系统。',
      },
      hint: {
        en: 'foster rm -f lab-mounts lets you try again.',
        zh: '用 foster rm -f lab-mounts 可以重来。',
      },
    },
    {
      title: { en: 'a mount of the container', zh: '容器里的挂载' },
      ask: {
        en: 'You mount a tmpfs at /mnt in the running container. Who sees it?',
        zh: '你在运行中的容器里把一个 tmpfs 挂载到 /mnt。谁能看到它？',
      },
      choices: [
        { en: 'Only the process that has mounted it', zh: '只有执行挂载的那个进程' },
        { en: 'The host as well', zh: '宿主机也能看到' },
        { en: 'All processes in the container', zh: '容器里的所有进程' },
      ],
      answer: 2,
      run: ['foster exec --privileged lab-mounts mount -t tmpfs tmpfs-of-lab /mnt'],
      see: ['foster exec lab-mounts df /mnt', 'grep -c tmpfs-of-lab /proc/self/mountinfo'],
      checks: [
        {
          what: {
            en: 'file system at /mnt of PID 1 of lab-mounts',
            zh: 'lab-mounts 的 PID 1 在 /mnt 的文件系统',
          },
          look: fileSystem('lab-mounts', '/mnt'),
          want: exactly('tmpfs'),
        },
        {
          what: {
            en: 'mounts of tmpfs-of-lab that your shell sees',
            zh: '你的 shell 能看到的 tmpfs-of-lab 挂载数',
          },
          look: mountsOutside('tmpfs-of-lab', 'lab-mounts'),
          want: exactly(0),
        },
      ],
      why: {
        en: 'Mounts belong to the namespace, not to the process: PID 1 never called mount(2), and has it all the same. The host is another namespace. --privileged was needed, since mount(2) takes CAP_SYS_ADMIN, which foster drops by default, as Docker does.',
        zh: '挂载属于命名空间，不属于进程：PID 1 从没调用过 mount(2)，却照样有了它。宿主机则是另一个命名空间。需要 --privileged，是因为 mount(2) 要求 CAP_SYS_ADMIN，而 foster 和 Docker 一样默认去掉了它。',
      },
      hint: {
        en: 'Without --privileged, mount(2) fails with EPERM.',
        zh: '没有 --privileged，mount(2) 会以 EPERM 失败。',
      },
    },
    {
      title: { en: 'propagation', zh: '挂载传播' },
      ask: {
        en: '/a is made a mount of its own, and shared. /b is a bind mount of it. Then something is mounted at /a/x, when /b exists already. Is it in /b/x?',
        zh: '把 /a 变成单独的挂载，并设为 shared。/b 是它的绑定挂载。然后在 /a/x 挂载一样东西——此时 /b 早已存在。/b/x 里有它吗？',
      },
      choices: [
        { en: 'Yes, because /a is shared.', zh: '有，因为 /a 是 shared。' },
        { en: 'No: a bind mount is a copy of that moment.', zh: '没有：绑定挂载是当时的一份副本。' },
        { en: 'Yes: a bind mount is always the same.', zh: '有：绑定挂载总是一样的。' },
      ],
      answer: 0,
      run: [
        "foster exec --privileged lab-mounts sh -c 'mkdir /a /b; mount -o bind /a /a; mount --make-shared /a; mount -o bind /a /b; mkdir /a/x; mount -t tmpfs inner-of-lab /a/x'",
      ],
      see: ["foster exec lab-mounts grep -E ' /[ab](/x)? rw' /proc/self/mountinfo"],
      checks: [
        {
          what: { en: 'propagation of /a', zh: '/a 的传播类型' },
          look: propagation('lab-mounts', '/a'),
          want: exactly('shared'),
        },
        {
          what: { en: 'file system at /b/x', zh: '/b/x 的文件系统' },
          look: fileSystem('lab-mounts', '/b/x'),
          want: exactly('tmpfs'),
        },
      ],
      why: {
        en: '"shared:1" in mountinfo is a peer group: a mount in one of its members appears in all. With private, the default in a container, /b/x would be an empty folder. That is what -v SRC:DST:rshared and rslave are about, and why a container engine must first make everything private: on a host with systemd, everything is shared, and each mount of the container would appear outside.',
        zh: 'mountinfo 里的“shared:1”是一个对等组：在任一成员里挂载，所有成员里都会出现。若是容器里默认的 private，/b/x 就只是个空目录。-v SRC:DST:rshared 与 rslave 说的就是这件事；这也是容器引擎必须先把一切设为 private 的原因：在有 systemd 的宿主机上一切都是 shared，容器里的每个挂载都会在外面冒出来。',
      },
      hint: {
        en: 'The folders may exist from an earlier attempt: foster rm -f lab-mounts, and foster lab solve makes it again.',
        zh: '之前的尝试可能留下了这些目录：先 foster rm -f lab-mounts，再用 foster lab solve 重新创建。',
      },
    },
    {
      title: { en: 'masks', zh: '遮蔽' },
      ask: {
        en: '/proc/keys lists keys of the kernel. Anyone may read it on a host. In lab-mounts it is empty. How does foster do that?',
        zh: '/proc/keys 列出内核的密钥，在宿主机上谁都能读。在 lab-mounts 里它是空的。foster 是怎么做到的？',
      },
      choices: [
        { en: 'The kernel hides it in user namespaces.', zh: '内核在用户命名空间里把它藏起来了。' },
        { en: '/dev/null is mounted over it.', zh: '在它上面挂载了 /dev/null。' },
        { en: 'A seccomp filter refuses to open it.', zh: 'seccomp 过滤器拒绝打开它。' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-mounts-bare --security-opt unmask=ALL busybox sleep 1000'],
      see: [
        "foster exec lab-mounts grep ' /proc' /proc/self/mountinfo",
        'foster exec lab-mounts wc -c /proc/keys',
        'foster exec lab-mounts-bare wc -c /proc/keys',
      ],
      checks: [
        {
          what: { en: 'mounts at /proc and below, in lab-mounts', zh: 'lab-mounts 中 /proc 及其下的挂载数' },
          look: mountsBelow('lab-mounts', '/proc'),
          want: atLeast(4),
        },
        {
          what: { en: 'the same in lab-mounts-bare', zh: 'lab-mounts-bare 中的同样数目' },
          look: mountsBelow('lab-mounts-bare', '/proc'),
          want: exactly(1),
        },
      ],
      why: {
        en: 'A file can be covered like a folder: foster mounts /dev/null over files, an empty tmpfs over folders, and /proc/sys read-only over itself. Without the masks there is one mount, /proc alone. And why can root in the container not just unmount them? Because that takes CAP_SYS_ADMIN again.',
        zh: '文件和目录一样可以被盖住：foster 在文件上挂载 /dev/null，在目录上挂载空的 tmpfs，并把 /proc/sys 只读地挂载在它自己上面。去掉遮蔽后，就只剩 /proc 这一个挂载。那容器里的 root 为什么不能直接把它们卸载？因为这又需要 CAP_SYS_ADMIN。',
      },
      hint: {
        en: 'unmask=ALL is written in capital letters.',
        zh: 'unmask=ALL 中的 ALL 要大写。',
      },
    },
  ],
};
