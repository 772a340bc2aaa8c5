import { atLeast, exactly, nothing, sameAs } from '../expect.js';
import type { Lab } from '../lab.js';
import { brokenBlobs, digestOf, imageId, reachableBlobs, wholeBlobs } from '../looks/images.js';
import { running } from '../looks/processes.js';

const CONFIG = {
  architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  os: 'linux',
  config: { Cmd: ['/bin/sleep', '1000'] },
  rootfs: { type: 'layers', diff_ids: ['sha256:LAYER'] },
};

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST = {
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  config: {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: 'sha256:CONFIG',
    size: 'SIZE-OF-CONFIG',
  },
  layers: [
    { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: 'sha256:LAYER', size: 'SIZE-OF-LAYER' },
  ],
};

const INDEX = {
  schemaVersion: 2,
  manifests: [
    {
      mediaType: MANIFEST_TYPE,
      digest: 'sha256:MANIFEST',
      size: 'SIZE',
      annotations: { 'org.opencontainers.image.ref.name': 'lab-images-hand' },
    },
  ],
};

/** A size is a number, which only the learner knows. */
function template(value: object): string {
  return `${JSON.stringify(value, undefined, 2).replace(/"(SIZE[A-Z-]*)"/g, '$1')}\n`;
}

const digest = (file: string) => `$(sha256sum <${file} | cut -c 1-64)`;
const size = (file: string) => `$(wc -c <${file})`;
const store = (file: string) => `cp ${file} layout/blobs/sha256/${digest(file)}`;

