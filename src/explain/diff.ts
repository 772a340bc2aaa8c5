import { processTree } from '../container/processes/tree.js';
import { notRunning } from '../container/signal.js';
import type { Container } from '../container/store.js';
import { isAlive } from '../container/store.js';
import { viewOf, viewOfSelf } from './container.js';
import { type Block, type Explanation, heading, paragraph } from './explanation.js';
import { type KernelView, NAMESPACES } from './kernel-view.js';
import type { MountInfo } from './mount-info.js';
import type { Phrase, Say } from './say.js';

/** A difference between two processes. */
export interface Difference {
  /** `namespaces`, `ids`, `capabilities` ... */
  about: string;
  what: string;
  /** As the kernel says; `-` for what one of them does not have. */
  a: string;
  b: string;
}

/** One of the two that are compared: a container, or the host, which is this process. */
export interface Side {
  name: string;
  view: KernelView;
}

/** Stands for what one side does not have. */
const NONE = '-';

/** @throws FosterError if it does not run */
export function sideOf(container: Container): Side {
  const { record, state } = container;
  const view = isAlive(state) ? viewOf(container, processTree(container)) : undefined;
  if (view === undefined) throw notRunning(record.name);
  return { name: record.name, view };
}

/** This process, for the host. */
export function hostSide(): Side {
  const view = viewOfSelf();
  if (view === undefined) throw new Error('/proc/self cannot be read');
  return { name: 'host', view };
}

/** What differs between two containers, or a container and the host, by what the kernel says of their processes. */
export function explainDifference(a: Side, b: Side, say: Say): Explanation {
  const differences = compareViews(a.view, b.view);
  const groups = [...new Set(differences.map(({ about }) => about))];
  const shared = Object.entries(NAMESPACES).flatMap(([name, type]) => {
    const inode = a.view.namespaces[name];
    return inode !== undefined && inode === b.view.namespaces[name] ? [type] : [];
  });
  const blocks = groups.flatMap((about): Block[] => [
    heading(titleOf(about, say)),
    {
      kind: 'table',
      head: [say('what'), a.name, b.name],
      rows: rowsOf(differences.filter((one) => one.about === about)),
    },
  ]);
  return {
    title: say('What the kernel says differs between {1} and {2}', a.name, b.name),
    blocks: [
      paragraph(
        shared.length === 0
          ? say('They share no namespace.')
          : say('They share these namespaces: {1}.', shared.join(', ')),
      ),
      ...(differences.length === 0 ? [paragraph(say('Nothing differs.'))] : blocks),
    ],
    data: { kind: 'diff', a: a.name, b: b.name, shared, differences },
  };
}

/** A row for each difference; capabilities that differ in the same way have one together. */
function rowsOf(differences: readonly Difference[]): string[][] {
  const rows = new Map<string, string[]>();
  for (const { about, what, a, b } of differences) {
    const key = about === 'capabilities' ? `${a} ${b}` : what;
    const row = rows.get(key);
    const name = what.replace(/^CAP_/, '');
    if (row === undefined) rows.set(key, [name, a, b]);
    else row[0] += `, ${name}`;
  }
  return [...rows.values()];
}

function titleOf(about: string, say: Say): string {
  const title = TITLES[about];
  return title === undefined ? about : say(title);
}

const TITLES: Readonly<Record<string, Phrase>> = {
  namespaces: 'Namespaces (inodes)',
  ids: 'Ids',
  capabilities: 'Capabilities',
  guards: 'Guards',
  mounts: 'Mounts',
  limits: 'Limits',
  scheduling: 'Scheduling',
  cgroups: 'Cgroups',
  process: 'The process itself',
};

/** The differences of two views, in the order of their parts. */
export function compareViews(a: KernelView, b: KernelView): Difference[] {
  return [
    ...records('namespaces', byType(a.namespaces), byType(b.namespaces)),
    ...records('ids', idsOf(a), idsOf(b)),
    ...capabilities(a, b),
    ...records('guards', guardsOf(a), guardsOf(b)),
    ...records('mounts', mountsOf(a.mounts), mountsOf(b.mounts)),
    ...records('limits', a.limits, b.limits),
    ...records('scheduling', schedulingOf(a), schedulingOf(b)),
    ...records('cgroups', cgroupsOf(a.cgroups), cgroupsOf(b.cgroups)),
    ...records('process', processOf(a), processOf(b)),
  ];
}

function records(about: string, a: Record<string, string>, b: Record<string, string>): Difference[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((what) => {
    const [left = NONE, right = NONE] = [a[what], b[what]];
    return left === right ? [] : [{ about, what, a: left, b: right }];
  });
}

function byType(namespaces: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(namespaces).map(([name, inode]) => [NAMESPACES[name] ?? name, inode]),
  );
}

function idsOf({ uid, gid, groups, uidMap, gidMap }: KernelView): Record<string, string> {
  const map = (lines: KernelView['uidMap']) =>
    lines.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`).join(', ');
  return { uid, gid, groups: groups || NONE, uid_map: map(uidMap), gid_map: map(gidMap) };
}

/** For each capability, the sets that have it. */
function capabilities(a: KernelView, b: KernelView): Difference[] {
  const setsOf = ({ capabilities: sets }: KernelView) => {
    const found: Record<string, string> = {};
    for (const [set, names] of Object.entries(sets))
      for (const name of names) found[name] = found[name] === undefined ? set : `${found[name]}, ${set}`;
    return found;
  };
  return records('capabilities', setsOf(a), setsOf(b));
}

function guardsOf({ noNewPrivs, seccomp, seccompFilters }: KernelView): Record<string, string> {
  return {
    no_new_privs: noNewPrivs ? 'on' : 'off',
    seccomp,
    ...(seccompFilters !== undefined && { 'seccomp filters': String(seccompFilters) }),
  };
}

/** By path; of mounts over each other, the last one is seen. */
function mountsOf(mounts: readonly MountInfo[]): Record<string, string> {
  return Object.fromEntries(
    mounts.map(({ target, type, root, options }) => {
      const part = root === '/' ? '' : ` ${root}`;
      return [target, `${type}${part} (${options.filter((one) => one !== 'relatime').join(',')})`];
    }),
  );
}

function schedulingOf({ nice, scheduler, cpus, oomScoreAdj }: KernelView): Record<string, string> {
  return { policy: scheduler, nice, CPUs: cpus, oom_score_adj: oomScoreAdj };
}

function cgroupsOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, controllers = '', ...path] = line.split(':');
      return [controllers === '' ? 'version 2' : controllers, path.join(':')];
    }),
  );
}

function processOf({ umask, environment, openFiles }: KernelView): Record<string, string> {
  return {
    umask,
    ...(environment !== undefined && { 'bytes of environment': String(environment) }),
    ...(openFiles !== undefined && { 'open files': String(openFiles) }),
  };
}
