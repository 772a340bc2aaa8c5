import { join } from 'node:path';
import { encodeRunTemplate, stampOf } from '../init/template.js';
import { namespaceFlags } from '../plan/namespaces.js';
import { parseDetachKeys } from '../spec/parse/detach-keys.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder } from '../sys/paths.js';
import { searchPath } from './exec-template.js';
import {
  connectedBlobs,
  connectedFor,
  type DoneRun,
  factsOf,
  flagsOf,
  isStartRepeatable,
  wholeFailures,
} from './run-template.js';
import { readContainer } from './store.js';

type StartedContainer = Pick<DoneRun, 'record' | 'plan' | 'monitor' | 'network'>;

/** The name of the file in the container's folder. */
const FILE = 'start';

/**
 * Leaves in the container's folder what the front needs to start it again without Node: src/init/front. If that fails, the
 * next start is done by Node, too.
 */
export function keepStartTemplate({ record, plan, monitor, network }: StartedContainer): void {
  const facts = factsOf([], false);
  const connected = connectedFor({ record, plan, network }, record.name);
  if (facts.seen.isOpaque || connected === undefined || !isStartRepeatable({ record, plan, monitor })) return;
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
    ...connectedBlobs(connected, plan.program, monitor),
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
    volumes: [],
    keys: parseDetachKeys(undefined),
  });
  try {
    writeFileAtomically(join(folder, FILE), template, { durable: false });
  } catch {
    // a full disk, or the container has been removed
  }
}
