import { readFileSync } from 'node:fs';
import { visible } from '../../spec/parse/flag.js';
import { CAPABILITY_NAMES } from '../../sys/capabilities.js';
import { FosterError } from '../../sys/errors.js';
import { notRunning } from '../signal.js';
import { type Container, readLive } from '../store.js';
import { commandLine, type ProcessEntry, ProcessTable, readIds } from './table.js';

/** The processes of a container as listed by ps(1), with the host's pids. ps need not be installed. */

/** Facts about the machine that columns need. */
interface Snapshot {
  /** Milliseconds since 1970. */
  now: number;
  /** Seconds since 1970. */
  boot: number;
  /** Bytes. */
  memory: number;
  /** Index of the container's PID namespace in the lists of NSpid. */
  level: number;
  userName(uid: number): string;
  groupName(gid: number): string;
}

interface Column {
  heading: string;
  value(entry: ProcessEntry, moment: Snapshot): string;
}

const TICKS = 100; // per second: USER_HZ, the same on all supported architectures

const COLUMNS: Record<string, Column> = {
  user: { heading: 'USER', value: (entry, moment) => moment.userName(readIds(entry.pid)?.user ?? 0) },
  uid: { heading: 'UID', value: (entry) => String(readIds(entry.pid)?.user ?? 0) },
  group: {
    heading: 'GROUP',
    value: ({ pid }, moment) => moment.groupName(Number(statusWords(pid, 'Gid')[1])),
  },
  ruser: {
    heading: 'RUSER',
    value: ({ pid }, moment) => moment.userName(Number(statusWords(pid, 'Uid')[0])),
  },
  rgroup: {
    heading: 'RGROUP',
    value: ({ pid }, moment) => moment.groupName(Number(statusWords(pid, 'Gid')[0])),
  },
  groups: {
    heading: 'GROUPS',
    value: ({ pid }, moment) =>
      statusWords(pid, 'Groups').filter(Boolean).map(Number).map(moment.groupName).join(',') || '-',
  },
  pid: { heading: 'PID', value: (entry) => String(entry.pid) },
  nspid: { heading: 'NSPID', value: (entry, { level }) => String(readIds(entry.pid)?.pids[level] ?? '-') },
  nsppid: { heading: 'NSPPID', value: ({ parent }, { level }) => String(readIds(parent)?.pids[level] ?? 0) },
  ppid: { heading: 'PPID', value: (entry) => String(entry.parent) },
  pgid: { heading: 'PGID', value: (entry) => String(entry.group) },
  sid: { heading: 'SID', value: (entry) => String(entry.session) },
  c: { heading: 'C', value: (entry, moment) => String(Math.floor(cpuShare(entry, moment))) },
  pcpu: { heading: '%CPU', value: (entry, moment) => cpuShare(entry, moment).toFixed(1) },
  pmem: {
    heading: '%MEM',
    value: (entry, { memory }) => ((entry.residentSize / memory) * 100).toFixed(1),
  },
  vsz: { heading: 'VSZ', value: (entry) => String(Math.round(entry.virtualSize / 1024)) },
  rss: { heading: 'RSS', value: (entry) => String(Math.round(entry.residentSize / 1024)) },
  stime: { heading: 'STIME', value: (entry, moment) => startTime(entry, moment) },
  etime: { heading: 'ELAPSED', value: (entry, moment) => elapsed(age(entry, moment)) },
  time: { heading: 'TIME', value: (entry) => cpuTime(entry) },
  tty: { heading: 'TTY', value: (entry) => terminalName(entry.terminal) },
  stat: { heading: 'STAT', value: (entry) => entry.state },
  nice: { heading: 'NI', value: (entry) => String(entry.nice) },
  seccomp: {
    heading: 'SECCOMP',
    value: ({ pid }) => SECCOMP_MODES[Number(statusWords(pid, 'Seccomp')[0])] ?? '?',
  },
  capbnd: { heading: 'BOUNDING CAPS', value: ({ pid }) => capabilitiesOf(pid, 'CapBnd') },
  capeff: { heading: 'EFFECTIVE CAPS', value: ({ pid }) => capabilitiesOf(pid, 'CapEff') },
  capinh: { heading: 'INHERITED CAPS', value: ({ pid }) => capabilitiesOf(pid, 'CapInh') },
  capprm: { heading: 'PERMITTED CAPS', value: ({ pid }) => capabilitiesOf(pid, 'CapPrm') },
  nlwp: { heading: 'NLWP', value: (entry) => String(entry.threads) },
  comm: { heading: 'COMMAND', value: (entry) => entry.name },
  args: { heading: 'COMMAND', value: commandOf },
  cmd: { heading: 'CMD', value: commandOf },
};

/** Other names for columns, as in ps. */
const ALIASES: Record<string, string> = {
  euser: 'user',
  euid: 'uid',
  hpid: 'pid',
  huser: 'user',
  hgroup: 'group',
  hgroups: 'groups',
  egroup: 'group',
  tgid: 'pid',
  pgrp: 'pgid',
  sess: 'sid',
  session: 'sid',
  '%cpu': 'pcpu',
  '%mem': 'pmem',
  vsize: 'vsz',
  rssize: 'rss',
  start: 'stime',
  tt: 'tty',
  tname: 'tty',
  state: 'stat',
  s: 'stat',
  ni: 'nice',
  ucomm: 'comm',
  command: 'args',
};

/** Aliases with a heading of their own, as in ps, and as in Podman for the ids of the host. */
const OWN_HEADING = /^(h(user|groups?|pid)|e(user|uid|group)|tgid|pgrp)$/;

