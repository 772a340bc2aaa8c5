/**
 * Where the milliseconds of a start go: time stamps that the kernel writes (ftrace: system calls, forks, executions, ends
 * of processes) and a probe of open(3), while `foster run --rm busybox true` and `foster exec` run. They cost a run some
 * percent, much less than strace(1) would, which stops a process at each call. Needs root. `make bench-profile` writes the
 * table into docs/performance.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asUser, median, output } from './bench.mjs';

const ROUNDS = 40;
const WARMUP = 4;

/** The steps of PID 1 in groups: each begins with the first step of the plan whose reason matches. */
const GROUPS = [
  ["become root, leave the caller's session", /^leave the caller's groups/],
  ["take the host's devices", /^keep mounts made here/],
  ['make /proc and /sys', /^mount a \/proc/],
  ['mount the overlay', /^mount the writable layer/],
  ["pivot into it, release the host's files", /^go to the new root/],
  ['/etc/hosts and other files', /^write the files/],
  ['/etc/mtab', /^link \/etc\/mtab/],
  ['mount /proc, hide and protect parts of it', /^mount a \/proc/],
  ['/dev', /own \/dev/],
  ['terminals, shared memory, message queues', /own pseudo-terminals/],
  ['mount /sys, hide parts of it', /^mount a \/sys/],
  ['host name, loopback interface', /^set the host name/],
];

/** ftrace in an instance of its own, so that others who trace are not disturbed. */
class Trace {
  #tracing;
  #instance;
  #probe = `foster_${process.pid}`;

  constructor(work) {
    this.#tracing = join(work, 'tracing');
    mkdirSync(this.#tracing);
    const { status, stderr } = spawnSync('mount', ['-t', 'tracefs', 'tracefs', this.#tracing], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`cannot mount tracefs, which needs root: ${stderr.trim()}`);
    this.#instance = join(this.#tracing, 'instances', this.#probe);
    mkdirSync(this.#instance);
    writeFileSync(join(this.#tracing, 'uprobe_events'), `p:${this.#probe}/open ${openFunction()}`, {
      flag: 'a',
    });
    this.#set('trace_clock', 'mono');
    this.#set('options/event-fork', '1');
    this.#set('buffer_size_kb', '16384');
    for (const event of ['sched_process_exec', 'sched_process_fork', 'sched_process_exit'])
      this.#set(`events/sched/${event}/enable`, '1');
    for (const event of ['sys_enter', 'sys_exit']) this.#set(`events/raw_syscalls/${event}/enable`, '1');
    this.#set(`events/${this.#probe}/open/enable`, '1');
  }

  #set(file, value) {
    writeFileSync(join(this.#instance, file), value);
  }

  /** The events of a command and of all processes that it starts. They have real-time priority, so that other work adds little. */
  of(argv) {
    this.#set('trace', '');
    const script = 'echo $$ >"$1" && shift && exec chrt --rr 1 "$@"';
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', script, 'sh', join(this.#instance, 'set_event_pid'), ...argv],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`${argv.join(' ')} failed: ${stderr}`);
    return parse(readFileSync(join(this.#instance, 'trace'), 'latin1'));
  }

  close() {
    rmdirSync(this.#instance);
    writeFileSync(join(this.#tracing, 'uprobe_events'), `-:${this.#probe}/open`, { flag: 'a' });
    spawnSync('umount', [this.#tracing]);
  }
}

/** Where open(3) is in the C library that Node uses, with its first argument: for a uprobe. */
function openFunction() {
  const libraries = spawnSync('ldd', [realpathSync(process.execPath)], { encoding: 'utf8' }).stdout;
  const libc = realpathSync(/libc\.so\.\d+ => (\S+)/.exec(libraries)?.[1]);
  const symbols = spawnSync('nm', ['-D', libc], { encoding: 'utf8' }).stdout;
  const offset = /^([0-9a-f]+) \w open64@/m.exec(symbols)?.[1];
  if (offset === undefined) throw new Error(`cannot find open64 in ${libc}; nm is in the package binutils`);
  return `${libc}:0x${offset} path=+0(${process.arch === 'arm64' ? '%x0' : '%di'}):ustring`;
}

/** Events in the order of their times, in ms. */
function parse(text) {
  const events = [];
  for (const line of text.split('\n')) {
    const match = /^.*?-(\d+) +\[\d+\] \S+ +(\d+\.\d+): (\w+): (.*)$/.exec(line);
    if (match === null) continue;
    const [, pid, seconds, kind, rest] = match;
    const event = { pid: Number(pid), at: Number(seconds) * 1000, kind };
    if (kind === 'sys_enter') {
      const [, number, first] = /^NR (-?\d+) \((\w+)/.exec(rest) ?? [];
      events.push({ ...event, number: Number(number), first: Number.parseInt(first, 16) });
    } else if (kind === 'sys_exit') {
      const [, number, result] = /^NR (-?\d+) = (-?\d+)/.exec(rest) ?? [];
      events.push({ ...event, number: Number(number), result: Number(result) });
    } else if (kind === 'sched_process_fork') {
      events.push({ ...event, child: Number(/child_pid=(\d+)/.exec(rest)?.[1]) });
    } else {
      events.push({ ...event, path: /(?:filename=|path=")([^ "]*)/.exec(rest)?.[1] });
    }
  }
  return events;
}

/** Numbers of system calls, from the headers that foster-init is compiled with. */
function callNumbers() {
  const text = spawnSync('gcc', ['-E', '-dM', '-include', 'asm/unistd.h', '-x', 'c', '/dev/null'], {
    encoding: 'utf8',
  }).stdout;
  return Object.fromEntries(
    [...text.matchAll(/^#define __NR_(\w+) (\d+)$/gm)].map(([, name, number]) => [name, Number(number)]),
  );
}

/**
 * What was done until when: pairs of a label and a time. Those that did not happen, such as the start of Node where none
 * starts, are missing.
 */
function marksOf(all, { foster, data, steps, numbers }) {
  const start = all.find(({ kind, path }) => kind === 'sched_process_exec' && path === foster);
  const main = start.pid;
  const events = ofFamily(all, main);
  const first = (test, after = 0) => events.find((event) => event.at >= after && test(event));
  const executed = (pid, test, after) =>
    first((event) => event.kind === 'sched_process_exec' && event.pid === pid && test(event.path), after)?.at;
  const opened = (test, after) =>
    first((event) => event.kind === 'open' && event.pid === main && test(event.path ?? ''), after)?.at;
  const exited = (pid) => first((event) => event.kind === 'sched_process_exit' && event.pid === pid)?.at;
  const forked = (child) =>
    first((event) => event.kind === 'sched_process_fork' && event.child === child)?.at;
  const isInit = (path) => /^\/dev\/fd\/|^\/proc\/self\/exe$/.test(path);

  const node = executed(main, (path) => /\/node$/.test(path));
  const front = executed(main, (path) => /\/(x64|arm64)\/foster$/.test(path));
  const script = node && opened((path) => path === foster, node);
  const bundle = script && opened((path) => path.includes('/foster/code/'), script);
  const isOfFoster = (path) => path.startsWith(data) || path.startsWith('/etc/');
  const loaded = bundle && opened(isOfFoster, bundle);

  const init = first(({ kind, pid, path }) => kind === 'sched_process_exec' && pid !== main && isInit(path));
  const process_ = first(
    (event) =>
      event.kind === 'sched_process_exec' &&
      event.pid !== main &&
      event.pid !== init.pid &&
      !isInit(event.path) &&
      !/\/new[ug]idmap$/.test(event.path),
  );
  const maps = events.filter(
    ({ kind, path }) => kind === 'sched_process_exec' && /\/new[ug]idmap$/.test(path ?? ''),
  );
  const mapped = maps.length === 0 ? undefined : Math.max(...maps.map(({ pid }) => exited(pid)));
  const child = forked(process_.pid);
  const ready = events.findLast(
    ({ kind, pid, at, number }) =>
      kind === 'sys_enter' && pid === process_.pid && number === numbers.sendto && at < process_.at,
  );
  const monitor = executed(main, isInit, init.at);
  const reaped = events.find(
    ({ kind, pid, number, result, at }) =>
      kind === 'sys_exit' &&
      pid === main &&
      number === numbers.wait4 &&
      at > process_.at &&
      [init.pid, process_.pid].includes(result),
  );
  const janitor = first(
    ({ kind, pid, at }) => kind === 'sched_process_fork' && pid === main && at > monitor,
  )?.child;

  const marks = [
    ['shell: which program does it', node ?? front],
    ['Node: start', script],
    ["Node: load foster's code", loaded],
    [
      node === undefined ? 'front: find and fill the template' : 'Node: check, plan, make the folder',
      forked(init.pid),
    ],
    ['clone(2) into the namespaces, execute foster-init', init.at],
    ['newuidmap, newgidmap', mapped],
    ...stepMarks(
      events.filter(({ pid, kind }) => pid === init.pid && kind === 'sys_enter'),
      steps,
      numbers,
    ),
    [steps.length > 0 ? 'PID 1: start your process' : 'enter the namespaces', child],
    ['your process: give up privileges, seccomp', ready?.at],
    ['become the monitor', monitor],
    ['monitor: record, execute the program', process_.at],
    ['the program', exited(process_.pid)],
    [steps.length > 0 ? 'PID 1: end, with namespaces and mounts' : 'reap it', reaped?.at],
    ['janitor: remove the files', janitor && exited(janitor)],
    ['monitor: end', exited(main)],
  ];
  return { marks: marks.filter(([, at]) => at !== undefined), start: start.at };
}

/** The events of a process and its descendants: another process that had one of their PIDs may be traced, too. */
function ofFamily(events, main) {
  const family = new Set([main]);
  return events.filter(({ pid, kind, child }) => {
    if (family.has(pid) && kind === 'sched_process_fork') family.add(child);
    return family.has(pid);
  });
}

/** The ends of the groups of PID 1's steps. Each step is one system call, and they are made in the order of the plan. */
function stepMarks(calls, steps, numbers) {
  const marks = [];
  let label = 'PID 1: wake up';
  let group = 0;
  let at = 0;
  for (const { call, why } of steps) {
    const found = calls.findIndex(({ number }, index) => index >= at && number === numbers[call]);
    if (found < 0) break;
    at = found + 1;
    if (!GROUPS[group]?.[1].test(why)) continue;
    marks.push([label, calls[found].at]);
    label = `PID 1: ${GROUPS[group++][0]}`;
  }
  if (at > 0) marks.push([label, calls[at - 1].at]);
  return marks;
}

/** The milliseconds of each part. */
function partsOf(events, facts) {
  const { marks, start } = marksOf(events, facts);
  const parts = new Map();
  let before = start;
  for (const [label, at] of marks) {
    const end = Math.max(at, before);
    parts.set(label, (parts.get(label) ?? 0) + end - before);
    before = end;
  }
  return { parts, total: before - start, isByNode: parts.has('Node: start') };
}

function initSteps(bench) {
  const { steps } = JSON.parse(output(bench, [bench.foster, 'run', '--rm', '--dry-run', 'busybox', 'true']));
  return steps
    .filter(({ phase }) => phase === 'init')
    .map(({ call, why }) => ({ call: /^\w+/.exec(call)[0], why }));
}

/** In the order in which they happen; a label that only some columns have comes after the one before it there. */
function labelsOf(columns) {
  const labels = [];
  for (const { parts } of columns) {
    let at = 0;
    for (const label of parts.keys()) {
      const known = labels.indexOf(label);
      if (known < 0) labels.splice(at++, 0, label);
      else at = known + 1;
    }
  }
  return labels;
}

export function measure(bench) {
  const { foster } = bench;
  const byNode = ['env', 'FOSTER_NO_FRONT=1', foster];
  output(bench, [foster, 'run', '-d', '--name', 'profiled', 'busybox', 'sleep', '1000']);
  const facts = { foster, data: join(bench.work, 'home/.local/share/foster'), numbers: callNumbers() };
  const steps = initSteps(bench);
  const commands = [
    ['run', [foster, 'run', '--rm', 'busybox', 'true'], steps],
    ['run, by Node', [...byNode, 'run', '--rm', 'busybox', 'true'], steps],
    ['exec', [foster, 'exec', 'profiled', 'true'], []],
    ['exec, by Node', [...byNode, 'exec', 'profiled', 'true'], []],
  ].map(([name, argv, its]) => ({
    name,
    argv: asUser(bench, argv),
    facts: { ...facts, steps: its },
    runs: [],
  }));
  const trace = new Trace(bench.work);
  try {
    for (let round = 0; round < WARMUP + ROUNDS; round++)
      for (const { argv, facts: its, runs } of commands) {
        const run = partsOf(trace.of(argv), its);
        if (round >= WARMUP) runs.push(run);
      }
  } finally {
    trace.close();
    output(bench, [foster, 'rm', '-f', 'profiled']);
  }
  const columns = commands
    .filter(({ name, runs }) => name.endsWith('by Node') || !runs.every(({ isByNode }) => isByNode))
    .map(({ name, runs }) => ({
      name,
      total: median(runs.map(({ total }) => total)),
      parts: new Map(
        [...runs[0].parts.keys()].map((label) => [
          label,
          median(runs.map(({ parts }) => parts.get(label) ?? 0)),
        ]),
      ),
    }));
  const cell = (value, total) =>
    value === undefined ? '' : `${value.toFixed(1)} (${((value / total) * 100).toFixed(0)} %)`;
  return [
    {
      title: 'Where the time goes',
      text: `Milliseconds, and their share of the whole: medians of ${ROUNDS} runs in turn of \`foster run --rm busybox true\` and \`foster exec CONTAINER true\`, without a network.`,
      head: ['', ...columns.map(({ name }) => name)],
      rows: [
        ...labelsOf(columns).map((label) => [
          label,
          ...columns.map(({ parts, total }) => cell(parts.get(label), total)),
        ]),
        ['all', ...columns.map(({ total }) => total.toFixed(1))],
      ],
      notes: [],
    },
  ];
}
