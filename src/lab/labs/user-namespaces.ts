import { contains, differentFrom, exactly, sameAs } from '../expect.js';
import type { Lab } from '../lab.js';
import { owner } from '../looks/files.js';
import { idOutside, ownUser, userOutside } from '../looks/namespaces.js';
import { status } from '../looks/processes.js';

const YOU = { en: 'you', zh: '你自己' };

export const lab: Lab = {
  name: 'user-namespaces',
  title: { en: 'User namespaces: root that is not root', zh: '用户命名空间：不是 root 的 root' },
  story: {
    en: 'You are not root, and yet id prints uid=0 in your containers. Is that a trick of the container runtime? No: the kernel itself says so. A user namespace has its own root, its own numbering of users, and its own capabilities, and nothing of that is worth anything outside.',
    zh: '你不是 root，可是在你的容器里 id 打印的却是 uid=0。这是容器运行时耍的把戏吗？不是：内核自己就是这么说的。用户命名空间有自己的 root、自己的用户编号、自己的 capability，而这些在外面一文不值。',
  },
  needs: ['rootless', 'ids'],
  files: {},
  topics: ['user-namespace', 'id-maps', 'capabilities'],
  steps: [
    {
      title: { en: 'who is root?', zh: '谁是 root？' },
      ask: {
        en: 'In the container, `sleep 1000` runs as root. As whom does it run on the host?',
        zh: '在容器里，`sleep 1000` 以 root 身份运行。在宿主机上它以谁的身份运行？',
      },
      choices: [
        { en: 'As root', zh: '以 root 身份' },
        { en: 'As you', zh: '以你自己的身份' },
        { en: 'As nobody', zh: '以 nobody 身份' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-users busybox sleep 1000'],
      see: [
        'foster exec lab-users id',
        "grep Uid /proc/$(foster inspect -f '{{.State.Pid}}' lab-users)/status",
        "cat /proc/$(foster inspect -f '{{.State.Pid}}' lab-users)/uid_map",
      ],
      checks: [
        {
          what: { en: 'user of `sleep 1000` on the host', zh: '`sleep 1000` 在宿主机上的用户' },
          look: userOutside('lab-users', 'sleep 1000'),
          want: sameAs(ownUser, YOU),
        },
        {
          what: { en: 'user of the host that is 0 inside', zh: '容器内的 0 对应宿主机上的用户' },
          look: idOutside('lab-users', 0),
          want: sameAs(ownUser, YOU),
        },
      ],
      why: {
        en: '/proc/PID/uid_map has the whole secret: the first id inside, the first one outside, and how many. 0 inside is you outside. When the kernel checks whether the process may read a file of the host, it asks who it is outside. Should it break out of the container, it can do what you can do, and no more.',
        zh: '全部秘密都在 /proc/PID/uid_map 里：内部起始编号、外部起始编号、个数。里面的 0 就是外面的你。内核检查这个进程能否读取宿主机的某个文件时，看的是它在外面的身份。即使它逃出容器，也只能做你能做的事，不会更多。',
      },
      hint: { en: 'foster rm -f lab-users lets you try again.', zh: '用 foster rm -f lab-users 可以重来。' },
    },
    {
      title: { en: 'other users', zh: '其他用户' },
      ask: {
        en: 'You bind-mount a folder that anybody may write to, and create a file as user 1000 of the container. Whose file is that on the host?',
        zh: '你绑定挂载一个人人可写的目录，并以容器里的用户 1000 创建一个文件。在宿主机上，这个文件归谁？',
      },
      choices: [
        { en: "User 1000's", zh: '用户 1000' },
        { en: 'Yours', zh: '你' },
        { en: 'A user with a large number that nobody is', zh: '一个编号很大、谁也不是的用户' },
      ],
      answer: 2,
      run: [
        'chmod 777 .',
        'foster run --rm -v "$PWD":/data busybox touch /data/of-root',
        'foster run --rm -u 1000 -v "$PWD":/data busybox touch /data/of-1000',
      ],
      see: ['ls -ln', 'cat /etc/subuid'],
      checks: [
        {
          what: { en: 'owner of of-root', zh: 'of-root 的所有者' },
          look: owner('of-root'),
          want: sameAs(ownUser, YOU),
        },
        {
          what: { en: 'owner of of-1000', zh: 'of-1000 的所有者' },
          look: owner('of-1000'),
          want: sameAs(idOutside('lab-users', 1000), {
            en: 'user 1000 of lab-users',
            zh: 'lab-users 的用户 1000',
          }),
        },
        {
          what: { en: 'owner of of-1000', zh: 'of-1000 的所有者' },
          look: owner('of-1000'),
          want: differentFrom(ownUser, YOU),
        },
      ],
      why: {
        en: 'The administrator has given you a range of ids in /etc/subuid that belong to no one else. 1 inside is the first of them, 1000 the thousandth. A disk only stores numbers, so the file has the number of outside. This is the reason for the odd owners that files of rootless containers have.',
        zh: '管理员在 /etc/subuid 里分给你一段不属于任何人的 id。里面的 1 是其中第一个，1000 是第一千个。磁盘上只存编号，所以文件带的是外部编号。rootless 容器的文件所有者看起来很奇怪，原因就在这里。',
      },
      hint: {
        en: 'Type the commands in the folder of the lab: "$PWD" is where you are.',
        zh: '请在实验目录里输入命令："$PWD" 就是你当前所在的目录。',
      },
    },
    {
      title: { en: 'all capabilities', zh: '全部 capability' },
      ask: {
        en: 'A --privileged container has every capability that there is, CAP_SYS_TIME too. Can it set the clock of the machine?',
        zh: '--privileged 容器拥有所有 capability，包括 CAP_SYS_TIME。它能设置机器的时钟吗？',
      },
      choices: [
        {
          en: 'No: it has them in its own user namespace only.',
          zh: '不能：它只在自己的用户命名空间里拥有它们。',
        },
        { en: 'Yes: that is what CAP_SYS_TIME is for.', zh: '能：CAP_SYS_TIME 就是干这个的。' },
        { en: 'It only sets the clock of the container.', zh: '它只能设置容器自己的时钟。' },
      ],
      answer: 0,
      run: ['foster run -d --name lab-users-mighty --privileged busybox sleep 1000'],
      see: [
        'foster exec lab-users-mighty grep CapEff /proc/1/status',
        'foster exec lab-users-mighty date -s 2000-01-01',
        'foster exec lab-users-mighty hostname nobody-minds',
      ],
      checks: [
        {
          what: { en: 'effective capabilities of `sleep 1000`', zh: '`sleep 1000` 的有效 capability' },
          look: status('lab-users-mighty', 'sleep 1000', 'CapEff'),
          want: contains('ffffffffff'),
        },
        {
          what: { en: 'its user on the host', zh: '它在宿主机上的用户' },
          look: userOutside('lab-users-mighty', 'sleep 1000'),
          want: sameAs(ownUser, YOU),
        },
      ],
      why: {
        en: 'A capability always counts in a user namespace, and for what that namespace owns. The host name belongs to the container\'s UTS namespace, which its user namespace owns: allowed. The clock belongs to the initial user namespace: EPERM. So "privileged" in a rootless container is far less than root.',
        zh: 'capability 总是相对于某个用户命名空间而言，只对该命名空间拥有的东西有效。主机名属于容器的 UTS 命名空间，归容器的用户命名空间所有：允许。时钟属于最初的用户命名空间：EPERM。所以 rootless 容器里的“privileged”远不等于 root。',
      },
      hint: { en: 'Do not forget --privileged.', zh: '别忘了 --privileged。' },
    },
    {
      title: { en: 'keep your id', zh: '保留你的 id' },
      ask: {
        en: 'With --userns keep-id, you have the same number inside as outside. What is root of that container on the host?',
        zh: '使用 --userns keep-id，你在容器内外的编号相同。这个容器里的 root 在宿主机上是谁？',
      },
      choices: [
        { en: 'You, too', zh: '也是你' },
        { en: 'The first id of your range', zh: '你那段 id 中的第一个' },
        { en: 'There is no root in it.', zh: '里面没有 root。' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-users-keep --userns keep-id busybox sleep 1000'],
      see: [
        'foster exec lab-users-keep id',
        "cat /proc/$(foster inspect -f '{{.State.Pid}}' lab-users-keep)/uid_map",
      ],
      checks: [
        {
          what: { en: 'user of `sleep 1000` on the host', zh: '`sleep 1000` 在宿主机上的用户' },
          look: userOutside('lab-users-keep', 'sleep 1000'),
          want: sameAs(ownUser, YOU),
        },
        {
          what: { en: 'user of the host that is 0 inside', zh: '容器内的 0 对应宿主机上的用户' },
          look: idOutside('lab-users-keep', 0),
          want: sameAs(idOutside('lab-users', 1), { en: 'user 1 of lab-users', zh: 'lab-users 的用户 1' }),
        },
        {
          what: { en: 'effective capabilities of `sleep 1000`', zh: '`sleep 1000` 的有效 capability' },
          look: status('lab-users-keep', 'sleep 1000', 'CapEff'),
          want: exactly('0000000000000000'),
        },
      ],
      why: {
        en: 'The map has three lines now: below you, you, and above you. Only one id can be you, so root had to get one of the range. Your process is not root inside, and so it has no capabilities at all. Development containers like that: files that they make in your folders are yours.',
        zh: '现在映射有三行：你之下、你、你之上。只有一个编号能是你，所以 root 只好从那段 id 里拿一个。你的进程在里面不是 root，因而没有任何 capability。开发容器喜欢这样：它们在你目录里创建的文件就归你所有。',
      },
      hint: {
        en: 'foster rm -f lab-users-keep lets you try again.',
        zh: '用 foster rm -f lab-users-keep 可以重来。',
      },
    },
  ],
};
