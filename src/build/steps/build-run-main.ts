import { readFileSync, writeSync } from 'node:fs';
import { attachToNetworks } from '../../container/attachment.js';
import { oomReport } from '../../container/cgroups.js';
import { becomeMonitor } from '../../container/foreground.js';
import { holdSignals } from '../../init/clone.js';
import { abandon, type Launched, launch } from '../../launch/launch.js';
import { closeAll } from '../../launch/streams.js';
import { FosterError } from '../../sys/errors.js';
import { setParentDeathSignal } from '../../sys/libc.js';
import { NO_SURROUNDINGS, setSurroundings } from '../../sys/surroundings.js';
import { networkDraftOf, planOfOrder } from './run-plan.js';
import { RUN_FD, type RunOrder, type RunReport } from './run-protocol.js';

/**
 * The helper that runs the container of a RUN: it starts PID 1 and becomes its monitor, as `foster run` does, so that
 * its exit code is the command's. It dies with foster, and the container dies with it.
 */
async function run(): Promise<never> {
  setParentDeathSignal(9);
  const order = JSON.parse(readFileSync(RUN_FD.order, 'utf8')) as RunOrder;
  const { parent, spec } = order;
  setSurroundings({ ...NO_SURROUNDINGS, ...order.surroundings, warn: (warning) => report({ warning }) });
  if (process.ppid !== parent) process.exit(1); // foster died before this process asked to be notified
  // its addresses are its own for as long as this process lives, which becomes the monitor
  const network = await attachToNetworks(networkDraftOf(order));
  const plan = planOfOrder(order, network);
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
