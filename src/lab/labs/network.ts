import { atLeast, exactly, sameAs } from '../expect.js';
import type { Lab } from '../lab.js';
import { fileIn } from '../looks/files.js';
import { namespace } from '../looks/namespaces.js';
import { gateway, interfaces, listeners, publishedPort } from '../looks/network.js';

export const lab: Lab = {
  name: 'network',
  title: { en: 'Networks: a cable between namespaces', zh: '网络：命名空间之间的网线' },
  story: {
    en: 'A new network namespace is a machine whose cables have been pulled: no address, no route, no neighbours. Everything that a container can reach was plugged in by somebody, piece by piece. You will plug in the pieces, and find each of them in /proc.',
    zh: '一个新的网络命名空间，就像一台拔掉了所有网线的机器：没有地址，没有路由，没有邻居。容器能访问到的一切，都是有人一件一件接上去的。你将把这些部件逐一接上，并在 /proc 里找到它们。',
  },
  needs: ['network'],
  topics: ['network-namespace', 'veth', 'pasta'],
  steps: [
    {
      title: { en: 'nothing', zh: '一无所有' },
      ask: {
        en: 'A container with --network none has a new network namespace, and nobody plugs anything in. Which interfaces does it have?',
        zh: '--network none 的容器有一个新的网络命名空间，而且没有人接上任何东西。它有哪些网络接口？',
      },
      choices: [
        { en: 'None at all', zh: '一个也没有' },
        { en: 'lo, the loopback', zh: 'lo，即回环接口' },
        { en: 'Those of the host, without addresses', zh: '宿主机的那些，只是没有地址' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-network-none --network none busybox sleep 1000'],
      see: ['foster exec lab-network-none ip addr', 'foster exec lab-network-none ip route'],
      checks: [
        {
          what: { en: 'interfaces of lab-network-none', zh: 'lab-network-none 的网络接口' },
          look: interfaces('lab-network-none'),
          want: exactly('lo'),
        },
      ],
      why: {
        en: 'Each network namespace is born with a loopback, and with nothing else. Interfaces, addresses, routes, firewall rules, sockets and ports: the kernel has all of them once for each namespace. That is why a hundred containers can listen on port 80.',
        zh: '每个网络命名空间生来只有一个回环接口，别无他物。接口、地址、路由、防火墙规则、套接字和端口：内核为每个命名空间各保存一份。所以一百个容器可以同时监听 80 端口。',
      },
      hint: { en: 'Use --network none.', zh: '使用 --network none。' },
    },
    {
      title: { en: 'a cable', zh: '一根网线' },
      ask: {
        en: 'Now a network, and two containers in it. Each gets eth0. What is at the other end of that?',
        zh: '现在建一个网络，放进两个容器。每个都有 eth0。它的另一端是什么？',
      },
      choices: [
        { en: 'The network card of the host', zh: '宿主机的网卡' },
        { en: 'The other container', zh: '另一个容器' },
        {
          en: 'An interface in a third network namespace, the router',
          zh: '第三个网络命名空间（路由器）里的接口',
        },
      ],
      answer: 2,
      run: [
        'foster network create lab-network-net',
        'foster run -d --name lab-network-web --network lab-network-net busybox httpd -f -h /etc',
        'foster run -d --name lab-network --network lab-network-net busybox sleep 1000',
      ],
      see: ['foster exec lab-network ip addr show eth0', 'foster exec lab-network ip route'],
      checks: [
        {
          what: { en: 'interfaces of lab-network', zh: 'lab-network 的网络接口' },
          look: interfaces('lab-network'),
          want: exactly('lo eth0'),
        },
        {
          what: { en: 'default gateway of lab-network', zh: 'lab-network 的默认网关' },
          look: gateway('lab-network'),
          want: sameAs(gateway('lab-network-web'), 'lab-network-web'),
        },
      ],
      why: {
        en: 'eth0 is one end of a veth pair, a cable with an interface at each end: "eth0@if17" names the other one by its number. That is in a network namespace of foster\'s own, which routes between all containers. Everything leaves by its address, the default gateway. In Docker, the other end is in the host and plugged into a bridge; without root, nobody may do that.',
        zh: 'eth0 是 veth 对的一端；veth 对就是一根两头各有一个接口的网线，“eth0@if17”用编号指出了另一头。另一头在 foster 自己的一个网络命名空间里，它在所有容器之间做路由，所有流量都经由它的地址，即默认网关。在 Docker 里，另一头在宿主机上，插在网桥上；没有 root 权限，谁也做不到。',
      },
      hint: {
        en: 'If a name is in use: foster lab solve removes what is there, and begins again.',
        zh: '如果提示名字已被占用：foster lab solve 会先清理再重来。',
      },
    },
    {
      title: { en: 'a name', zh: '一个名字' },
      ask: {
        en: 'lab-network asks for http://lab-network-web/. Nobody has told it an address. Who answers?',
        zh: 'lab-network 访问 http://lab-network-web/。没有人告诉过它地址。谁来解析这个名字？',
      },
      choices: [
        { en: 'A name server at the address of the gateway', zh: '网关地址上的一个域名服务器' },
        {
          en: 'Nobody: names work only with an entry in /etc/hosts.',
          zh: '没有谁：不写 /etc/hosts 就用不了名字。',
        },
        { en: 'The name server of the host', zh: '宿主机的域名服务器' },
      ],
      answer: 0,
      run: [
        "foster exec lab-network sh -c 'for try in 1 2 3; do wget -q -O /tmp/page http://lab-network-web/hostname && break; sleep 1; done'",
      ],
      see: ['foster exec lab-network cat /etc/resolv.conf', 'foster exec lab-network cat /tmp/page'],
      checks: [
        {
          what: { en: 'the page that lab-network has downloaded', zh: 'lab-network 下载到的页面' },
          look: fileIn('lab-network', '/tmp/page'),
          want: sameAs(fileIn('lab-network-web', '/etc/hostname'), {
            en: '/etc/hostname of lab-network-web',
            zh: 'lab-network-web 的 /etc/hostname',
          }),
        },
      ],
      why: {
        en: '/etc/resolv.conf names the gateway. A small DNS server there knows the containers of the network by their names, and passes other questions on to the name servers of the host. A container that is restarted may get another address: that is why one talks to names.',
        zh: '/etc/resolv.conf 里写的是网关。那里有一个小小的 DNS 服务器，认识网络里所有容器的名字，其他查询则转给宿主机的域名服务器。容器重启后地址可能会变：所以应该用名字通信。',
      },
      hint: {
        en: 'Both containers must be in lab-network-net.',
        zh: '两个容器都必须在 lab-network-net 里。',
      },
    },
    {
      title: { en: 'a port of the host', zh: '宿主机的端口' },
      ask: {
        en: '-p 127.0.0.1::80 publishes port 80 of a container at a free port of the host. Who listens on that port of the host?',
        zh: '-p 127.0.0.1::80 把容器的 80 端口发布到宿主机的一个空闲端口上。是谁在监听宿主机的那个端口？',
      },
      choices: [
        { en: 'The web server in the container', zh: '容器里的 Web 服务器' },
        { en: 'Nobody: a rule of the firewall redirects it', zh: '没有谁：由防火墙规则转发' },
        { en: 'A process of the host that passes connections on', zh: '宿主机上一个转发连接的进程' },
      ],
      answer: 2,
      run: [
        'foster run -d --name lab-network-public --network lab-network-net -p 127.0.0.1::80 busybox httpd -f -h /etc',
      ],
      see: ['foster port lab-network-public', 'foster exec lab-network-public netstat -lnt'],
      checks: [
        {
          what: {
            en: 'sockets that listen on port 80 in lab-network',
            zh: 'lab-network 中监听 80 端口的套接字数',
          },
          look: listeners('lab-network', 80),
          want: exactly(0),
        },
        {
          what: {
            en: 'the same in lab-network-public',
            zh: 'lab-network-public 中的同样数目',
          },
          look: listeners('lab-network-public', 80),
          want: atLeast(1),
        },
        {
          what: { en: 'the port of the host that is listened on', zh: '宿主机上被监听的端口' },
          look: publishedPort('lab-network-public'),
          want: atLeast(1),
        },
      ],
      why: {
        en: "The server listens in its own namespace only. On the host it is foster-init, an ordinary process of yours, which carries each connection into the container's namespace. Whatever leaves that by itself, pasta carries on, by sockets of yours. Docker redirects with firewall rules instead: faster, and for root only.",
        zh: '服务器只在自己的命名空间里监听。宿主机上监听的是 foster-init，一个属于你的普通进程，它把每个连接送进容器的命名空间。容器自己发往外界的流量，则由 pasta 用你的套接字转发。Docker 则用防火墙规则转发：更快，但只有 root 能做。',
      },
      hint: {
        en: 'Two colons: the address, no port of the host, and the port of the container.',
        zh: '注意是两个冒号：地址、空的宿主机端口、容器端口。',
      },
    },
    {
      title: { en: 'the same machine', zh: '同一台“机器”' },
      ask: {
        en: 'A container joins the network namespace of lab-network-web. What does it find at http://127.0.0.1/?',
        zh: '一个容器加入 lab-network-web 的网络命名空间。它访问 http://127.0.0.1/ 会看到什么？',
      },
      choices: [
        { en: 'Nothing: 127.0.0.1 is always oneself.', zh: '什么也没有：127.0.0.1 永远是自己。' },
        { en: 'The web server of lab-network-web', zh: 'lab-network-web 的 Web 服务器' },
        { en: 'The host', zh: '宿主机' },
      ],
      answer: 1,
      run: [
        'foster run -d --name lab-network-guest --network container:lab-network-web busybox sleep 1000',
        'foster exec lab-network-guest wget -q -O /tmp/page http://127.0.0.1/hostname',
      ],
      see: ['foster exec lab-network-guest cat /tmp/page'],
      checks: [
        {
          what: { en: 'network namespace of lab-network-guest', zh: 'lab-network-guest 的网络命名空间' },
          look: namespace('lab-network-guest', 'net'),
          want: sameAs(namespace('lab-network-web', 'net'), 'lab-network-web'),
        },
        {
          what: { en: 'the page that it has downloaded', zh: '它下载到的页面' },
          look: fileIn('lab-network-guest', '/tmp/page'),
          want: sameAs(fileIn('lab-network-guest', '/etc/hostname'), {
            en: '/etc/hostname',
            zh: '/etc/hostname',
          }),
        },
      ],
      why: {
        en: 'To the network, two processes in one namespace are on one machine: the same addresses, the same loopback, and only one of them may have port 80. Their files and processes stay apart. A pod of Kubernetes is this.',
        zh: '对网络来说，同一个命名空间里的两个进程就在同一台机器上：地址相同，回环相同，80 端口也只能归其中一个。而文件和进程仍然分开。Kubernetes 的 Pod 就是这样。',
      },
      hint: {
        en: 'lab-network-web must run: foster ps shows it.',
        zh: 'lab-network-web 必须在运行：foster ps 可以查看。',
      },
    },
  ],
};
