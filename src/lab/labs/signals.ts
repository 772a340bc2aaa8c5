import { exactly, nothing } from '../expect.js';
import type { Lab } from '../lab.js';
import { exitCode, running } from '../looks/processes.js';

export const lab: Lab = {
  name: 'signals',
  title: { en: 'Signals: why stop takes ten seconds', zh: '信号：为什么 stop 要等十秒' },
  story: {
    en: 'You stop a container, and nothing happens for ten seconds. Then it is killed, and its last data with it. The program is not at fault, and neither is the container runtime: the kernel treats the process with PID 1 differently from all others. Here you find out how, and what an init changes.',
    zh: '你停止一个容器，整整十秒毫无动静，然后它被强行杀死，最后的数据也没来得及保存。这不怪程序，也不怪容器运行时：内核对待 PID 1 与对待其他进程不同。在这里你会弄清楚区别何在，以及一个 init 能改变什么。',
  },
  topics: ['signals', 'exit-codes'],
  steps: [
    {
      title: { en: 'SIGTERM to PID 1', zh: '向 PID 1 发送 SIGTERM' },
      ask: {
        en: 'Here `sleep` itself is PID 1. foster stop sends SIGTERM, waits for a second (-t 1), and then sends SIGKILL. With which exit code does it end? A process that signal N has ended counts as 128 + N; SIGTERM is 15, and SIGKILL 9.',
        zh: '这里 `sleep` 自己就是 PID 1。foster stop 先发送 SIGTERM，等待一秒（-t 1），再发送 SIGKILL。它会以什么退出码结束？被信号 N 结束的进程记为 128 + N；SIGTERM 是 15，SIGKILL 是 9。',
      },
      choices: [
        { en: '143: SIGTERM ends it at once.', zh: '143：SIGTERM 立刻结束了它。' },
        { en: '137: SIGTERM has no effect.', zh: '137：SIGTERM 没有任何作用。' },
        { en: '0: sleep ends properly.', zh: '0：sleep 正常退出。' },
      ],
      answer: 1,
      run: ['foster run -d --name lab-signals --no-init busybox sleep 1000', 'foster stop -t 1 lab-signals'],
      see: ['foster wait lab-signals'],
      checks: [
        {
          what: { en: 'exit code of lab-signals', zh: 'lab-signals 的退出码' },
          look: exitCode('lab-signals'),
          want: exactly(137),
        },
      ],
      why: {
        en: 'For an ordinary process, the default action of SIGTERM is to end it. For PID 1 of a PID namespace, the kernel drops every signal for which it has installed no handler. On a whole machine, that protects init from a careless kill. In a container, it makes an ordinary program deaf.',
        zh: '对普通进程来说，SIGTERM 的默认动作是结束进程。而对 PID 命名空间的 PID 1，凡是它没有安装处理函数的信号，内核一律丢弃。在整台机器上，这保护 init 不被误杀；在容器里，这却让普通程序变成了聋子。',
      },
      hint: {
        en: '--no-init makes `sleep` PID 1.',
        zh: '--no-init 让 `sleep` 成为 PID 1。',
      },
    },
    {
      title: { en: 'the same behind an init', zh: '有了 init 之后' },
      ask: {
        en: 'The same program, but foster-init is PID 1, and `sleep` its child with PID 2. foster stop would wait for ten seconds. What is the exit code now?',
        zh: '同一个程序，但 PID 1 是 foster-init，`sleep` 是它的子进程，PID 为 2。foster stop 最多会等十秒。这次的退出码是多少？',
      },
      choices: [
        { en: '137, after ten seconds', zh: '137，十秒之后' },
        { en: '0, because foster-init ends properly', zh: '0，因为 foster-init 正常退出' },
        { en: '143, at once', zh: '143，立刻' },
      ],
      answer: 2,
      run: ['foster run -d --name lab-signals-init busybox sleep 1000', 'foster stop lab-signals-init'],
      see: ['foster wait lab-signals-init'],
      checks: [
        {
          what: { en: 'exit code of lab-signals-init', zh: 'lab-signals-init 的退出码' },
          look: exitCode('lab-signals-init'),
          want: exactly(143),
        },
      ],
      why: {
        en: 'foster-init receives SIGTERM and forwards it to PID 2. That is an ordinary process, so the default action applies: it ends. foster-init then ends with the exit code that a shell would report for it, 128 + 15.',
        zh: 'foster-init 收到 SIGTERM 后转发给 PID 2。那是一个普通进程，默认动作生效：它结束了。随后 foster-init 以 shell 会报告的退出码 128 + 15 退出。',
      },
      hint: { en: 'Leave out --no-init this time.', zh: '这一次不要加 --no-init。' },
    },
    {
      title: { en: 'SIGKILL from inside and outside', zh: '从内部和外部发送 SIGKILL' },
      ask: {
        en: 'SIGKILL cannot be caught or ignored, says every book. You send it to a PID 1: first from inside of the container, then from outside. What works?',
        zh: '书上都说 SIGKILL 既不能捕获也不能忽略。你把它发给一个 PID 1：先从容器内部，再从外部。哪一个有效？',
      },
      choices: [
        { en: 'Already the first one kills it.', zh: '第一次就把它杀死了。' },
        { en: 'Only the second one kills it.', zh: '只有第二次能杀死它。' },
        { en: 'Neither: it is PID 1.', zh: '都无效：它是 PID 1。' },
      ],
      answer: 1,
      run: [
        'foster run -d --name lab-signals-kill --no-init busybox sleep 1000',
        'foster exec lab-signals-kill kill -9 1',
        "foster ps --filter name=lab-signals-kill --format '{{.Names}}: {{.Status}}'",
        "kill -9 $(foster inspect -f '{{.State.Pid}}' lab-signals-kill)",
      ],
      see: ["foster ps -a --filter name=lab-signals-kill --format '{{.Names}}: {{.Status}}'"],
      checks: [
        {
          what: { en: 'exit code of lab-signals-kill', zh: 'lab-signals-kill 的退出码' },
          look: exitCode('lab-signals-kill'),
          want: exactly(137),
        },
      ],
      why: {
        en: 'Within its own PID namespace, PID 1 cannot be killed at all: it would take everybody else with it. From a namespace above, it is just another process with another number, and SIGKILL does what the books say.',
        zh: '在自己的 PID 命名空间里，PID 1 根本杀不死：否则所有其他进程都要跟着陪葬。但从上一层命名空间看，它不过是又一个进程，有着另一个编号，SIGKILL 就像书上说的那样起作用。',
      },
      hint: {
        en: 'The PID outside is what foster inspect prints as .State.Pid.',
        zh: '容器外的 PID 就是 foster inspect 打印的 .State.Pid。',
      },
    },
    {
      title: { en: 'a handler', zh: '安装处理函数' },
      ask: {
        en: 'A shell as PID 1 that has a handler for SIGTERM: trap "exit 5" TERM. You stop it with all the patience of ten seconds. What is the exit code?',
        zh: '用 shell 作 PID 1，并为 SIGTERM 安装处理函数：trap "exit 5" TERM。你用默认的十秒耐心去停止它。退出码是多少？',
      },
      choices: [
        { en: '5', zh: '5' },
        { en: '137', zh: '137' },
        { en: '143', zh: '143' },
      ],
      answer: 0,
      run: [
        `foster run -d --name lab-signals-trap --no-init busybox sh -c 'trap "exit 5" TERM; sleep 1000 & wait'`,
        "until foster top lab-signals-trap | grep -q 'sleep 1000$'; do :; done",
        'foster stop lab-signals-trap',
      ],
      see: ['foster wait lab-signals-trap'],
      checks: [
        {
          what: { en: 'exit code of lab-signals-trap', zh: 'lab-signals-trap 的退出码' },
          look: exitCode('lab-signals-trap'),
          want: exactly(5),
        },
      ],
      why: {
        en: 'A signal with a handler is delivered to PID 1, too. So a program that wants to be PID 1 must install handlers for all signals that shall end it. Servers such as nginx do; your shell scripts and small tools do not, and that is the other half of what an init is for.',
        zh: '有处理函数的信号，对 PID 1 同样会送达。所以，想当 PID 1 的程序必须为所有应当结束它的信号安装处理函数。nginx 之类的服务器做到了；你的 shell 脚本和小工具没有——这就是 init 的另一半用处。',
      },
      hint: {
        en: 'The loop waits until the shell has installed its handler: an earlier signal is lost.',
        zh: '那个循环是在等 shell 装好处理函数：在此之前的信号会丢失。',
      },
    },
    {
      title: { en: 'to one, or to the group', zh: '发给一个，还是发给整组' },
      ask: {
        en: 'A shell waits for `sleep 1007`, and would then run `sleep 1008`. It has a handler for USR1 that does nothing. With --init-signal-group, foster-init forwards signals to the whole process group. You send USR1. What runs afterwards?',
        zh: '一个 shell 正在等待 `sleep 1007`，之后会运行 `sleep 1008`。它为 USR1 安装了一个什么也不做的处理函数。使用 --init-signal-group 时，foster-init 把信号转发给整个进程组。你发送 USR1。之后运行的是什么？',
      },
      choices: [
        { en: '`sleep 1007`: the shell has caught the signal.', zh: '`sleep 1007`：信号被 shell 捕获了。' },
        { en: '`sleep 1008`', zh: '`sleep 1008`' },
        { en: 'Nothing: the container has ended.', zh: '什么也没有：容器结束了。' },
      ],
      answer: 1,
      run: [
        "foster run -d --name lab-signals-group --init-signal-group busybox sh -c 'trap : USR1; sleep 1007; sleep 1008'",
        "until foster top lab-signals-group | grep -q 'sleep 1007$'; do :; done",
        'foster kill -s USR1 lab-signals-group',
      ],
      see: ['foster top lab-signals-group pid,ppid,args'],
      checks: [
        {
          what: { en: 'running processes `sleep 1007`', zh: '正在运行的 `sleep 1007` 进程数' },
          look: running('lab-signals-group', 'sleep 1007'),
          want: exactly(0),
        },
        {
          what: { en: 'running processes `sleep 1008`', zh: '正在运行的 `sleep 1008` 进程数' },
          look: running('lab-signals-group', 'sleep 1008'),
          want: exactly(1),
        },
        {
          what: { en: 'exit code of lab-signals-group', zh: 'lab-signals-group 的退出码' },
          look: exitCode('lab-signals-group'),
          want: nothing,
        },
      ],
      why: {
        en: 'USR1 went to both: the shell caught it, and `sleep 1007`, which has no handler, was ended by it. Without the option only the shell would have got it, and would have waited for another quarter of an hour. Ctrl-C at a terminal always goes to a group: that is why scripts behave differently there.',
        zh: 'USR1 同时发给了两者：shell 捕获了它；`sleep 1007` 没有处理函数，被它结束。若没有这个选项，只有 shell 会收到，然后还要再等上一刻钟。终端里的 Ctrl-C 总是发给整个进程组：所以脚本在终端里表现不同。',
      },
      hint: {
        en: 'Was the container made with --init-signal-group? foster rm -f lab-signals-group lets you try again.',
        zh: '容器创建时带了 --init-signal-group 吗？用 foster rm -f lab-signals-group 可以重来。',
      },
    },
  ],
};
