import { randomBytes } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { type Attachment, attachToNetworks } from '../../container/attachment.js';
import { oomReport } from '../../container/cgroups.js';
import { becomeMonitor } from '../../container/foreground.js';
import { networkFiles } from '../../container/host-facts.js';
import { holdSignals } from '../../init/clone.js';
import { abandon, type Launched, launch } from '../../launch/launch.js';
import { closeAll } from '../../launch/streams.js';
import { RootFiles } from '../../layers/root-files.js';
import { buildPlan } from '../../plan/build.js';
import type { PlanFacts } from '../../plan/facts.js';
import { FosterError } from '../../sys/errors.js';
import { setParentDeathSignal } from '../../sys/libc.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../sys/surroundings.js';
import { RUN_FD, type RunOrder, type RunReport } from './run-protocol.js';

/**
 * The helper that runs the container of a RUN: it starts PID 1 and becomes its monitor, as `foster run` does, so that
 * its exit code is the command's. It dies with foster, and the container dies with it.
 */
async function run(): Promise<never> {
  setParentDeathSignal(9);
  const order = JSON.parse(readFileSync(RUN_FD.order, 'utf8')) as RunOrder;
  const { parent, spec, facts } = order;
  setSurroundings({ ...NO_SURROUNDINGS, ...order.surroundings, warn: (warning) => report({ warning }) });
  if (process.ppid !== parent) process.exit(1); // foster died before this process asked to be notified
  const network = await attach(order);
  const plan = buildPlan(
    spec,
    {
      ...facts,
      files: filesOf(order, network),
      ...(network && { network: network.facts }),
      guarded: new Set(facts.guarded),
      directories: new Set(facts.directories),
      kernelPaths: new Map(facts.kernelPaths),
    },
    { shim: true, verbose: false, signalGroup: false, counts: false, graceMs: GRACE_MS },
  );
  holdSignals();
  let launched: Launched | undefined;
  try {
    launched = launch(plan, { stdin: false, join: network?.holder, holder: network?.holder });
    const oom = oomReport(plan, 'RUN', spec);
    becomeMonitor(launched, { plan, held: undefined, interactive: false, oom, remove: [], network });
  } catch (error) {
    if (launched !== undefined) abandon(launched);
    closeAll([network?.lock]);
    throw error;
  }
}

/** Its addresses are its own for as long as this process lives, which becomes the monitor. */
async function attach({ networks, files }: RunOrder): Promise<Attachment | undefined> {
  const { hostname, addHosts, dns } = files;
  return await attachToNetworks({
    id: randomBytes(32).toString('hex'),
    networks,
    network: { hostname, network: 'bridge', addHosts, dns },
    isAnonymous: true,
  });
}

/** No name server can answer, so that waiting for one as long as resolvers usually do is no use: resolv.conf(5). */
const FAIL_SOON = 'options timeout:1 attempts:1\n';

function filesOf({ files, spec, facts }: RunOrder, network: Attachment | undefined): PlanFacts['files'] {
  const root = new RootFiles(facts.storage.layers);
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

function report(line: RunReport): void {
  writeSync(RUN_FD.report, `${JSON.stringify(line)}\n`);
}

run().catch((error: unknown) => {
  report(
    error instanceof FosterError
      ? { error: error.message, ...(error.advice === undefined ? {} : { advice: error.advice }) }
      : {
          error: `the container could not be started: ${error instanceof Error ? error.message : String(error)}`,
        },
  );
  process.exit(125);
});
