import { imagineAttachment } from '../container/attachment.js';
import { cgroupsAsPlanned } from '../container/cgroups.js';
import { reattachment } from '../container/network.js';
import { planContainer } from '../container/plan.js';
import type { ContainerRecord } from '../container/record.js';
import { sharesOf } from '../container/record.js';
import { closeAll } from '../launch/streams.js';
import { readLeases } from '../network/leases.js';
import { type Phase, phaseTitle, tellPlan } from '../plan/narrate.js';
import type { PlanRow } from './scene.js';

const PHASES: readonly Phase[] = ['foster', 'init', 'process'];

/** The steps that make a container that runs, with the addresses that it has. @throws FosterError if it could not be made again */
export async function planRow(record: ContainerRecord): Promise<PlanRow> {
  const hasOwn = (record.networks?.length ?? 0) > 0 && sharesOf(record) === undefined;
  const network = hasOwn
    ? { ...(await reattachment(record, readLeases(record.id))), holder: 0 }
    : await imagineAttachment(record);
  try {
    const wishes = { verbose: false, detached: true, cgroup: cgroupsAsPlanned(record.id) };
    const { plan } = planContainer(record, wishes, network);
    const steps = tellPlan(plan);
    return {
      phases: PHASES.map((phase) => ({
        title: phaseTitle(plan, phase),
        steps: steps
          .filter((step) => step.phase === phase)
          .map(({ number, why, calls }) => ({ number, why, calls })),
      })),
    };
  } finally {
    closeAll([network?.namespace, network?.lock]);
  }
}
