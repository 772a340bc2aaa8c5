import { readFileSync, writeSync } from 'node:fs';
import { becomeMonitor } from '../../container/foreground.js';
import { holdSignals } from '../../init/clone.js';
import { abandon, type Launched, launch } from '../../launch/launch.js';
import { buildPlan } from '../../plan/build.js';
import { FosterError } from '../../sys/errors.js';
import { setParentDeathSignal } from '../../sys/libc.js';
import { RUN_FD, type RunOrder, type RunReport } from './run-protocol.js';

/**
 * The helper that runs the container of a RUN: it starts PID 1 and becomes its monitor, as `foster run` does, so that
 * its exit code is the command's. It dies with foster, and the container dies with it.
 */
function run(): never {
  setParentDeathSignal(9);
  const { parent, spec, facts } = JSON.parse(readFileSync(RUN_FD.order, 'utf8')) as RunOrder;
  if (process.ppid !== parent) process.exit(1); // foster died before this process asked to be notified
  const plan = buildPlan(
    spec,
    {
      ...facts,
      guarded: new Set(facts.guarded),
      directories: new Set(facts.directories),
      kernelPaths: new Map(facts.kernelPaths),
    },
    { shim: true, verbose: false, signalGroup: false, counts: false, graceMs: GRACE_MS },
  );
  holdSignals();
  let launched: Launched | undefined;
  try {
    launched = launch(plan, { stdin: false });
    becomeMonitor(launched, { plan, held: undefined, interactive: false, remove: [] });
  } catch (error) {
    if (launched !== undefined) abandon(launched);
    throw error;
  }
}

/** Processes that a command leaves running are stopped after this time. */
const GRACE_MS = 1000;

try {
  run();
} catch (error) {
  const report: RunReport =
    error instanceof FosterError
      ? { error: error.message, ...(error.advice === undefined ? {} : { advice: error.advice }) }
      : {
          error: `the container could not be started: ${error instanceof Error ? error.message : String(error)}`,
        };
  writeSync(RUN_FD.report, JSON.stringify(report));
  process.exit(125);
}
