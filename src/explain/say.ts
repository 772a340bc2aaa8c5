import type { Language } from './language.js';

/**
 * The sentences of explanations in Chinese, by the English ones; `{1}` stands for the first value. What an explanation says must be
 * here: the compiler finds what is missing or was changed, and a test finds what nobody says any more. The reasons of a plan's steps are
 * not translated.
 */
const CHINESE = {
  '{1} and {2}': '{1} 和 {2}',
  '{1} {2}': '{1}{2}',
  unknown: '未知',
  nothing: '无',

  // files
  'Root filesystem': '根文件系统',
  image: '镜像',
  driver: '驱动',
  layer: '层',
  'layer {1}': '第 {1} 层',
  '{1}, only read': '{1}，只读取',
  'writes to': '写入到',
  'read-only': '只读',
  'the root filesystem cannot be written to': '根文件系统不可写',

  // namespaces
  Namespaces: '命名空间',
  type: '类型',
  whose: '属于',
  isolates: '隔离什么',
  'its own': '自己的',
  "the host's": '宿主机的',
  'container {1}': '容器 {1}',
  'ids of users and groups, and what capabilities count for': '用户和组的 id，以及 capability 对什么有效',
  'the tree of files': '文件树',
  'process ids': '进程号',
  'interfaces, addresses, ports, routes': '网络接口、地址、端口、路由',
  'the host name': '主机名',
  'shared memory, semaphores, message queues': '共享内存、信号量、消息队列',
  'the root of the tree of cgroups': 'cgroup 树的根',
  'the clocks since the start of the machine': '开机以来的时钟',

  // ids
  Ids: 'id',
  'The program runs as user and group {1} of the container.': '程序以容器的用户和组 {1} 运行。',
  'Ids in the container are those of the host.': '容器内的 id 就是宿主机的 id。',
  'Root of the container is root only of what belongs to its user namespace.':
    '容器的 root 只对属于其用户命名空间的东西是 root。',
  kind: '种类',
  user: '用户',
  group: '组',
  'user and group': '用户和组',
  'in the container': '容器内',
  'on the host': '宿主机上',
  '{1} to {2}': '{1} 至 {2}',

  // mounts
  Mounts: '挂载',
  at: '位置',
  'where it comes from': '来自哪里',
  '{1}; read-only': '{1}；只读',
  hidden: '被遮盖',
  'hidden by an empty tmpfs': '被空的 tmpfs 遮盖',
  "hidden by the host's /dev/null": '被宿主机的 /dev/null 遮盖',
  'read-only, because it can change the host': '只读，因为它能改变宿主机',
  'memory: gone when the container ends': '内存：容器结束时消失',
  'an empty tmpfs': '空的 tmpfs',
  '{1} of the host': '宿主机的 {1}',
  '{1} of the host itself': '宿主机的 {1} 本身',
  '{1} of the host, a device': '宿主机的 {1}，设备',
  '{1} of a file system of the type {2}': '类型为 {2} 的文件系统中的 {1}',
  'a layer of {2}': '{2} 的一个层',
  '{1} layers of {2}': '{2} 的 {1} 个层',
  'a copy of {1}': '{1} 的副本',
  '{1}, with a writable layer over {2}': '{1}，在 {2} 之上有一个可写层',
  'an anonymous volume': '匿名卷',
  'volume {1}': '卷 {1}',
  '{1}, {2} in it': '{1}，其中的 {2}',
  'a file that foster has written for the container': 'foster 为容器写的文件',
  'the kernel: the processes of the PID namespace': '内核：PID 命名空间中的进程',
  'the kernel: devices, and the interfaces of the network namespace': '内核：设备，以及网络命名空间的接口',
  "the kernel: the container's own terminals": '内核：容器自己的终端',
  'the kernel: message queues of the IPC namespace': '内核：IPC 命名空间的消息队列',
  'the kernel: cgroups, version 1': '内核：cgroup 第 1 版',
  'the kernel: cgroups, version 2': '内核：cgroup 第 2 版',

  // rights
  Capabilities: 'capability（权能）',
  'The program has none: it may do what any user may do.': '程序一个也没有：它只能做任何用户都能做的事。',
  'The program has these, over what belongs to its user namespace:':
    '程序有以下 capability，对属于其用户命名空间的东西有效：',
  'A program with file capabilities could get: {1}.': '带有文件 capability 的程序还可以得到：{1}。',
  'None has been taken away.': '没有去掉任何一个。',
  'Taken away for good: {1}.': '永久去掉的：{1}。',
  Guards: '防护',
  'on: set-user-ID programs and file capabilities give nothing':
    '开：set-user-ID 程序和文件 capability 不起作用',
  'off: a set-user-ID program gets the rights of its owner': '关：set-user-ID 程序得到其所有者的权限',
  'a filter refuses the system calls that containers do not need': '过滤器拒绝容器不需要的系统调用',
  'no filter: every system call is allowed': '没有过滤器：允许所有系统调用',

  // capabilities(7)
  'give files to other users': '把文件交给其他用户',
  'read, write and execute files without permission': '没有权限也能读、写、执行文件',
  'read files and enter directories without permission': '没有权限也能读文件、进入目录',
  "change the mode and the times of other users' files": '更改其他用户文件的权限和时间',
  'keep the set-user-ID bit of a file that is changed': '文件被修改时保留其 set-user-ID 位',
  "send signals to other users' processes": '向其他用户的进程发信号',
  'become another group, and choose groups': '变为其他组，选择组',
  'become another user': '变为其他用户',
  'drop capabilities for good, and pass them on': '永久放弃 capability，以及把它们传下去',
  'make files immutable or append-only': '使文件不可更改或只能追加',
  'use ports below 1024': '使用 1024 以下的端口',
  'send broadcasts and listen to multicasts': '发送广播，接收组播',
  'configure interfaces, routes and firewalls': '配置网络接口、路由和防火墙',
  'use raw sockets: ping, but also forged packets': '使用原始套接字：ping，但也包括伪造的数据包',
  'keep memory from being swapped out': '防止内存被换出',
  "use other users' System V IPC objects": '使用其他用户的 System V IPC 对象',
  'load modules into the kernel': '向内核加载模块',
  'use I/O ports and the memory of the machine': '使用 I/O 端口和机器的内存',
  'call chroot(2)': '调用 chroot(2)',
  "trace other users' processes": '跟踪其他用户的进程',
  'switch process accounting on and off': '开关进程记账',
  'mount, create namespaces, and much else': '挂载、创建命名空间，以及许多其他事',
  'reboot; load another kernel': '重启；加载另一个内核',
  'raise priorities; choose CPUs of other processes': '提高优先级；为其他进程选择 CPU',
  'exceed limits, quotas and reserved space': '超出限额、配额和保留空间',
  "set the machine's clock": '设置机器的时钟',
  'hang up terminals': '挂断终端',
  'create device files (not in a user namespace)': '创建设备文件（在用户命名空间中不行）',
  'take leases on files': '对文件取得租约',
  "write to the kernel's audit log": '写内核的审计日志',
  "configure the kernel's audit": '配置内核的审计',
  'give capabilities to files': '给文件 capability',
  'ignore mandatory access control (Smack)': '无视强制访问控制（Smack）',
  'configure mandatory access control (Smack)': '配置强制访问控制（Smack）',
  "read the kernel's log and its addresses": '读内核日志及其地址',
  'wake the machine up at a time': '定时唤醒机器',
  'keep the machine from suspending': '阻止机器休眠',
  "read the kernel's audit log": '读内核的审计日志',
  'watch performance counters': '查看性能计数器',
  'load BPF programs': '加载 BPF 程序',
  'checkpoint and restore processes': '保存和恢复进程',

  // limits
  Limits: '限额',
  memory: '内存',
  '{1} bytes': '{1} 字节',
  '{1} kB': '{1} kB',
  'memory and swap': '内存和交换空间',
  'CPU time': 'CPU 时间',
  '{1} of each {2} microseconds': '每 {2} 微秒中的 {1} 微秒',
  'CPU weight': 'CPU 权重',
  '{1} shares': '{1} 份',
  processes: '进程数',
  'no limit': '无限额',
  'at most {1}': '最多 {1}',
  'None of its own: it may use what its user may use.': '没有自己的限额：它可以使用其用户可以使用的一切。',

  // a container
  'the namespaces of a pod': 'pod 的命名空间',
  'Container {1} ({2}) runs: {3}': '容器 {1}（{2}）正在运行：{3}',
  'Container {1} ({2}) has not been started: {3}': '容器 {1}（{2}）还没有启动：{3}',
  'Container {1} ({2}) has ended: {3}': '容器 {1}（{2}）已经结束：{3}',
  'Container {1} ({2}) is {4}: {3}': '容器 {1}（{2}）的状态是 {4}：{3}',
  status: '状态',
  created: '创建于',
  started: '启动于',
  ended: '结束于',
  'exit code': '退出码',
  error: '错误',
  restarts: '重启次数',
  monitor: '监视进程',
  'process {1} of the host': '宿主机的进程 {1}',
  Processes: '进程',
  'PID 1 is foster-init. It forwards signals to the program, adopts every orphan and reaps every zombie.':
    'PID 1 是 foster-init。它把信号转发给程序，收养每个孤儿进程，回收每个僵尸进程。',
  'PID 1 is the program itself. Orphans become its children, and zombies if it does not wait for them; signals that it has no handler for do nothing.':
    'PID 1 就是程序本身。孤儿进程成为它的子进程，如果它不等待它们，它们结束后就成为僵尸；它没有处理函数的信号不起作用。',
  'Orphans so far: {1} adopted, {2} reaped.': '到目前为止的孤儿进程：收养 {1} 个，回收 {2} 个。',
  pid: 'pid',
  'host pid': '宿主机 pid',
  state: '状态',
  command: '命令',
  "And {1} more: 'foster top --tree {2}' lists all.": "还有 {1} 个：'foster top --tree {2}' 列出全部。",
  '(adopted by PID 1)': '（被 PID 1 收养）',
  '(came by foster exec)': '（由 foster exec 进来）',
  running: '运行',
  sleeping: '睡眠',
  'waiting for a device': '等待设备',
  stopped: '已停止',
  'being traced': '被跟踪',
  zombie: '僵尸',
  idle: '空闲',

  // exit codes
  'the kernel killed a process with SIGKILL (128 + 9), because the memory limit was reached':
    '内存达到限额，内核用 SIGKILL 杀死了一个进程（128 + 9）',
  success: '成功',
  'foster itself failed, if the program does not use this code':
    '如果程序自己不用这个退出码，则是 foster 本身失败了',
  'the program could not be executed': '程序无法执行',
  'the program was not found': '找不到程序',
  '128 + {1}: killed by {2}, or the program says so itself': '128 + {1}：被 {2} 杀死，或程序自己这样返回',
  'a code of the program: anything but 0 is a failure': '程序的退出码：不是 0 就表示失败',

  // plans
  'The reasons of the steps are in English: they are those that the plan itself carries.':
    '各步骤的理由是英文的：它们就是计划本身携带的文字，没有翻译，因此不会与实际所做的不一致。',
  'This container would run no program:': '这个容器不会运行任何程序：',
  'This container would run: {1}': '这个容器将运行：{1}',
  'Nothing was started. This is what it gets, and below, each step that makes it so.':
    '没有启动任何东西。以下是它得到的东西，然后是使之成为这样的每个步骤。',
  'This container was run: {1}': '运行了这个容器：{1}',
  'Each step of its plan, and below it what strace has seen.': '计划的每个步骤，下面是 strace 看到的。',
  '{1} calls of the plan were not seen: children of foster make them, which strace does not follow.':
    '计划中有 {1} 个调用没有看到：它们由 foster 的子进程完成，strace 不跟踪这些子进程。',
  'Besides the plan': '计划之外',
  'This process would run in container {1}: {2}': '这个进程将在容器 {1} 中运行：{2}',
  'Nothing was started.': '没有启动任何东西。',
  "the user's process, a child of PID 1:": '用户的进程，PID 1 的子进程：',
  "the user's process, which is PID 1 itself:": '用户的进程，它就是 PID 1：',
  'foster, before there is a container:': 'foster，在容器出现之前：',
  'PID 1, in its new namespaces:': 'PID 1，在它的新命名空间中：',
  'the process, before it executes its program:': '这个进程，在执行其程序之前：',
  'foster, outside of the container:': 'foster，在容器之外：',
  'foster-init, which enters the container:': 'foster-init，它进入容器：',

  // builds
  'This build would make {1} layers, and take {2} from the cache':
    '这次构建将制作 {1} 个层，从缓存取用 {2} 个',
  'This build would make a layer, and take {2} from the cache': '这次构建将制作一个层，从缓存取用 {2} 个',
  'Nothing was built, run or downloaded.': '没有构建、运行或下载任何东西。',
  line: '行',
  stage: '阶段',
  instruction: '指令',
  'what it would do': '将做什么',
  'takes an image that is in the store, of {1}': '取用存储中已有的镜像，{1}',
  'gets the image, which is not in the store: what is in it is not known yet':
    '取得镜像，存储中没有它：里面有什么还不知道',
  'goes on from an earlier stage, with its layers': '从前面的阶段继续，带着它的层',
  'begins without a layer': '从没有层开始',
  'nothing: an earlier build has made the layer, of {1}': '什么也不做：以前的构建已经做好了这个层，{1}',
  'nothing: an earlier build has found that no file changes': '什么也不做：以前的构建已经发现没有文件改变',
  'makes a layer of the files that change': '用改变的文件制作一个层',
  "sets something in the image's config: no layer": '在镜像的配置中设置：没有层',
  'unknown size': '大小未知',
  'Line {1}: {2}': '第 {1} 行：{2}',
  'The command runs in a container of its own, on top of the layers so far. What it writes becomes the layer; its mounts do not. Then the container is removed.':
    '命令在自己的容器中运行，位于到目前为止的各层之上。它写入的内容成为新的层，它的挂载不算在内。然后删除容器。',
  'As in line {1}, step by step.': '与第 {1} 行的每个步骤相同。',
  'As in line {1}, but for these steps:': '与第 {1} 行相同，除了这些步骤：',
  'It runs as {1}, whose id an earlier step decides: here it is shown as root.':
    '它以 {1} 的身份运行，其 id 由前面的步骤决定：这里显示为 root。',
  'the image so far': '到目前为止的镜像',

  // differences
  what: '什么',
  'What the kernel says differs between {1} and {2}': '据内核所说，{1} 和 {2} 之间的差别',
  'They share no namespace.': '它们不共享任何命名空间。',
  'They share these namespaces: {1}.': '它们共享这些命名空间：{1}。',
  'Nothing differs.': '没有差别。',
  'Namespaces (inodes)': '命名空间（inode）',
  Scheduling: '调度',
  Cgroups: 'cgroup',
  'The process itself': '进程本身',

  // pods, and files of Kubernetes
  'Pod {1} ({2}): {3}, {4} containers': 'pod {1}（{2}）：{3}，{4} 个容器',
  'It has no infra container, so its containers share nothing.':
    '它没有 infra 容器，所以它的容器不共享任何东西。',
  'Its infra container {1} holds the namespaces that its containers share: {2}.':
    '它的 infra 容器 {1} 持有各容器共享的命名空间：{2}。',
  'They share one PID namespace: its PID 1 adopts the orphans of all of them.':
    '它们共享一个 PID 命名空间：其中的 PID 1 收养所有容器的孤儿进程。',
  'Each has its own PID namespace, whose PID 1 adopts its orphans.':
    '每个容器有自己的 PID 命名空间，其中的 PID 1 收养它的孤儿进程。',
  infra: 'infra 容器',
  Containers: '容器',
  name: '名称',
  "'foster explain NAME' explains one of them.": "'foster explain NAME' 解释其中一个。",
  '{1} describes a pod': '{1} 描述一个 pod',
  '{1} describes {2} pods': '{1} 描述 {2} 个 pod',
  "Nothing was started: 'foster kube play' does it.": "没有启动任何东西：'foster kube play' 才会启动。",
  'Pod {1}': 'pod {1}',
  shares: '共享',
  '{1}: held by its infra container': '{1}：由它的 infra 容器持有',
  'of the host': '宿主机的',
  restart: '重启',
  ports: '端口',
  'other names': '其他名称',
  volumes: '卷',
  'starts after': '在其后启动',
  container: '容器',
  role: '角色',
  mounts: '挂载',
  "the image's": '镜像的',
  "the host's; foster-init adopts the orphans of each container":
    '宿主机的；foster-init 收养每个容器的孤儿进程',
  'one for all containers: it adopts their orphans': '所有容器共用一个：它收养它们的孤儿进程',
  'one in each container': '每个容器各一个',

  // what can be explained
  'a container that runs or has ended': '正在运行或已经结束的容器',
  'what foster run would do': 'foster run 将做什么',
  'what foster exec would do': 'foster exec 将做什么',
  'what foster build would do': 'foster build 将做什么',
  'what the containers of a pod share': 'pod 的容器共享什么',
  'what a file of Kubernetes describes': 'Kubernetes 文件描述什么',
  'what an OCI bundle describes': 'OCI bundle 描述什么',
  'what differs between two containers': '两个容器之间有什么差别',
} as const;

/** A sentence of an explanation, in English. */
export type Phrase = keyof typeof CHINESE;

/** Says a sentence in somebody's language, with these values in place of `{1}`, `{2}` ... */
export type Say = (phrase: Phrase, ...values: (string | number)[]) => string;

export const ENGLISH: Say = (phrase, ...values) => filled(phrase, values);

const SAYS: Readonly<Record<Language, Say>> = {
  en: ENGLISH,
  zh: (phrase, ...values) => filled(CHINESE[phrase], values),
};

/** How something is said in a language. */
export function sayIn(language: Language): Say {
  return SAYS[language];
}

/** What a value says is not looked at: it may come from a container. */
function filled(text: string, values: readonly (string | number)[]): string {
  return text.replace(/\{(\d)\}/g, (whole, number: string) => String(values[Number(number) - 1] ?? whole));
}

/** All sentences with their translations, for the test. */
export const TRANSLATIONS: Readonly<Record<string, string>> = CHINESE;
