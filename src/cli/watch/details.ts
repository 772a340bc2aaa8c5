import type { ProcessDetails, WatchedProcess } from '../../engine/watch.js';
import type { Row } from './rows.js';

/** A line about the namespaces and the cgroup of a row's process; of PID 1 if the row is a container. */
export async function detailLine(row: Row): Promise<string> {
  const found = await detailsOf(row);
  if (found === undefined) return '';
  const { namespaces, cgroups } = found;
  const texts = namespaceText(namespaces);
  // the cgroup is more interesting than the last namespaces, for which there may be no room
  return [...texts.slice(0, 4), `cgroup ${lastCgroup(cgroups)}`, ...texts.slice(4)].join(' ');
}

/** The same in several lines, with what else there is. */
export async function detailLines(row: Row): Promise<string[]> {
  const process = processOf(row);
  const found = await detailsOf(row);
  if (process === undefined || found === undefined) return ['it is gone'];
  return [
    `command   ${process.command}`,
    `pids      ${found.pids.join(' outside, ')}${found.pids.length > 1 ? ' inside' : ''}`,
    `user      ${found.user ?? '?'} outside`,
    `threads   ${process.threads}`,
    '',
    'namespaces: two processes with the same number share it',
    ...namespaceText(found.namespaces).map((text) => `  ${text}`),
    '',
    'cgroups',
    ...found.cgroups.map((text) => `  ${text}`),
  ];
}

function processOf({ container, process }: Row): WatchedProcess | undefined {
  return process ?? container.processes.find(({ hostPid }) => hostPid === container.hostPid);
}

async function detailsOf(row: Row): Promise<ProcessDetails | undefined> {
  const process = processOf(row);
  if (process === undefined) return undefined;
  const { details } = await import('../../engine/watch.js');
  return await details(process.hostPid, process.start);
}

/** `pid:4026532400`, as in /proc/PID/ns */
function namespaceText(namespaces: ProcessDetails['namespaces']): string[] {
  return Object.entries(namespaces).map(([type, number]) => `${type}:${number}`);
}

/** The path in the unified hierarchy, or in the first one. */
function lastCgroup(cgroups: readonly string[]): string {
  const chosen = cgroups.find((text) => text.startsWith('0::')) ?? cgroups[0] ?? '';
  return chosen.split(':').slice(2).join(':');
}
