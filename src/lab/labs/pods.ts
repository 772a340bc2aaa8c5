import { differentFrom, exactly, sameAs } from '../expect.js';
import type { Lab } from '../lab.js';
import { fileIn } from '../looks/files.js';
import { namespace } from '../looks/namespaces.js';
import { exitCode, parent, running } from '../looks/processes.js';

export const lab: Lab = {
  name: 'pods',
  title: { en: 'Pods: containers that share', zh: 'Pod：共享命名空间的容器' },
  story: {
    en: '"One process in a container" is a good rule until two processes belong together: a server, and a helper that refreshes its files. Kubernetes keeps them in two containers and lets these share some of their namespaces. Nothing new is needed for that: the kernel has never known what a container is.',
    zh: '“一个容器一个进程”是条好规则，直到两个进程必须在一起：比如一个服务器和一个替它刷新文件的助手。Kubernetes 把它们放进两个容器，并让这两个容器共享部分命名空间。这不需要任何新东西：内核从来就不知道什么是容器。',
  },
  topics: ['pod'],
  steps: [
    {
      title: { en: 'what is shared', zh: '共享了什么' },
      ask: {
        en: 'A pod with two containers: a web server, and one that sleeps. Do the two see the same files?',
        zh: '一个 Pod 里有两个容器：一个 Web 服务器，一个只是睡觉。两者看到的文件相同吗？',
      },
      choices: [
        { en: 'Yes: that is what a pod is for.', zh: '相同：Pod 就是为此而生的。' },
        { en: 'No: they share the network, and not the mounts.', zh: '不同：它们共享网络，不共享挂载。' },
        { en: 'They share everything but the PIDs.', zh: '除了 PID，其余全部共享。' },
      ],
      answer: 1,
      run: [
        'foster pod create --share +pid lab-pods',
        'foster run -d --pod lab-pods --name lab-pods-web busybox httpd -f -h /etc',
        'foster run -d --pod lab-pods --name lab-pods-side busybox sleep 1000',
      ],
      see: ['foster pod ps --filter name=lab-pods', 'foster pod top lab-pods'],
      checks: [
        {
          what: { en: 'network namespace of lab-pods-side', zh: 'lab-pods-side 的网络命名空间' },
          look: namespace('lab-pods-side', 'net'),
          want: sameAs(namespace('lab-pods-web', 'net'), 'lab-pods-web'),
        },
        {
          what: { en: 'mount namespace of lab-pods-side', zh: 'lab-pods-side 的挂载命名空间' },
          look: namespace('lab-pods-side', 'mnt'),
          want: differentFrom(namespace('lab-pods-web', 'mnt'), 'lab-pods-web'),
        },
        {
          what: { en: 'user namespace of lab-pods-side', zh: 'lab-pods-side 的用户命名空间' },
          look: namespace('lab-pods-side', 'user'),
          want: sameAs(namespace('lab-pods-web', 'user'), 'lab-pods-web'),
        },
      ],
      why: {
        en: 'The containers of a pod share the network, IPC and the host name, and the PIDs too if you ask for it (--share +pid). Files stay apart, because each comes from its own image; what both need goes into a volume. The namespaces must belong to someone who is always there: a container that does nothing, the infra container. In Kubernetes it is called pause.',
        zh: 'Pod 里的容器共享网络、IPC 和主机名；如果你要求（--share +pid），也共享 PID。文件各归各的，因为来自各自的镜像；双方都需要的东西放进卷里。这些命名空间必须归一个一直在场的进程所有：一个什么也不做的容器，即 infra 容器，在 Kubernetes 里叫 pause。',
      },
      hint: {
        en: 'foster pod rm -f lab-pods lets you try again.',
        zh: '用 foster pod rm -f lab-pods 可以重来。',
      },
    },
    {
      title: { en: 'localhost', zh: 'localhost' },
      ask: {
        en: 'The sleeper asks for http://127.0.0.1/hostname. What does it get?',
        zh: '睡觉的那个容器访问 http://127.0.0.1/hostname。它会得到什么？',
      },
      choices: [
        { en: 'The page of the other container', zh: '另一个容器的页面' },
        { en: 'Connection refused: it has no server.', zh: '连接被拒绝：它没有服务器。' },
        { en: 'A page of the host', zh: '宿主机的页面' },
      ],
      answer: 0,
      run: ['foster exec lab-pods-side wget -q -O /tmp/page http://127.0.0.1/hostname'],
      see: ['foster exec lab-pods-side cat /tmp/page', 'foster exec lab-pods-side netstat -lnt'],
      checks: [
        {
          what: { en: 'the page that lab-pods-side has downloaded', zh: 'lab-pods-side 下载到的页面' },
          look: fileIn('lab-pods-side', '/tmp/page'),
          want: sameAs(fileIn('lab-pods-web', '/etc/hostname'), {
            en: '/etc/hostname of lab-pods-web',
            zh: 'lab-pods-web 的 /etc/hostname',
          }),
        },
      ],
      why: {
        en: 'One network namespace, one loopback. That is why a sidecar needs no name and no published port, why two containers of a pod cannot both have port 80, and why all of them have the same address.',
        zh: '一个网络命名空间，一个回环接口。所以 sidecar 不需要名字，也不需要发布端口；所以同一个 Pod 里的两个容器不能都用 80 端口；所以它们的地址全都一样。',
      },
      hint: { en: 'Run wget in lab-pods-side.', zh: '在 lab-pods-side 里运行 wget。' },
    },
    {
      title: { en: 'one reaper for all', zh: '大家共用一个收割者' },
      ask: {
        en: 'The PIDs are shared as well. lab-pods-side makes an orphan. Whose child does it become?',
        zh: 'PID 也是共享的。lab-pods-side 制造一个孤儿进程。它成了谁的子进程？',
      },
      choices: [
        { en: 'That of the first process of lab-pods-side', zh: 'lab-pods-side 的第一个进程' },
        { en: 'That of the web server, which came first', zh: '先启动的 Web 服务器' },
        { en: 'That of PID 1 of the pod, the infra container', zh: 'Pod 的 PID 1，即 infra 容器' },
      ],
      answer: 2,
      run: ["foster exec lab-pods-side sh -c 'sleep 1001 & exit 0'"],
      see: ['foster exec lab-pods-side ps -o pid,ppid,args'],
      checks: [
        {
          what: { en: 'parent of `sleep 1001`', zh: '`sleep 1001` 的父进程' },
          look: parent('lab-pods-side', 'sleep 1001'),
          want: exactly(1),
        },
      ],
      why: {
        en: "There is one PID 1 in a PID namespace, whatever the number of containers in it. It adopts, and reaps, for all. This is the second job of the pause container, and the reason why it is a small init and not just a sleep. The containers' own processes are ordinary ones now: signals reach them without a handler.",
        zh: '一个 PID 命名空间里只有一个 PID 1，不管其中有多少个容器。它替大家收养、替大家收割。这是 pause 容器的第二份工作，也是它得是一个小小的 init 而不只是 sleep 的原因。各容器自己的进程现在都是普通进程：没有处理函数，信号也照样有效。',
      },
      hint: {
        en: 'Was the pod made with --share +pid?',
        zh: 'Pod 创建时带了 --share +pid 吗？',
      },
    },
    {
      title: { en: 'the end of one', zh: '其中一个结束了' },
      ask: {
        en: "You kill the web server's container. What about the pod?",
        zh: '你杀死 Web 服务器所在的容器。Pod 会怎样？',
      },
      choices: [
        { en: 'The rest goes on, with all namespaces.', zh: '其余部分照常运行，命名空间都在。' },
        { en: 'It ends: one of its processes has failed.', zh: '它结束：有一个进程失败了。' },
        { en: 'The network is gone, since it was the first.', zh: '网络没了，因为它是第一个。' },
      ],
      answer: 0,
      run: ['foster kill lab-pods-web'],
      see: ['foster pod ps --filter name=lab-pods'],
      checks: [
        {
          what: { en: 'exit code of lab-pods-web', zh: 'lab-pods-web 的退出码' },
          look: exitCode('lab-pods-web'),
          want: exactly(137),
        },
        {
          what: {
            en: 'running processes `sleep 1000` in lab-pods-side',
            zh: 'lab-pods-side 中正在运行的 `sleep 1000` 进程数',
          },
          look: running('lab-pods-side', 'sleep 1000'),
          want: exactly(1),
        },
      ],
      why: {
        en: 'The namespaces belong to the infra container, so no other is indispensable. Each is restarted by itself and finds the same address again. Compare with --network container:OTHER, where the end of OTHER takes the network with it.',
        zh: '命名空间归 infra 容器所有，所以其他容器谁也不是不可或缺的。每个容器可以单独重启，重启后地址不变。对比一下 --network container:OTHER：OTHER 一结束，网络也就跟着没了。',
      },
      hint: { en: 'foster kill lab-pods-web', zh: '输入 foster kill lab-pods-web。' },
    },
  ],
};
