import { atLeast, exactly, nothing } from '../expect.js';
import type { Lab } from '../lab.js';
import { existsIn, inUpper, sizeInUpper } from '../looks/files.js';
import { imageLayers } from '../looks/images.js';
import { fileSystem } from '../looks/mounts.js';

const UPPER = "ls -l $(foster inspect -f '{{.GraphDriver.Data.UpperDir}}' lab-overlay)/bin";

export const lab: Lab = {
  name: 'overlay',
  title: { en: 'Overlay: layers, copies and whiteouts', zh: 'Overlay：层、写时复制与 whiteout' },
  story: {
    en: 'A hundred containers of one image do not have a hundred copies of it. They share its files, and each has a layer of its own for what it changes. The kernel lays them over each other. That is cheap and clever, and has edges on which people cut themselves every day: why does deleting files make an image bigger?',
    zh: '同一个镜像的一百个容器，并没有一百份副本。它们共享镜像的文件，各自只有一层用来存放改动，由内核叠放在一起。这既便宜又巧妙，但也有每天都有人被割伤的棱角：为什么删除文件反而让镜像变大？',
  },
  needs: ['overlay'],
  images: ['lab-overlay-without', 'lab-overlay-image'],
  topics: ['overlay', 'layer'],
  steps: [
    {
      title: { en: 'an empty layer', zh: '一个空的层' },
      ask: {
        en: 'A container of busybox, whose files take 2 MB, has just been started. How much of it is in its own layer, the upper one?',
        zh: '刚启动一个 busybox 容器，它的文件共 2 MB。其中有多少在它自己的那一层（upper）里？',
      },
      choices: [
        { en: 'All 2 MB', zh: '全部 2 MB' },
        { en: 'Nothing but a few empty files to mount over', zh: '除了几个供挂载用的空文件，什么也没有' },
        { en: 'What it has read so far', zh: '它到目前为止读过的部分' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-overlay busybox sleep 1000'],
      see: ["find $(foster inspect -f '{{.GraphDriver.Data.UpperDir}}' lab-overlay) -type f | xargs ls -s"],
      checks: [
        {
          what: { en: 'file system at /', zh: '/ 的文件系统' },
          look: fileSystem('lab-overlay', '/'),
          want: exactly('overlay'),
        },
        {
          what: { en: '/bin/busybox in the upper layer', zh: 'upper 层里的 /bin/busybox' },
          look: inUpper('lab-overlay', '/bin/busybox'),
          want: nothing,
        },
      ],
      why: {
        en: 'An overlay looks up each name from the top down: the upper layer first, then the lower ones. /bin/busybox is found below, in a folder that all containers of this root filesystem share, also in the page cache: the program is in memory once.',
        zh: 'overlay 自上而下查找每个名字：先看 upper 层，再看下面各层。/bin/busybox 是在下层找到的，那个目录由所有使用这个根文件系统的容器共享，页缓存也共享：程序在内存里只有一份。',
      },
      hint: {
        en: 'foster rm -f lab-overlay lets you try again.',
        zh: '用 foster rm -f lab-overlay 可以重来。',
      },
    },
    {
      title: { en: 'copy-up', zh: '写时复制' },
      ask: {
        en: 'touch changes nothing of a file but its time stamp. You touch /bin/busybox, which has 2 MB. How much is written to the upper layer?',
        zh: 'touch 只改变文件的时间戳。你对 2 MB 的 /bin/busybox 执行 touch。有多少数据写进 upper 层？',
      },
      choices: [
        { en: 'A few bytes for the time stamp', zh: '几个字节，记录时间戳' },
        { en: 'One block of 4 KB', zh: '一个 4 KB 的块' },
        { en: 'The whole file', zh: '整个文件' },
      ],
      answer: 2,
      run: ['foster exec lab-overlay touch /bin/busybox'],
      see: [UPPER],
      checks: [
        {
          what: { en: 'size of /bin/busybox in the upper layer', zh: 'upper 层里 /bin/busybox 的大小' },
          look: sizeInUpper('lab-overlay', '/bin/busybox'),
          want: atLeast(100_000),
        },
      ],
      why: {
        en: "An overlay knows whole files only. At the first change of whatever kind, the kernel copies the file up; then it is changed. So RUN chmod -R in a Dockerfile doubles the size of what it touches, and a database of 10 GB should not live in a layer, but in a volume. Device mapper, once Docker's way on Red Hat, shared blocks instead of files: a time stamp would have cost it one block, but it had to be given a disk of its own.",
        zh: 'overlay 只认整个文件。无论什么改动，第一次改动时内核都先把文件整个复制上来，然后再改。所以 Dockerfile 里的 RUN chmod -R 会让涉及的文件占用翻倍；10 GB 的数据库不该放在层里，而应放在卷里。Docker 曾在 Red Hat 上使用的 device mapper 共享的是块而不是文件：改一个时间戳只花一个块，但它需要一块专门的磁盘。',
      },
      hint: { en: 'Look at the upper layer before and after.', zh: '比较前后 upper 层的内容。' },
    },
    {
      title: { en: 'a whiteout', zh: 'whiteout：看不见的删除' },
      ask: {
        en: 'You remove /bin/vi. It is in the lower layer, which is shared and never changed. What happens in the upper one?',
        zh: '你删除 /bin/vi。它在下层，而下层是共享的，永不改变。upper 层里会发生什么？',
      },
      choices: [
        { en: 'A special file says that it is not there.', zh: '出现一个特殊文件，表示“这里没有它”。' },
        {
          en: 'Nothing: the kernel remembers it until the container ends.',
          zh: '什么也没有：内核记在内存里，直到容器结束。',
        },
        { en: 'An empty file takes its place.', zh: '由一个空文件取代它。' },
      ],
      answer: 0,
      run: ['foster exec lab-overlay rm /bin/vi'],
      see: [UPPER, 'foster diff lab-overlay'],
      checks: [
        {
          what: { en: '/bin/vi in the upper layer', zh: 'upper 层里的 /bin/vi' },
          look: inUpper('lab-overlay', '/bin/vi'),
          want: exactly('whiteout'),
        },
        {
          what: { en: '/bin/vi in the container', zh: '容器里的 /bin/vi' },
          look: existsIn('lab-overlay', '/bin/vi'),
          want: exactly(0),
        },
      ],
      why: {
        en: 'The "c" and "0, 0" are a character device with the number 0/0: a whiteout. The overlay sees it and stops looking further down. AUFS, which Docker began with, used a file named .wh.vi for that, and was never accepted into the kernel; its names live on in the tar files of every image.',
        zh: '“c”和“0, 0”表示一个编号为 0/0 的字符设备：这就是 whiteout。overlay 看到它就不再往下找。Docker 最初使用的 AUFS 用名为 .wh.vi 的文件来表示，它从未被内核接纳，但这种命名至今还活在每个镜像的 tar 文件里。',
      },
      hint: { en: 'Remove it in the container, with foster exec.', zh: '用 foster exec 在容器里删除它。' },
    },
    {
      title: { en: 'a secret in a layer', zh: '层里的秘密' },
      ask: {
        en: 'A file of 512 KB goes into an image. In a container of that image you remove it, and foster commit makes a second image of that. Is the file in the second image?',
        zh: '一个 512 KB 的文件进入了镜像。你在该镜像的容器里删除它，再用 foster commit 生成第二个镜像。第二个镜像里还有这个文件吗？',
      },
      choices: [
        { en: 'No: it was removed.', zh: '没有：已经删掉了。' },
        {
          en: 'Yes: the layer that has it is a part of the image.',
          zh: '有：含有它的那一层仍是镜像的一部分。',
        },
        { en: 'No, but its name is.', zh: '没有，但名字还在。' },
      ],
      answer: 1,
      run: [
        'foster exec lab-overlay dd if=/dev/zero of=/secret bs=1k count=512',
        'foster commit lab-overlay lab-overlay-image',
        'foster run -d --name lab-overlay-second lab-overlay-image sleep 1000',
        'foster exec lab-overlay-second rm /secret',
        'foster commit lab-overlay-second lab-overlay-without',
      ],
      see: ['foster exec lab-overlay-second ls /secret', 'foster history lab-overlay-without'],
      checks: [
        {
          what: { en: '/secret in lab-overlay-second', zh: 'lab-overlay-second 里的 /secret' },
          look: existsIn('lab-overlay-second', '/secret'),
          want: exactly(0),
        },
        {
          what: { en: '/secret in its upper layer', zh: '其 upper 层里的 /secret' },
          look: inUpper('lab-overlay-second', '/secret'),
          want: exactly('whiteout'),
        },
        {
          what: { en: 'layers of lab-overlay-without', zh: 'lab-overlay-without 的层数' },
          look: imageLayers('lab-overlay-without'),
          want: exactly(2),
        },
      ],
      why: {
        en: 'The second image is the first one and a layer with a whiteout on top. What a later layer removes is still in the earlier one, and is downloaded with it: also the password that "RUN rm secret" has removed. To make an image smaller, remove a file in the same RUN that has made it, or copy what you need into a new stage.',
        zh: '第二个镜像等于第一个镜像再加上一个含有 whiteout 的层。后一层删除的东西仍留在前一层里，也会一起被下载：包括用“RUN rm secret”删掉的密码。要让镜像变小，就在创建文件的同一条 RUN 里删除它，或者把需要的东西复制到一个新的构建阶段。',
      },
      hint: {
        en: 'foster rm -f lab-overlay-second lets you begin this step again.',
        zh: '用 foster rm -f lab-overlay-second 可以重做这一步。',
      },
    },
  ],
};
