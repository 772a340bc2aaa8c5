#!/usr/bin/env node
/**
 * Writes the table in README.md that compares foster with its peers: each cell is what a tool has just done. Run it as an
 * ordinary user. Docker is measured if $DOCKER_HOST names a daemon; otherwise its column stays as it is. With --check it only
 * reports which cells are no longer true.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const [BEGIN, END] = ['<!-- table: scripts/comparison.mjs -->', '<!-- end of table -->'];
/** The pages that have the table, and the words of their languages. */
const PAGES = {
  'README.md': {},
  'README.zh-CN.md': {
    'an ordinary user runs a container': '普通用户即可运行容器',
    'what still runs when no container does': '没有容器时仍在运行的进程',
    'orphans of a container, without further options': '容器里的孤儿进程（默认设置）',
    'signals to a program that has no handler for them': '发给未设处理函数的程序的信号',
    'pulls and builds images': '拉取和构建镜像',
    'shows each system call of a start, and why': '说明启动时的每个系统调用及其原因',
    yes: '是',
    no: '否',
    nothing: '无',
    reaped: '被回收',
    'left as zombies': '变成僵尸进程',
    'end it': '使其结束',
    'are lost': '丢失',
    'no: its daemon is root': '否：守护进程以 root 运行',
  },
};
/** Seconds, unlikely to be used by another process: one more for each tool. */
const FIRST_SLEEP = 98_763_000;
const work = mkdtempSync(join(tmpdir(), 'foster-comparison-'));
const env = {
  ...process.env,
  HOME: work,
  XDG_RUNTIME_DIR: join(work, 'run'),
  XDG_DATA_HOME: undefined,
  FOSTER_NETWORK: 'none',
};
mkdirSync(env.XDG_RUNTIME_DIR, { mode: 0o700 });

function run(argv, options = {}) {
  const [program, ...rest] = argv;
  return spawnSync(program, rest, { encoding: 'utf8', env, timeout: 120_000, ...options });
}

function ok(argv, options) {
  const { status, stdout, stderr, error } = run(argv, options);
  if (status !== 0) throw new Error(`${argv.join(' ')} failed: ${error ?? stderr}`);
  return stdout;
}

/** Runs a command of a tool, beside those of the others. The tool's processes can be told by their environment: `isOf`. */
function start({ name }, argv) {
  const [program, ...rest] = argv;
  const options = { env: { ...env, COMPARISON: `${work}:${name}` }, timeout: 120_000 };
  let child;
  const ended = new Promise((resolve) => {
    child = execFile(program, rest, options, (error, stdout, stderr) => resolve({ error, stdout, stderr }));
  });
  return { child, ended };
}

const foster = join(ROOT, 'dist', 'foster');
ok([foster, 'run', '--rm', 'busybox', 'true']);
const roots = join(work, '.local/share/foster/roots');
/** The files of all containers: a copy, because some tools write to them. */
const rootfs = join(work, 'rootfs');
ok([
  'cp',
  '-a',
  join(
    roots,
    readdirSync(roots).find((name) => name.startsWith('recipe-')),
    'rootfs',
  ),
  rootfs,
]);

/** @returns the folder of an OCI bundle with the namespaces that foster has, in which only the caller's ids are mapped */
function bundle(command) {
  const folder = mkdtempSync(join(work, 'bundle-'));
  ok(['runc', 'spec', '--rootless'], { cwd: folder });
  const file = join(folder, 'config.json');
  const spec = JSON.parse(readFileSync(file, 'utf8'));
  spec.process = { ...spec.process, args: command, terminal: false };
  spec.root = { path: rootfs, readonly: false };
  spec.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
  spec.linux.namespaces.push({ type: 'network' });
  delete spec.linux.resources;
  writeFileSync(file, JSON.stringify(spec));
  return folder;
}

const PODMAN = ['--network=none', '--log-driver=none'];

/** The tools, in the order of the columns. `run` is the command line that runs a command in a container and removes it. */
const TOOLS = [
  { name: 'foster', help: [foster], run: (command) => [foster, 'run', '--rm', 'busybox', ...command] },
  {
    name: 'Podman',
    help: ['podman'],
    run: (command) => [
      'podman',
      '--runtime=runc',
      '--cgroup-manager=cgroupfs',
      'run',
      '--rm',
      ...PODMAN,
      '--rootfs',
      `${rootfs}:O`,
      ...command,
    ],
  },
  {
    name: 'Docker',
    help: ['docker'],
    daemons: ['dockerd', 'containerd'],
    end: 'docker kill $(docker ps -q)',
    run: (command) => ['docker', 'run', '--rm', '--network=none', 'comparison', ...command],
  },
  {
    name: 'bubblewrap',
    help: ['bwrap'],
    run: (command) => [
      'bwrap',
      '--unshare-all',
      '--bind',
      rootfs,
      '/',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '--tmpfs',
      '/tmp',
      ...command,
    ],
  },
  {
    name: 'runc',
    help: ['runc'],
    run: (command) => ['runc', 'run', '--bundle', bundle(command), `comparison-${Date.now()}`],
  },
];

/** All processes that can be read: `{ pid, name, words, owner }`. */
function processes() {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      return [{ pid: Number(pid), name, words, owner: statSync(`/proc/${pid}`).uid }];
    } catch {
      return []; // it has ended
    }
  });
}

/** Who has to be root for it. */
async function privileges(tool) {
  const { daemons = [] } = tool;
  const isRoots = processes().some(({ name, owner }) => daemons.includes(name) && owner === 0);
  if (isRoots) return 'no: its daemon is root';
  const { error } = await start(tool, tool.run(['true'])).ended;
  return error === null ? 'yes' : 'no';
}

