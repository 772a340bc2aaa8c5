import { randomBytes } from 'node:crypto';
import type { Attachment, NetworkDraft } from '../../container/attachment.js';
import { networkFiles } from '../../container/host-facts.js';
import { RootFiles } from '../../layers/root-files.js';
import { buildPlan } from '../../plan/build.js';
import type { PlanFacts } from '../../plan/facts.js';
import type { Plan } from '../../plan/step.js';
import type { RunOrder } from './run-protocol.js';

/** The plan of the container of a RUN. @param layers trees that are there already, topmost first: what /etc has is looked up in them */
export function planOfOrder(
  order: Omit<RunOrder, 'parent'>,
  network: Attachment | undefined,
  layers = order.facts.storage.layers,
): Plan {
  const { spec, facts } = order;
  return buildPlan(
    spec,
    {
      ...facts,
      files: filesOf(order, network, layers),
      ...(network && { network: network.facts }),
      guarded: new Set(facts.guarded),
      directories: new Set(facts.directories),
      kernelPaths: new Map(facts.kernelPaths),
    },
    { shim: true, verbose: false, signalGroup: false, counts: false, graceMs: GRACE_MS },
  );
}

/** How it is attached to its networks. */
export function networkDraftOf({ networks, files }: Pick<RunOrder, 'networks' | 'files'>): NetworkDraft {
  const { hostname, addHosts, dns } = files;
  return {
    id: randomBytes(32).toString('hex'),
    networks,
    network: { hostname, network: 'bridge', addHosts, dns },
    isAnonymous: true,
  };
}

/** No name server can answer, so that waiting for one as long as resolvers usually do is no use: resolv.conf(5). */
const FAIL_SOON = 'options timeout:1 attempts:1\n';

function filesOf(
  { files, spec }: Pick<RunOrder, 'files' | 'spec'>,
  network: Attachment | undefined,
  layers: string[],
): PlanFacts['files'] {
  const root = new RootFiles(layers);
  try {
    return networkFiles(files, spec, root, network).map((file) =>
      files.network === 'none' && file.path === '/etc/resolv.conf'
        ? { ...file, text: `${file.text}${FAIL_SOON}` }
        : file,
    );
  } finally {
    root.close();
  }
}

/** Processes that a command leaves running are stopped after this time. */
const GRACE_MS = 1000;
