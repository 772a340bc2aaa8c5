import { dependenciesOf, type Project } from '../../compose/project.js';
import { isAlive, readContainer, readHealth } from '../../container/store.js';
import { FosterError } from '../../sys/errors.js';
import { waitFor } from '../../sys/poll.js';
import { surroundings } from '../../sys/surroundings.js';
import { jobsOf } from './needs.js';
import type { Report } from './progress.js';
import { containersOf, type ProjectContainer } from './state.js';

type Condition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

/** Milliseconds between two looks. */
const SHORTEST_NAP = 10;
const LONGEST_NAP = 100;

/** A wait for what a service needs. */
export interface Wait {
  project: Project;
  report: Report;
  /** The containers that count: nobody may be going to start another one. */
  isAwaited: (container: ProjectContainer) => boolean;
  /** Is asked again and again; throws if the wait makes no sense any more. */
  stop?: () => void;
}

/** Waits until the containers of a service are as another one needs them. @throws FosterError if they will never be */
async function awaitCondition(
  { project, report, isAwaited, stop = () => {} }: Wait,
  service: string,
  condition: Condition,
): Promise<void> {
  if (condition === 'service_started') return;
  const containers = containersOf(project.name).filter((one) => one.service === service && isAwaited(one));
  for (const { id, name } of containers) {
    report({ kind: 'Container', name, text: 'Waiting' });
    for (let nap = SHORTEST_NAP; !isMet(id, name, condition); nap = Math.min(nap * 1.5, LONGEST_NAP)) {
      stop();
      await waitFor(nap);
    }
    report({ kind: 'Container', name, text: condition === 'service_healthy' ? 'Healthy' : 'Exited' });
  }
}

function isMet(id: string, name: string, condition: Condition): boolean {
  const container = readContainer(id);
  if (container === undefined) throw failed(name, 'was removed');
  const { record, state } = container;
  if (state.status === 'created') throw failed(name, 'has not been started');
  const hasEnded = !isAlive(state);
  if (condition === 'service_completed_successfully') {
    if (!hasEnded) return false;
    if (state.exitCode === 0) return true;
    throw failed(name, `has ended with exit code ${state.exitCode ?? '?'}`);
  }
  if (record.health === undefined)
    throw new FosterError(`container ${name} is to be healthy, but it has no health check`, {
      kind: 'invalid',
      exitCode: 1,
      advice: 'add a healthcheck, or use condition: service_started',
    });
  if (hasEnded) throw failed(name, `has ended with exit code ${state.exitCode ?? '?'}`);
  const status = readHealth(id)?.status;
  if (status === 'unhealthy') throw failed(name, 'is unhealthy');
  return status === 'healthy' && state.status === 'running';
}

function failed(name: string, what: string): FosterError {
  return new FosterError(`a service cannot start, because container ${name} ${what}`, {
    exitCode: 1,
    advice: `see foster logs ${name}`,
  });
}

/** Waits for everything that a service depends on. @throws FosterError if it will never be as the service needs it */
export async function awaitNeeds(service: string, wait: Wait): Promise<void> {
  const own = wait.project.services[service];
  if (own === undefined) return;
  for (const [other, { condition, required }] of Object.entries(dependenciesOf(own))) {
    try {
      await awaitCondition(wait, other, condition);
    } catch (error) {
      if (required || !(error instanceof FosterError)) throw error;
      surroundings().warn(`service ${service} does without ${other}: ${error.message}`);
    }
  }
}

/**
 * `--wait`: waits until the containers of services run, and are healthy if they have a health check.
 * @param deadline in milliseconds of performance.now(). @throws FosterError if one ends, or at the deadline
 */
export async function awaitReady(
  project: Project,
  services: ReadonlySet<string>,
  deadline: number,
  report: Report,
): Promise<void> {
  const jobs = jobsOf(project);
  const wanted = containersOf(project.name).filter(({ service }) => services.has(service));
  const late = (name: string) => () => {
    if (performance.now() < deadline) return;
    throw new FosterError(`container ${name} is not ready in time`, {
      exitCode: 1,
      advice: `see foster logs ${name}, or allow more time with --wait-timeout`,
    });
  };
  for (const { id, name, service } of wanted) {
    for (
      let nap = SHORTEST_NAP;
      !isReady(id, name, jobs.has(service));
      nap = Math.min(nap * 1.5, LONGEST_NAP)
    ) {
      late(name)();
      await waitFor(nap);
    }
    report({ kind: 'Container', name, text: readHealth(id) === undefined ? 'Running' : 'Healthy' });
  }
}

function isReady(id: string, name: string, isJob: boolean): boolean {
  const container = readContainer(id);
  if (container === undefined) throw failed(name, 'was removed');
  const { record, state } = container;
  if (!isAlive(state) && state.status !== 'created') {
    if (isJob && state.exitCode === 0) return true;
    throw failed(name, `has ended with exit code ${state.exitCode ?? '?'}`);
  }
  if (record.health !== undefined && !isJob) return isMet(id, name, 'service_healthy');
  return state.status === 'running' && !isJob;
}
