import { readCgroups } from '../container/cgroups.js';
import { type ProcessNode, processTree } from '../container/processes/tree.js';
import {
  type Container,
  isAlive,
  listContainers,
  readCounts,
  readLive,
  statusWord,
  wasOomKilled,
} from '../container/store.js';
import { shorten } from '../plan/render.js';
import { FosterError } from '../sys/errors.js';
import { PROCESS_STATES } from '../sys/process-states.js';
import { exitWords } from './exit-code.js';
import { type Block, type Explanation, heading, paragraph, terms } from './explanation.js';
import { type ContainerFacts, plannedFacts, seenFacts } from './facts.js';
import { type KernelView, readKernelView } from './kernel-view.js';
import { ProcessFolder } from './process-folder.js';
import type { Phrase, Say } from './say.js';
import { factSections } from './sections.js';

/** More processes than these are counted, not shown. */
const MOST_SHOWN = 40;

/** Explains a container that runs, by what the kernel says of it, or one that does not, by what is known. */
export function explainContainer(container: Container, say: Say): Explanation {
  const seen = isAlive(container.state) ? lookAt(container, say) : undefined;
  const facts = seen?.facts ?? plannedFacts(container.record, say);
  const { record, state } = container;
  const cgroups = readCgroups(record.id).map(({ folder }) => folder);
  const counts = readCounts(record.id);
  const { exitCode } = state;
  return {
    title: titleOf(container, seen !== undefined, say),
    blocks: [
      ...stateBlocks(container, say),
      ...(seen === undefined ? [] : processBlocks(container, seen.processes, say)),
      ...factSections(facts, say),
      ...(cgroups.length === 0
        ? []
        : [terms(cgroups.map((folder) => ({ term: 'cgroup', meaning: folder })))]),
    ],
    data: {
      kind: 'container',
      id: record.id,
      name: record.name,
      status: statusWord(state),
      command: record.spec.process.args,
      ...(state.startedAt !== undefined && { startedAt: state.startedAt }),
      ...(seen !== undefined && { pid: state.pid, monitor: state.monitor, init: record.init }),
      ...(seen === undefined &&
        exitCode !== undefined && {
          exitCode,
          exit: exitWords(exitCode, { wasOomKilled: wasOomKilled(record.id) }, say),
        }),
      ...(counts && { orphans: counts }),
      ...facts,
      cgroups,
      ...(seen && { processes: seen.processes }),
    },
  };
}

interface Seen {
  facts: ContainerFacts;
  processes: ProcessNode[];
}

/** @returns undefined if it has ended meanwhile */
function lookAt(container: Container, say: Say): Seen | undefined {
  const processes = treeOf(container);
  const view = viewOf(container, processes);
  const host = viewOfSelf();
  if (view === undefined || host === undefined) return undefined;
  const facts = seenFacts(container.record, view, host, namespacesOfOthers(container), say);
  return { facts, processes };
}

function treeOf(container: Container): ProcessNode[] {
  try {
    return processTree(container);
  } catch (error) {
    if (error instanceof FosterError) return []; // it has just ended
    throw error;
  }
}

/**
 * The kernel's view of a container: of the user's process if PID 1 is foster-init, else of PID 1.
 * @returns undefined if it does not run
 */
export function viewOf({ record, state }: Container, processes: ProcessNode[]): KernelView | undefined {
  const live = readLive(record.id);
  if (live === undefined || state.pid === 0) return undefined;
  const init = ProcessFolder.open(live.pid, live.pidStart);
  if (init === undefined) return undefined;
  try {
    const child = record.init
      ? processes[0]?.children.find(({ adopted }) => adopted === undefined)
      : undefined;
    return (child && viewOfChild(child.hostPid, live.pid)) ?? readKernelView(init);
  } finally {
    init.close();
  }
}

/** Of a process that is still a child of PID 1: another that has got its PID meanwhile is somebody else's. */
function viewOfChild(pid: number, parent: number): KernelView | undefined {
  const folder = ProcessFolder.open(pid);
  if (folder === undefined) return undefined;
  try {
    return folder.stat(4) === String(parent) ? readKernelView(folder) : undefined;
  } finally {
    folder.close();
  }
}

