import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ExecTemplate,
  encodeTemplate,
  stampFrom,
  stampOf,
  TEMPLATE_FILES,
  type TemplateFailure,
} from '../init/template.js';
import { encodeMonitor, encodePlan, type MonitorOptions } from '../init/wire.js';
import { executionFailures } from '../launch/execution-failure.js';
import { RootFiles } from '../layers/root-files.js';
import type { Plan } from '../plan/step.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder } from '../sys/paths.js';
import { formatEvent } from './events/line.js';
import { attributesOf } from './events/recorder.js';
import { detachableMonitor } from './exec-detachable.js';
import type { ContainerRecord } from './record.js';
import { readContainer } from './store.js';

/**
 * Leaves in the container's folder what the front needs to do such an exec without Node: src/init/front. If that fails, the next
 * one is done by Node, too.
 * @param how.keys those that leave it running
 * @param how.user what `--user` is, in numbers, and the container's PID 1
 * @param planFor makes the plan of a process without arguments in that container
 */
export function keepExecTemplate(
  id: string,
  {
    kind,
    keys,
    user,
  }: Pick<ExecTemplate, 'kind' | 'keys'> & { user?: { ids: string; pid: number } | undefined },
  planFor: (record: ContainerRecord) => Plan,
): void {
  const folder = containerFolder(id);
  // Before what they are of is read: a change that comes between makes the template useless, and not wrong.
  const stamps = { config: stampOf(join(folder, 'config.json')), cgroups: stampOf(join(folder, 'cgroups')) };
  const users = user && usersInside(user.pid);
  if (user !== undefined && (users === undefined || hasMany(folder))) return;
  const record = readContainer(id)?.record;
  if (record === undefined) return;
  const plan = planFor(record);
  if (plan.host.length > 0) return; // steps from outside are the launcher's, which the front does without
  const failures = { path: failuresFor(plan, '/'), name: failuresFor(plan, '') };
  const template = encodeTemplate({
    kind,
    stamps,
    users,
    plan: encodePlan({ ...plan, program: { ...plan.program, argv: [], paths: [] } }, { trace: false }),
    monitor: encodeMonitor({
      ...(kind === 'detachable' ? detachableMonitor(plan) : monitorOf(plan)),
      failures: [],
    }),
    failures,
    event: eventUpToCommand(record),
    path: searchPath(plan),
    keys,
    directoryStep: plan.init.length + plan.process.findIndex(({ call }) => call === 'chdir'),
  });
  const fileName = `${TEMPLATE_FILES[kind]}${user === undefined ? '' : `-u${user.ids}`}`;
  try {
    writeFileAtomically(join(folder, fileName), template, { durable: false });
  } catch {
    // a full disk, or the container has been removed
  }
}

/** Files whose times are older than this many ms cannot change without getting other times. */
const SETTLED = 1000;

/** The files of a running container that say which groups and which home a user has; undefined if they change just now. */
function usersInside(pid: number): ExecTemplate['users'] {
  const root = new RootFiles([`/proc/${pid}/root`]);
  try {
    const [passwd, group] = [root.stat('/etc/passwd'), root.stat('/etc/group')];
    const latest = Math.max(Number(passwd?.ctimeMs ?? 0), Number(group?.ctimeMs ?? 0));
    if (latest > Date.now() - SETTLED) return undefined;
    return { passwd: stampFrom(passwd), group: stampFrom(group) };
  } finally {
    root.close();
  }
}

/** Whether there are as many templates for users as there may be. */
function hasMany(folder: string): boolean {
  return readdirSync(folder).filter((name) => name.startsWith('exec') && name.includes('-u')).length >= 16;
}

/** The command itself becomes it. */
function monitorOf({ terminal, shim, verbose }: Plan): MonitorOptions {
  return {
    pid: 0,
    terminal,
    shim,
    verbose,
    interactive: false,
    userNamespace: false,
    stateless: true,
    remove: [],
    failures: [],
  };
}

/** The messages about a program, cut where it is named. @param rest tells one with a path from one that is looked up */
export function failuresFor(plan: Plan, rest: string): TemplateFailure[] {
  const program = `{program}${rest}`;
  const named = { ...plan, program: { ...plan.program, argv: [program] } };
  return executionFailures(named).map(({ errno, exitCode, text }) => {
    const at = text.indexOf(program);
    return { errno, exitCode, before: text.slice(0, at), after: text.slice(at + program.length) };
  });
}

function eventUpToCommand(record: ContainerRecord): string {
  const { id, name } = record;
  const attributes = { ...attributesOf(record), command: '' };
  const line = formatEvent({ time: 0, type: 'container', action: 'exec', id, name, attributes });
  return line.slice(1).trimEnd();
}

/** Where programs are looked up: the directories of the paths of one that is named `x`. */
export function searchPath({ program }: Plan): string {
  return program.paths.map((path) => path.slice(0, path.lastIndexOf('/'))).join(':');
}
