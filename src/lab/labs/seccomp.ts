import { exactly } from '../expect.js';
import type { Lab } from '../lab.js';
import { existsIn } from '../looks/files.js';
import { exitCode, status } from '../looks/processes.js';

/** Everything is allowed but to make folders. */
function profile(action: string): string {
  return `${JSON.stringify(
    { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action }] },
    undefined,
    2,
  )}\n`;
}

export const lab: Lab = {
  name: 'seccomp',
  title: { en: 'Seccomp: system calls that do not exist', zh: 'seccomp：不存在的系统调用' },
  story: {
    en: 'Everything a program wants from the kernel is a system call: there are more than 350. Each is code of the kernel, and so a chance for a bug. A seccomp filter is a small program that the kernel runs before each call, and that decides: allow it, refuse it, or end the caller. You will write one.',
    zh: '程序想从内核得到的一切都要通过系统调用：一共三百五十多个。每一个都是内核代码，也就都可能有漏洞。seccomp 过滤器是一段小程序，内核在每次系统调用之前运行它，由它决定：放行、拒绝，还是结束调用者。你将亲手写一个。',
  },
  files: { 'refuse.json': profile('SCMP_ACT_ERRNO'), 'kill.json': profile('SCMP_ACT_KILL_PROCESS') },
  topics: ['seccomp', 'no_new_privs'],
  steps: [
    {
      title: { en: 'a filter by default', zh: '默认的过滤器' },
      ask: {
        en: 'Two containers, one of them with seccomp=unconfined. The line Seccomp in /proc/PID/status is 0 without a filter, and 2 with one. What is it by default?',
        zh: '两个容器，其中一个带 seccomp=unconfined。/proc/PID/status 的 Seccomp 一行，没有过滤器时为 0，有则为 2。默认情况下是多少？',
      },
      choices: [
        { en: '0: a filter is only for the suspicious.', zh: '0：只有可疑程序才需要过滤器。' },
        { en: '2: every container has one.', zh: '2：每个容器都有。' },
        { en: '2, but only for root.', zh: '2，但只针对 root。' },
      ],
      answer: 1,
      run: [
        'foster run -d --name lab-seccomp busybox sleep 1000',
        'foster run -d --name lab-seccomp-none --security-opt seccomp=unconfined busybox sleep 1000',
      ],
      see: [
        'foster exec lab-seccomp grep Seccomp: /proc/2/status',
        'foster exec lab-seccomp-none grep Seccomp: /proc/2/status',
        'foster exec lab-seccomp unshare -U true',
        'foster exec lab-seccomp-none unshare -U true',
      ],
      checks: [
        {
          what: {
            en: 'Seccomp of `sleep 1000` in lab-seccomp',
            zh: 'lab-seccomp 中 `sleep 1000` 的 Seccomp',
          },
          look: status('lab-seccomp', 'sleep 1000', 'Seccomp'),
          want: exactly('2'),
        },
        {
          what: { en: 'the same in lab-seccomp-none', zh: 'lab-seccomp-none 中的同一项' },
          look: status('lab-seccomp-none', 'sleep 1000', 'Seccomp'),
          want: exactly('0'),
        },
      ],
      why: {
        en: 'The default profile is a list of what programs need; the rest, some fifty calls, is refused with EPERM. unshare -U, which makes a user namespace, is among them: it was the beginning of many an exploit, because it gives anyone capabilities to try on the kernel.',
        zh: '默认配置是一份程序所需调用的清单，其余约五十个调用一律以 EPERM 拒绝。创建用户命名空间的 unshare -U 就在其中：它曾是许多漏洞利用的起点，因为任何人都能借此获得 capability，去试探内核。',
      },
      hint: {
        en: 'foster rm -f lab-seccomp lab-seccomp-none lets you try again.',
        zh: '用 foster rm -f lab-seccomp lab-seccomp-none 可以重来。',
      },
    },
    {
      title: { en: 'a profile of your own', zh: '自己的配置' },
      ask: {
        en: 'refuse.json allows everything but mkdir. The container tries `mkdir /tmp/folder`, and then `touch /tmp/file`. It runs as root. What is in /tmp afterwards?',
        zh: 'refuse.json 除 mkdir 之外什么都允许。容器以 root 身份先试 `mkdir /tmp/folder`，再试 `touch /tmp/file`。之后 /tmp 里有什么？',
      },
      choices: [
        { en: 'Both: root is not bound by a filter.', zh: '两者都有：过滤器管不了 root。' },
        { en: 'Nothing: the container is ended at mkdir.', zh: '什么也没有：容器在 mkdir 时就被结束了。' },
        { en: 'Only the file', zh: '只有文件' },
      ],
      answer: 2,
      run: [
        'foster run -d --name lab-seccomp-refuse --security-opt seccomp="$PWD"/refuse.json busybox sh -c \'mkdir /tmp/folder; touch /tmp/file; exec sleep 1000\'',
      ],
      see: ['cat refuse.json', 'foster logs lab-seccomp-refuse', 'foster exec lab-seccomp-refuse ls /tmp'],
      checks: [
        {
          what: { en: '/tmp/folder is there (1: yes)', zh: '/tmp/folder 是否存在（1 为是）' },
          look: existsIn('lab-seccomp-refuse', '/tmp/folder'),
          want: exactly(0),
        },
        {
          what: { en: '/tmp/file is there (1: yes)', zh: '/tmp/file 是否存在（1 为是）' },
          look: existsIn('lab-seccomp-refuse', '/tmp/file'),
          want: exactly(1),
        },
        {
          what: { en: 'Seccomp of `sleep 1000`', zh: '`sleep 1000` 的 Seccomp' },
          look: status('lab-seccomp-refuse', 'sleep 1000', 'Seccomp'),
          want: exactly('2'),
        },
      ],
      why: {
        en: 'The kernel asks the filter before it looks at permissions or capabilities, so it makes no difference who you are. SCMP_ACT_ERRNO makes the call fail with EPERM: "Operation not permitted", which programs usually survive.',
        zh: '内核先问过滤器，然后才看权限和 capability，所以你是谁都没有区别。SCMP_ACT_ERRNO 让调用以 EPERM（“Operation not permitted”）失败，程序通常能挺过去。',
      },
      hint: {
        en: 'The profile is in the folder of the lab: go there first.',
        zh: '配置文件在实验目录里：请先进入该目录。',
      },
    },
    {
      title: { en: 'no mercy', zh: '毫不留情' },
      ask: {
        en: 'kill.json is the same, with SCMP_ACT_KILL_PROCESS. What is the exit code of `mkdir /tmp/folder`? SIGSYS is signal 31.',
        zh: 'kill.json 与之相同，只是动作换成 SCMP_ACT_KILL_PROCESS。`mkdir /tmp/folder` 的退出码是多少？SIGSYS 是信号 31。',
      },
      choices: [
        { en: '159, which is 128 + 31', zh: '159，即 128 + 31' },
        { en: '1, as mkdir reports any failure', zh: '1，mkdir 失败时都这样' },
        { en: '137, which is 128 + 9', zh: '137，即 128 + 9' },
      ],
      answer: 0,
      run: [
        'foster run --name lab-seccomp-kill --security-opt seccomp="$PWD"/kill.json busybox mkdir /tmp/folder',
      ],
      see: ['foster wait lab-seccomp-kill'],
      checks: [
        {
          what: { en: 'exit code of lab-seccomp-kill', zh: 'lab-seccomp-kill 的退出码' },
          look: exitCode('lab-seccomp-kill'),
          want: exactly(159),
        },
      ],
      why: {
        en: 'The process is ended in the middle of the call, by SIGSYS, "bad system call". When a program in a container dies with 159, look at its seccomp profile first: often a new libc uses a call that an old profile does not know.',
        zh: '进程在调用途中就被 SIGSYS（“bad system call”）结束。容器里的程序若以 159 退出，先看它的 seccomp 配置：常常是新版 libc 用了旧配置不认识的调用。',
      },
      hint: { en: 'Not -d this time: the command is over at once.', zh: '这次不用 -d：命令马上就结束。' },
    },
    {
      title: { en: 'no way back', zh: '没有回头路' },
      ask: {
        en: 'You start `sleep 1001` in lab-seccomp-refuse with foster exec, without any option. Is it filtered?',
        zh: '你用 foster exec 在 lab-seccomp-refuse 里启动 `sleep 1001`，不带任何选项。它会被过滤吗？',
      },
      choices: [
        {
          en: 'No: a filter is inherited, and exec comes from outside.',
          zh: '不会：过滤器靠继承，而 exec 来自外面。',
        },
        { en: 'Yes: foster gives it the filter of the container.', zh: '会：foster 给它装上容器的过滤器。' },
        { en: 'Yes, but it can remove the filter.', zh: '会，但它可以自行去掉。' },
      ],
      answer: 1,
      run: ['foster exec -d lab-seccomp-refuse sleep 1001'],
      see: ['foster exec lab-seccomp-refuse mkdir /tmp/another'],
      checks: [
        {
          what: { en: 'Seccomp of `sleep 1001`', zh: '`sleep 1001` 的 Seccomp' },
          look: status('lab-seccomp-refuse', 'sleep 1001', 'Seccomp'),
          want: exactly('2'),
        },
        {
          what: { en: 'NoNewPrivs of `sleep 1001`', zh: '`sleep 1001` 的 NoNewPrivs' },
          look: status('lab-seccomp-refuse', 'sleep 1001', 'NoNewPrivs'),
          want: exactly('1'),
        },
      ],
      why: {
        en: 'There is no system call to remove a filter; children inherit it, and one can only add more. That is only safe together with no_new_privs: otherwise one could filter away setuid(2) under a set-user-ID program, and leave it as root. So the kernel demands one of both: no_new_privs, or CAP_SYS_ADMIN.',
        zh: '没有哪个系统调用能去掉过滤器；子进程会继承，只能再加，不能减。这必须与 no_new_privs 配合才安全：否则有人可以把 set-user-ID 程序要用的 setuid(2) 过滤掉，让它一直保持 root 身份。所以内核要求二者居其一：no_new_privs，或 CAP_SYS_ADMIN。',
      },
      hint: {
        en: 'lab-seccomp-refuse must still run.',
        zh: 'lab-seccomp-refuse 必须仍在运行。',
      },
    },
  ],
};
