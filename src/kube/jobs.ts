import type { RestartPolicy } from '../spec/request.js';
import type { Container, Controller, PodSpec } from './model.js';
import type { PodPlan } from './pod-plan.js';

/** As in Kubernetes. */
const BACKOFF_LIMIT = 6;

/** The restart policy of the containers of a Job: each of its pods is tried again. */
export function restartOfJob({ backoffLimit = BACKOFF_LIMIT }: Controller['spec']): RestartPolicy {
  return backoffLimit > 0 ? { policy: 'on-failure', max: backoffLimit } : { policy: 'no', max: 0 };
}

/** How many pods a Job has. */
export function completionsOf({ completions, parallelism = 1 }: Controller['spec']): number {
  return completions ?? parallelism;
}

/** The pods of a Job: as many run at once as it says, and each of the others begins when one of them has done its work. */
export function inLanes(plans: readonly PodPlan[], { parallelism = 1 }: Controller['spec']): PodPlan[] {
  return plans.map((plan, index) => {
    const [before, next] = [plans[index - parallelism], plans[index + parallelism]];
    const job = plans[0]?.meta.name ?? plan.meta.name;
    return {
      ...plan,
      job,
      ...(before && { after: before.meta.name }),
      ...(next && { next: next.meta.name }),
    };
  });
}

/** Where a pod finds which of its Job it is, if the Job is `Indexed`. */
const INDEX = { variable: 'JOB_COMPLETION_INDEX', annotation: 'batch.kubernetes.io/job-completion-index' };

/** A pod of an indexed Job. @param job its name */
export function indexed(plan: PodPlan, job: string, index: number): PodPlan {
  const { meta, spec } = plan;
  const number = String(index);
  const told = (container: Container): Container => ({
    ...container,
    env: [{ name: INDEX.variable, value: number }, ...(container.env ?? [])],
  });
  const withIndex: PodSpec = {
    ...spec,
    hostname: spec.hostname ?? `${job}-${number}`.slice(-63),
    containers: spec.containers.map(told),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(told) }),
  };
  const annotations = { ...meta.annotations, [INDEX.annotation]: number };
  return { ...plan, meta: { ...meta, annotations }, spec: withIndex };
}