/** The kernel's view of this process: what a container shares with it, it shares with the host. */
export function viewOfSelf(): KernelView | undefined {
  const folder = ProcessFolder.open('self');
  try {
    return folder && readKernelView(folder);
  } finally {
    folder?.close();
  }
}

/** The namespaces of other containers that run. */
function namespacesOfOthers({ record: { id } }: Container): Map<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>();
  for (const { record, state } of listContainers()) {
    const live = record.id === id || !isAlive(state) ? undefined : readLive(record.id);
    const folder = live && ProcessFolder.open(live.pid, live.pidStart);
    if (folder === undefined) continue;
    const view = readKernelView(folder);
    folder.close();
    if (view !== undefined) found.set(record.name, view.namespaces);
  }
  return found;
}

function titleOf({ record, state }: Container, isSeen: boolean, say: Say): string {
  const what = record.isInfra ? say('the namespaces of a pod') : record.spec.process.args.join(' ');
  const id = record.id.slice(0, 12);
  const status = statusWord(state);
  const phrase = isSeen ? 'Container {1} ({2}) runs: {3}' : TITLES[status];
  return phrase === undefined
    ? say('Container {1} ({2}) is {4}: {3}', record.name, id, what, status)
    : say(phrase, record.name, id, what);
}

const TITLES: Readonly<Partial<Record<string, Phrase>>> = {
  created: 'Container {1} ({2}) has not been started: {3}',
  exited: 'Container {1} ({2}) has ended: {3}',
};

function stateBlocks({ record, state }: Container, say: Say): Block[] {
  const { startedAt, finishedAt, exitCode, restarts, error } = state;
  const isOver = !isAlive(state);
  const rows = [
    { term: say('status'), meaning: statusWord(state) },
    { term: say('created'), meaning: record.created },
    ...(startedAt === undefined ? [] : [{ term: say('started'), meaning: startedAt }]),
    ...(isOver && finishedAt !== undefined ? [{ term: say('ended'), meaning: finishedAt }] : []),
    ...(isOver && exitCode !== undefined
      ? [
          {
            term: say('exit code'),
            meaning: `${exitCode}: ${exitWords(exitCode, { wasOomKilled: wasOomKilled(record.id) }, say)}`,
          },
        ]
      : []),
    ...(error === undefined ? [] : [{ term: say('error'), meaning: error }]),
    ...(restarts > 0 ? [{ term: say('restarts'), meaning: String(restarts) }] : []),
    ...(isOver ? [] : [{ term: say('monitor'), meaning: say('process {1} of the host', state.monitor) }]),
  ];
  return [terms(rows)];
}

function processBlocks({ record }: Container, processes: ProcessNode[], say: Say): Block[] {
  const counts = readCounts(record.id);
  const sentence = record.init
    ? say(
        'PID 1 is foster-init. It forwards signals to the program, adopts every orphan and reaps every zombie.',
      )
    : say(
        'PID 1 is the program itself. Orphans become its children, and zombies if it does not wait for them; signals that it has no handler for do nothing.',
      );
  const so =
    counts === undefined
      ? sentence
      : say(
          '{1} {2}',
          sentence,
          say('Orphans so far: {1} adopted, {2} reaped.', counts.adopted, counts.reaped),
        );
  const rows = processes.flatMap((root) => processRows(root, 0, say));
  const more = rows.length - MOST_SHOWN;
  return [
    heading(say('Processes')),
    paragraph(so),
    {
      kind: 'table',
      head: [say('pid'), say('host pid'), say('state'), say('command')],
      rows: rows.slice(0, MOST_SHOWN),
    },
    ...(more > 0
      ? [paragraph(say("And {1} more: 'foster top --tree {2}' lists all.", more, record.name))]
      : []),
  ];
}

function processRows(node: ProcessNode, depth: number, say: Say): string[][] {
  const note = node.adopted ? say('(adopted by PID 1)') : node.joined ? say('(came by foster exec)') : '';
  const command = `${'. '.repeat(depth)}${shorten(node.command)}${note === '' ? '' : ` ${note}`}`;
  return [
    [String(node.pid ?? '-'), String(node.hostPid), stateWord(node.state, say), command],
    ...node.children.flatMap((child) => processRows(child, depth + 1, say)),
  ];
}

function stateWord(letter: string, say: Say): string {
  const word = PROCESS_STATES[letter];
  return word === undefined ? letter : say(word);
}
