import { join } from 'node:path';
import { encodeRunTemplate, stampOf } from '../init/template.js';
import { encodeMonitor, encodePlan, type MonitorOptions } from '../init/wire.js';
import { namespaceFlags } from '../plan/namespaces.js';
import type { Plan } from '../plan/step.js';
import { parseDetachKeys } from '../spec/parse/detach-keys.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder } from '../sys/paths.js';
import { searchPath } from './exec-template.js';
import type { ContainerRecord } from './record.js';
import { factsOf, flagsOf, isStartRepeatable, wholeFailures } from './run-template.js';
import { readContainer } from './store.js';

/** The name of the file in the container's folder. */
const FILE = 'start';

/**
 * Leaves in the container's folder what the front needs to start it again without Node: src/init/front. If that fails, the
 * next start is done by Node, too.
 */
export function keepStartTemplate(record: ContainerRecord, plan: Plan, monitor: MonitorOptions): void {
  const facts = factsOf([], false);
  if (facts.seen.isOpaque || !isStartRepeatable({ record, plan, monitor })) return;
  const folder = containerFolder(record.id);
  const stamps = { config: stampOf(join(folder, 'config.json')), cgroups: stampOf(join(folder, 'cgroups')) };
  // it may have been renamed since it was read
  if (JSON.stringify(readContainer(record.id)?.record) !== JSON.stringify(record)) return;
  const failures = wholeFailures(monitor);
  const none = '';
  const template = encodeRunTemplate({
    kind: 'start',
    facts,
    stamps,
    plan: encodePlan(plan, { trace: false }),
    monitor: encodeMonitor({ ...monitor, failures: [] }),
    failures: { path: failures, name: failures },
    path: searchPath(plan),
    flags: flagsOf(record, plan),
    cloneFlags: namespaceFlags(plan.namespaces),
    name: none,
    nameWords: { adjectives: none, nouns: none },
    record: none,
    restart: none,
    event: none,
    subject: none,
    remove: [],
    keys: parseDetachKeys(undefined),
  });
  try {
    writeFileAtomically(join(folder, FILE), template, { durable: false });
  } catch {
    // a full disk, or the container has been removed
  }
}