export const lab: Lab = {
  name: 'images',
  title: { en: 'Images: a few files and their digests', zh: '镜像：几个文件和它们的摘要' },
  story: {
    en: 'An image sounds like a disk image, and is nothing of that kind: it is a tar file or several, and two small JSON files that name them by their SHA-256. You need no builder to make one. With tar, sha256sum and an editor you will make an image by hand, run it, and then see what happens if one byte of it changes.',
    zh: '“镜像”听起来像磁盘映像，其实完全不是：它就是一个或几个 tar 文件，外加两个用 SHA-256 指名道姓的小 JSON 文件。做镜像并不需要构建工具。你将只用 tar、sha256sum 和编辑器手工做出一个镜像，运行它，再看看改动其中一个字节会怎样。',
  },
  files: {
    'config.template': template(CONFIG),
    'manifest.template': template(MANIFEST),
    'index.template': template(INDEX),
  },
  images: ['lab-images-hand', 'lab-images-bad'],
  topics: ['image', 'manifest', 'digest'],
  steps: [
    {
      title: { en: 'a layer', zh: '一个层' },
      ask: {
        en: 'A layer is a tar file of the files that it adds. In an image, under which name is it stored?',
        zh: '层就是一个 tar 文件，内容是它要添加的文件。在镜像里，它以什么名字存放？',
      },
      choices: [
        { en: 'layer.tar', zh: 'layer.tar' },
        { en: 'The SHA-256 of its content', zh: '其内容的 SHA-256' },
        { en: 'The name of the image and a number', zh: '镜像名加一个序号' },
      ],
      answer: 1,
      run: [
        'mkdir -p root/bin layout/blobs/sha256',
        'foster run --rm busybox cat /bin/busybox >root/bin/sleep && chmod 755 root/bin/sleep',
        'tar -C root -cf layer.tar .',
        store('layer.tar'),
      ],
      see: ['tar -tvf layer.tar', 'ls -l layout/blobs/sha256'],
      checks: [
        {
          what: { en: 'blobs whose name is their SHA-256', zh: '名字等于自身 SHA-256 的 blob 数' },
          look: wholeBlobs('layout'),
          want: atLeast(1),
        },
      ],
      why: {
        en: 'Named by its content, a blob never has to be compared or versioned: the same layer of ten images is one file, and whoever has it need not download it again. And nobody can exchange it without the name becoming wrong.',
        zh: '按内容命名，blob 就无需比较，也无需版本号：十个镜像共用的同一层只是一个文件，谁已经有了就不必再下载。而且谁也无法调包而不让名字露馅。',
      },
      hint: {
        en: 'Work in the folder of the lab. `sha256sum <layer.tar` prints the name.',
        zh: '请在实验目录里操作。`sha256sum <layer.tar` 会打印出这个名字。',
      },
    },
    {
      title: { en: 'config, manifest, index', zh: 'config、manifest 与 index' },
      ask: {
        en: 'The config says what to run, the manifest names the config and the layers, and the index names the manifest: each by digest and size. In which order must one write them?',
        zh: 'config 说明运行什么，manifest 指明 config 和各层，index 指明 manifest：都用摘要和大小。应当按什么顺序来写？',
      },
      choices: [
        { en: 'Index, manifest, config: from the top', zh: '先 index，再 manifest，最后 config：自上而下' },
        {
          en: 'Config, manifest, index: from the bottom',
          zh: '先 config，再 manifest，最后 index：自下而上',
        },
        { en: 'It does not matter.', zh: '无所谓。' },
      ],
      answer: 1,
      run: [
        `sed "s/LAYER/${digest('layer.tar')}/" config.template >config.json`,
        store('config.json'),
        `sed "s/sha256:CONFIG/sha256:${digest('config.json')}/; s/SIZE-OF-CONFIG/${size('config.json')}/; s/sha256:LAYER/sha256:${digest('layer.tar')}/; s/SIZE-OF-LAYER/${size('layer.tar')}/" manifest.template >manifest.json`,
        store('manifest.json'),
        `sed "s/MANIFEST/${digest('manifest.json')}/; s/SIZE/${size('manifest.json')}/" index.template >layout/index.json`,
        `echo '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout`,
      ],
      see: ['cat manifest.json', 'ls -l layout/blobs/sha256'],
      checks: [
        {
          what: { en: 'blobs whose name is their SHA-256', zh: '名字等于自身 SHA-256 的 blob 数' },
          look: wholeBlobs('layout'),
          want: atLeast(3),
        },
        {
          what: { en: 'blobs that the index leads to', zh: '从 index 出发能找到的 blob 数' },
          look: reachableBlobs('layout'),
          want: exactly(3),
        },
      ],
      why: {
        en: 'Whoever names another by its digest must come after it, so the layers come first, and the digest of the manifest stands for everything: this is what NAME@sha256:... pins. A tree of hashes like that is called a Merkle tree; git has the same.',
        zh: '要用摘要指名别人，就必须排在它之后；所以先有层，而 manifest 的摘要代表了全部内容：NAME@sha256:... 锁定的正是它。这样的哈希树叫作 Merkle 树，git 也是如此。',
      },
      hint: {
        en: 'You may also copy the templates and fill them in with an editor. A changed file needs a new name among the blobs.',
        zh: '也可以复制模板，用编辑器填写。文件一改，在 blob 里的名字也要跟着改。',
      },
    },
    {
      title: { en: 'run it', zh: '运行它' },
      ask: {
        en: 'foster loads your image and shows an image ID. What is that the digest of?',
        zh: 'foster 载入你的镜像并显示一个镜像 ID。它是什么的摘要？',
      },
      choices: [
        { en: 'Of all layers together', zh: '所有层合在一起' },
        { en: 'Of the manifest', zh: 'manifest 文件' },
        { en: 'Of the config', zh: 'config 文件' },
      ],
      answer: 2,
      run: ['foster load -i layout', 'foster run -d --name lab-images lab-images-hand'],
      see: [
        "foster image inspect -f '{{.Id}}' lab-images-hand",
        'sha256sum config.json manifest.json',
        'foster top lab-images pid,args',
      ],
      checks: [
        {
          what: { en: 'id of the image', zh: '镜像的 ID' },
          look: imageId('lab-images-hand', 'layout'),
          want: sameAs(digestOf('config.json'), 'config.json'),
        },
        {
          what: { en: 'running processes `/bin/sleep 1000`', zh: '正在运行的 `/bin/sleep 1000` 进程数' },
          look: running('lab-images', '/bin/sleep 1000'),
          want: exactly(1),
        },
      ],
      why: {
        en: "The config lists the digests of the unpacked layers (diff_ids), so it stands for the content, however it is compressed. The manifest may differ between registries: that is why the image ID is the config's, and the digest to pull by the manifest's. Your image has one file, and no shell: nothing else is needed to run a program.",
        zh: 'config 列出了各层解压后的摘要（diff_ids），所以不管怎么压缩，它都代表内容本身。manifest 在不同仓库里可能不同：所以镜像 ID 用 config 的摘要，而拉取用的摘要是 manifest 的。你的镜像只有一个文件，连 shell 都没有：运行一个程序，本来就不需要别的。',
      },
      hint: {
        en: 'foster load says what is wrong with a layout.',
        zh: '如果目录布局有问题，foster load 会指出来。',
      },
    },
    {
      title: { en: 'one byte', zh: '一个字节' },
      ask: {
        en: 'You remove your image, so that foster keeps nothing of it. You copy the layout and change a single byte in the layer. Then you load it under the name lab-images-bad. What does foster do?',
        zh: '你删除自己的镜像，让 foster 不再保存它的任何内容。然后复制整个目录，改动层里的一个字节，再以 lab-images-bad 之名载入。foster 会怎么做？',
      },
      choices: [
        { en: 'It loads it: the tar is still readable.', zh: '照常载入：tar 仍然可读。' },
        { en: 'It warns, and loads it.', zh: '给出警告，然后载入。' },
        { en: 'It refuses, and keeps nothing.', zh: '拒绝，而且什么也不保留。' },
      ],
      answer: 2,
      run: [
        'foster rm -f lab-images && foster rmi lab-images-hand',
        'cp -r layout bad && sed -i s/lab-images-hand/lab-images-bad/ bad/index.json',
        `printf X | dd of=bad/blobs/sha256/${digest('layer.tar')} bs=1 seek=1000 conv=notrunc`,
        'foster load -i bad',
      ],
      see: ['foster images'],
      checks: [
        {
          what: { en: 'blobs of bad that are not what their name says', zh: 'bad 中名实不符的 blob 数' },
          look: brokenBlobs('bad'),
          want: exactly(1),
        },
        {
          what: { en: 'id of an image lab-images-bad', zh: '镜像 lab-images-bad 的 ID' },
          look: imageId('lab-images-bad', 'bad'),
          want: nothing,
        },
      ],
      why: {
        en: 'Every blob is hashed on its way in. It makes no difference whether a byte was changed by a broken disk, a proxy, or an attacker who owns the registry: without your digest of the manifest he could serve you another image, with it he cannot. A blob that foster has already is not read again: whatever has the same digest is the same.',
        zh: '每个 blob 进来时都会计算哈希。字节被改动是因为磁盘坏了、代理捣乱，还是攻击者控制了仓库，都没有区别：如果你没有指定 manifest 的摘要，他可以给你另一个镜像；如果你指定了，他就办不到。foster 已有的 blob 不会再读一遍：摘要相同，内容就相同。',
      },
      hint: { en: 'rm -r bad lets you try again.', zh: '用 rm -r bad 可以重来。' },
    },
  ],
};
