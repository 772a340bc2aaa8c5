import type { Text } from './text.js';

/** What `foster lab` says in the learner's language, besides the labs. A name in braces is replaced: fill(). */

/** What a check did not find. */
export const ABSENT = {
  container: { en: 'there is no container {name}', zh: '没有名为 {name} 的容器' },
  start: { en: 'container {name} does not run', zh: '容器 {name} 没有在运行' },
  end: {
    en: 'container {name} does not run: it has ended with exit code {code}',
    zh: '容器 {name} 没有在运行：它已经结束，退出码为 {code}',
  },
  process: {
    en: 'there is no process `{command}` in container {name}',
    zh: '容器 {name} 里没有进程 `{command}`',
  },
  file: { en: 'there is no {name} in the folder of the lab', zh: '实验目录里没有 {name}' },
  nothing: { en: 'nothing', zh: '没有' },
} satisfies Record<string, Text>;

/** What a check wants. */
export const WANTED = {
  exactly: { en: '{value}', zh: '{value}' },
  atLeast: { en: 'at least {value}', zh: '至少 {value}' },
  nothing: { en: 'nothing', zh: '没有' },
  sameAs: { en: 'the same as of {other}', zh: '与 {other} 的相同' },
  differs: { en: 'another than of {other}', zh: '与 {other} 的不同' },
  contains: { en: 'something with {value}', zh: '包含 {value}' },
} satisfies Record<string, Text>;

export const WORDS = {
  step: { en: 'Step {number} of {count}: {title}', zh: '第 {number} 步（共 {count} 步）：{title}' },
  predict: { en: 'Predict', zh: '预测' },
  run: { en: 'Run', zh: '运行' },
  see: { en: 'See', zh: '观察' },
  check: { en: 'Check', zh: '检查' },
  why: { en: 'Why', zh: '原因' },
  hint: { en: 'Hint', zh: '提示' },
  howToPredict: {
    en: 'Record your answer, before you try: foster lab predict {letters}',
    zh: '动手之前，先记下你的答案：foster lab predict {letters}',
  },
  howToGoOn: {
    en: 'Type these in any terminal, then: foster lab check',
    zh: '在任意终端里输入这些命令，然后运行：foster lab check',
  },
  met: { en: 'ok: {what}: {found}', zh: '通过：{what}：{found}' },
  unmet: { en: 'no: {what}: {found} (wanted: {want})', zh: '未过：{what}：{found}（应为：{want}）' },
  predictedRight: {
    en: 'You predicted {letter}, and that is what happened.',
    zh: '你预测的是 {letter}，结果正是如此。',
  },
  predictedOther: {
    en: 'You predicted {letter}. What happened is {answer}: {choice}',
    zh: '你预测的是 {letter}。实际结果是 {answer}：{choice}',
  },
  notPredicted: { en: 'What happened is {answer}: {choice}', zh: '实际结果是 {answer}：{choice}' },
  recorded: { en: 'Recorded: {letter}. Now find out.', zh: '已记录：{letter}。现在动手验证吧。' },
  notYet: {
    en: 'Not yet. foster lab hint helps, and foster lab solve does this step for you.',
    zh: '还没有达到。foster lab hint 给出提示，foster lab solve 替你完成这一步。',
  },
  lost: {
    en: 'A container of an earlier step is gone. foster lab solve makes it again, and does this step; foster lab reset starts all over.',
    zh: '前面步骤的容器已经不在了。foster lab solve 会重新创建它并完成这一步；foster lab reset 则从头开始。',
  },
  goesOn: {
    en: 'This lab was begun before, and goes on here. foster lab reset {name} starts all over.',
    zh: '这个实验之前已经开始，现在接着进行。foster lab reset {name} 可以从头开始。',
  },
  done: {
    en: 'This lab is done. You predicted {right} of {count} steps correctly. foster lab reset {name} removes what it has made.',
    zh: '本实验已完成。{count} 步中你预测对了 {right} 步。foster lab reset {name} 会删除它创建的一切。',
  },
  again: { en: 'made again, as in step {number}:', zh: '按第 {number} 步重新创建：' },
  wasReset: { en: 'Nothing of lab {name} is left.', zh: '实验 {name} 没有留下任何东西。' },
  exitCode: { en: 'exit code {code}', zh: '退出码 {code}' },
  more: { en: 'More about it:', zh: '延伸阅读：' },
  next: { en: 'The next one: foster lab start {next}', zh: '下一个：foster lab start {next}' },
  prompt: {
    en: 'Type the commands here, or in another terminal. Enter checks; hint helps, solve does it for you, q leaves.',
    zh: '在这里或另一个终端里输入这些命令。回车检查；hint 给出提示，solve 代做，q 离开。',
  },
  askLetter: { en: '{letters}, Enter to skip, q to leave', zh: '{letters}；回车跳过，q 离开' },
  left: { en: 'foster lab start {name} goes on with it.', zh: 'foster lab start {name} 可以接着做。' },
  trivial: {
    en: 'the check of step {number} is met before the step is done: it shows nothing',
    zh: '第 {number} 步还没做，检查就已通过：它证明不了什么',
  },
  hollow: {
    en: 'a check of step {number} is met when nothing of the lab is there: {what}',
    zh: '实验还什么都没有，第 {number} 步的一项检查就已通过：{what}',
  },
  failed: { en: 'the check of step {number} fails', zh: '第 {number} 步的检查没有通过' },
  fresh: { en: 'new', zh: '未开始' },
  asUser: { en: 'do it as an ordinary user', zh: '请以普通用户身份来做' },
  cannot: {
    en: 'cannot do lab {name} on this machine: {lack}',
    zh: '无法在这台机器上做实验 {name}：{lack}',
  },
  offer: {
    en: 'a virtual machine has it: scripts/vm shell (docs/vm.md)',
    zh: '虚拟机里有这个条件：scripts/vm shell（见 docs/vm.md）',
  },
  begun: { en: 'step {number} of {count}', zh: '第 {number}/{count} 步' },
  finished: { en: 'done', zh: '已完成' },
} satisfies Record<string, Text>;

/** What a machine lacks. Each completes the error of a lab that needs it. */
export const LACKS = {
  limits: {
    en: 'no cgroup that you may use: the kernel cannot limit memory or CPU for you here',
    zh: '这里没有你可以使用的 cgroup：内核无法替你限制内存或 CPU',
  },
  overlay: {
    en: 'the kernel cannot mount overlay in a user namespace here',
    zh: '内核在这里不能在用户命名空间中挂载 overlay',
  },
  ids: {
    en: 'you have no range of ids in /etc/subuid and /etc/subgid, or newuidmap is not installed',
    zh: '/etc/subuid 和 /etc/subgid 里没有分给你的 id，或者没有安装 newuidmap',
  },
  network: {
    en: 'no network for containers can be made: pasta, dnsmasq or /dev/net/tun is missing',
    zh: '无法为容器建立网络：缺少 pasta、dnsmasq 或 /dev/net/tun',
  },
  rootless: {
    en: 'you are root: this lab is about what a user without rights can do',
    zh: '你是 root：本实验讲的是没有特权的用户能做什么',
  },
} satisfies Record<string, Text>;