/** Columns of `ps -ef`. */
export const FULL_COLUMNS: ChosenColumn[] = parseColumns('user=UID,pid,ppid,c,stime,tty,time,cmd');
/** Columns of `ps aux`. */
export const USER_COLUMNS: ChosenColumn[] = parseColumns(
  'user,pid,pcpu,pmem,vsz,rss,tty,stat,stime=START,time,args',
);

export interface ChosenColumn {
  heading: string;
  name: string;
}

/**
 * Parses column names as in `ps -o`, separated by commas or spaces; `NAME=HEADING` sets another heading.
 * @throws FosterError for an unknown name
 */
export function parseColumns(list: string): ChosenColumn[] {
  return list.split(/[,\s]+/).map((word) => {
    const [given = '', heading] = word.split('=');
    const lower = given.toLowerCase();
    const name = ALIASES[lower] ?? lower;
    const column = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined;
    if (column === undefined) {
      throw new FosterError(`unknown column '${visible(given)}'`, {
        advice: `known columns: ${Object.keys(COLUMNS).join(', ')}`,
        exitCode: 1,
      });
    }
    return { name, heading: heading ?? (OWN_HEADING.test(lower) ? lower.toUpperCase() : column.heading) };
  });
}

/** The processes of a container. @throws FosterError if it is not running */
export function liveMembers({ record, state }: Container): ProcessEntry[] {
  const live = readLive(record.id);
  const isLive = state.status === 'running' || state.status === 'paused';
  const members = isLive && live !== undefined ? new ProcessTable().members(live.pid, record) : [];
  if (members[0]?.start !== live?.pidStart || members.length === 0) throw notRunning(record.name);
  return members;
}

/** A row with the headings, and one for each process, sorted by pid. */
export function processRows(container: Container, columns: ChosenColumn[]): string[][] {
  const members = liveMembers(container);
  const moment = takeSnapshot(members[0]);
  const rows = members
    .sort((a, b) => a.pid - b.pid)
    .map((entry) => columns.map(({ name }) => COLUMNS[name]?.value(entry, moment) ?? ''));
  return [columns.map(({ heading }) => heading), ...rows];
}

function takeSnapshot(init: ProcessEntry | undefined): Snapshot {
  const users = namesIn('/etc/passwd');
  const groups = namesIn('/etc/group');
  return {
    now: Date.now(),
    boot: Number(/^btime (\d+)$/m.exec(readText('/proc/stat'))?.[1] ?? 0),
    memory: totalMemory(),
    level: (readIds(init?.pid ?? 0)?.pids.length ?? 1) - 1,
    userName: (uid) => users.get(uid) ?? String(uid),
    groupName: (gid) => groups.get(gid) ?? String(gid),
  };
}

/** Names by ids, of users or of groups: passwd(5), group(5). */
function namesIn(file: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of readText(file).split('\n')) {
    const [name, , id] = line.split(':');
    if (name && id && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

const SECCOMP_MODES = ['disabled', 'strict', 'filter'];

/** The words of a line of /proc/PID/status; none if the process has just ended. */
function statusWords(pid: number, name: string): string[] {
  const text = readText(`/proc/${pid}/status`);
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.split(/\s+/) ?? [];
}

/** `chown,kill`; `none`; or `full` if it has all capabilities. */
function capabilitiesOf(pid: number, set: string): string {
  const [mask = '0'] = statusWords(pid, set);
  const bits = BigInt(`0x${mask}`);
  const names = CAPABILITY_NAMES.filter((_, number) => (bits >> BigInt(number)) & 1n);
  if (names.length === 0) return 'none';
  const isFull = names.length === CAPABILITY_NAMES.length;
  return isFull ? 'full' : names.map((name) => name.slice('CAP_'.length).toLowerCase()).join(',');
}

/** The machine's memory in bytes. */
export function totalMemory(): number {
  return Number(/^MemTotal:\s+(\d+) kB$/m.exec(readText('/proc/meminfo'))?.[1] ?? 1) * 1024;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function commandOf(entry: ProcessEntry): string {
  return entry.state === 'Z' ? `${commandLine(entry)} <defunct>` : commandLine(entry);
}

/** Seconds since the process started. */
function age({ start }: ProcessEntry, { now, boot }: Snapshot): number {
  return Math.max(now / 1000 - boot - Number(start) / TICKS, 0);
}

/** CPU time as a percentage of the process's life. */
function cpuShare(entry: ProcessEntry, moment: Snapshot): number {
  const seconds = age(entry, moment);
  return seconds === 0 ? 0 : ((entry.userTime + entry.systemTime) / TICKS / seconds) * 100;
}

/** The time of day; `Nov24` or the year if it started on another day. */
function startTime({ start }: ProcessEntry, { now, boot }: Snapshot): string {
  const at = new Date((boot + Number(start) / TICKS) * 1000);
  const today = new Date(now);
  if (at.toDateString() === today.toDateString()) return at.toTimeString().slice(0, 5);
  const [, month = '', day = '', year = ''] = at.toDateString().split(' ');
  return at.getFullYear() === today.getFullYear() ? month + day : year;
}

function cpuTime({ userTime, systemTime }: ProcessEntry): string {
  const seconds = Math.floor((userTime + systemTime) / TICKS);
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(twoDigits).join(':');
}

/** `[[DD-]HH:]MM:SS` */
function elapsed(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const rest = [(seconds / 60) % 60, seconds % 60].map(twoDigits).join(':');
  if (days > 0) return `${days}-${twoDigits(hours)}:${rest}`;
  return hours > 0 ? `${twoDigits(hours)}:${rest}` : rest;
}

function twoDigits(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

/**
 * The name of a terminal by its device number: major 136 to 143 are pseudo-terminals, 4 are consoles (Linux
 * devices.txt).
 */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return '?';
}