/** What still runs after a container has ended: daemons, and processes with the tool's mark in their environment. */
async function leftovers(tool) {
  const { name: mark, daemons = [] } = tool;
  await start(tool, tool.run(['true'])).ended;
  const found = processes().filter(({ pid, name }) => daemons.includes(name) || isOf(mark, pid));
  return [...new Set(found.map(({ name }) => name))].toSorted().join(', ') || 'nothing';
}

/** Whether a process was started here by a tool. */
function isOf(tool, pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`COMPARISON=${work}:${tool}`);
  } catch {
    return false; // somebody else's, or it has ended
  }
}

/** Twenty orphans that end after the first process has become a program that waits for none but its own children. */
const ORPHANS = `
export COUNT='
  zombies() { grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l; }
  until [ $(ls /tmp/ended | wc -l) = 20 ]; do sleep 0.1; done
  tries=20
  while [ $(zombies) != 0 ] && [ $tries != 0 ]; do sleep 0.1; tries=$((tries - 1)); done
  zombies'
rm -rf /tmp/ended; mkdir -p /tmp/ended
for i in $(seq 20); do (sh -c "sleep 1; touch /tmp/ended/$i" &); done
exec awk 'BEGIN { system(ENVIRON["COUNT"]) }'`;

async function orphans(tool) {
  const { error, stdout } = await start(tool, tool.run(['sh', '-c', ORPHANS])).ended;
  if (error !== null) throw error;
  return Number(stdout) === 0 ? 'reaped' : 'left as zombies';
}

/** SIGTERM to the command, such as Ctrl-C's: does a program in the container end that has no handler for it? */
async function signals(tool) {
  const sleep = ['sleep', String(FIRST_SLEEP + TOOLS.indexOf(tool))];
  const isSleep = ({ words }) => words.join() === sleep.join();
  const { child, ended } = start(tool, tool.run(sleep));
  try {
    await until(() => processes().some(isSleep), 60_000);
    child.kill('SIGTERM');
    return (await until(() => !processes().some(isSleep), 4000)) ? 'end it' : 'are lost';
  } finally {
    if (tool.end !== undefined) run(['sh', '-c', tool.end]);
    for (const { pid, owner } of processes().filter(isSleep))
      if (owner !== 0 || process.getuid() === 0) process.kill(pid, 'SIGKILL');
    await ended;
  }
}

async function until(isTrue, milliseconds) {
  for (const end = Date.now() + milliseconds; Date.now() < end; await delay(50)) if (isTrue()) return true;
  return false;
}

const helpOf = ({ help }, words = []) => {
  const { stdout, stderr } = run([...help, ...words, '--help']);
  return stdout + stderr;
};
const has = (pattern, words) => (tool) => (pattern.test(helpOf(tool, words)) ? 'yes' : 'no');

const ROWS = [
  ['an ordinary user runs a container', privileges],
  ['what still runs when no container does', leftovers],
  ['orphans of a container, without further options', orphans],
  ['signals to a program that has no handler for them', signals],
  ['pulls and builds images', has(/^ +build [\s\S]*^ +pull |^ +pull [\s\S]*^ +build /m)],
  ['shows each system call of a start, and why', has(/--explain/, ['run'])],
];

function cellsOf(page) {
  const table = page.slice(page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END));
  const lines = table.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('| -'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function tableOf(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [
    line(rows[0]),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...rows.slice(1).map(line),
  ];
}

/** Measures all cells; those of a tool that is not there are what `known` says. */
async function measureAll(known) {
  const hasDocker = run(['docker', 'info']).status === 0;
  if (hasDocker) ok(['sh', '-c', 'tar -C "$1" -c . | docker import - comparison', 'sh', rootfs]);
  const columns = await Promise.all(
    TOOLS.map(async (tool, index) => {
      const isKept = tool.name === 'Docker' && !hasDocker;
      const cells = [];
      for (const [line, [, measure]] of ROWS.entries())
        cells.push(isKept ? (known[line + 1]?.[index + 1] ?? '') : await measure(tool));
      return [tool.name, ...cells];
    }),
  );
  const titles = ['', ...ROWS.map(([title]) => title)];
  return titles.map((title, line) => [title, ...columns.map((cells) => cells[line])]);
}

async function main() {
  const rows = await measureAll(cellsOf(readFileSync(join(ROOT, 'README.md'), 'utf8')));
  for (const [name, words] of Object.entries(PAGES)) {
    const page = readFileSync(join(ROOT, name), 'utf8');
    const table = tableOf(rows.map((row) => row.map((cell) => words[cell] ?? cell))).join('\n');
    const measured = `${BEGIN}\n${table}\n${END}`;
    if (!process.argv.includes('--check')) {
      const [before, after] = [
        page.slice(0, page.indexOf(BEGIN)),
        page.slice(page.indexOf(END) + END.length),
      ];
      writeFileSync(join(ROOT, name), before + measured + after);
      continue;
    }
    const known = cellsOf(page);
    for (const [line, row] of cellsOf(measured).entries()) {
      if (row.join() === known[line]?.join()) continue;
      console.error(`${name} does not say: ${row.join(' | ')}`);
      process.exitCode = 1;
    }
  }
}

try {
  await main();
} finally {
  // podman's, which holds the user's namespaces
  for (const { pid } of processes()) if (isOf('Podman', pid)) process.kill(pid, 'SIGKILL');
  run([foster, 'unshare', 'rm', '-rf', work]);
  rmSync(work, { recursive: true, force: true });
}
