import { idOfName, isAlive, podOfName, readContainer } from '../container/store.js';
import { containersOf } from './check.js';
import type { Lab, Step } from './lab.js';

/** What the commands of a lab make, by their names. */
export interface Things {
  containers: string[];
  pods: string[];
  volumes: string[];
  networks: string[];
}

const MAKES: Record<keyof Things, RegExp> = {
  containers: /\bfoster (?:run|create) .*?--name (lab-[\w-]+)/g,
  pods: /\bfoster pod create .*?(lab-[\w-]+)/g,
  volumes: /\bfoster volume create .*?(lab-[\w-]+)/g,
  networks: /\bfoster network create .*?(lab-[\w-]+)/g,
};

/** What these steps make. */
export function madeBy(steps: readonly Step[]): Things {
  const text = steps.flatMap(({ run }) => run).join('\n');
  const names = (kind: keyof Things) => [
    ...new Set([...text.matchAll(MAKES[kind])].flatMap(([, name]) => name ?? [])),
  ];
  return {
    containers: names('containers'),
    pods: names('pods'),
    volumes: names('volumes'),
    networks: names('networks'),
  };
}

/** The names in the commands of a step of what it does not make itself. */
export function usedBy(step: Step): string[] {
  const own = Object.values(madeBy([step])).flat();
  const all = [...step.run, ...(step.see ?? [])].flatMap((command) => command.match(/\blab-[\w-]+/g) ?? []);
  return [...new Set(all)].filter((name) => !own.includes(name));
}

/**
 * The steps before `index` that must be done again, in order, because a container that the step uses, or looks at, does not run any
 * more. A step never uses one that has ended as it should.
 * @param folder the lab's own
 * @returns their indexes
 */
export function missing(lab: Lab, index: number, folder: string): number[] {
  const step = lab.steps[index];
  if (step === undefined) return [];
  const names = new Set([...usedBy(step), ...containersOf(step.checks, folder)]);
  const makers = [...names].flatMap((name) => {
    const at = lab.steps.slice(0, index).findLastIndex((one) => madeBy([one]).containers.includes(name));
    return at < 0 || isRunning(name) ? [] : [...missing(lab, at, folder), at];
  });
  return [...new Set(makers)].toSorted((a, b) => a - b);
}

function isRunning(name: string): boolean {
  const id = idOfName(name);
  const container = id === undefined ? undefined : readContainer(id);
  return container !== undefined && isAlive(container.state);
}

/** The names of containers and pods that these steps make, and that exist already. */
export function taken(steps: readonly Step[]): string[] {
  const { containers, pods } = madeBy(steps);
  return [
    ...containers.filter((name) => idOfName(name) !== undefined),
    ...pods.filter((name) => podOfName(name) !== undefined),
  ];
}
