import type { Container } from '../container/store.js';
import { FosterError } from '../sys/errors.js';

/** The containers that a command works on: those named, and those that options select. */
export interface Selection {
  /** Names, ids or unambiguous prefixes of ids. */
  references: readonly string[];
  /** All containers in the states that the command works on. */
  all?: boolean | undefined;
  /** The one that was created last. */
  latest?: boolean | undefined;
  /**
   * Those that match, whether they run or not: `KEY=VALUE` each, views/container-filter.ts. With references, those of them
   * that match.
   */
  filters?: readonly string[] | undefined;
  /** Skip named containers that do not exist. */
  ignoresMissing?: boolean | undefined;
}

/** The states that `all` selects. */
export type Suits = 'any' | 'alive' | 'running' | 'paused' | 'not alive';

/**
 * The containers of a selection: names as they were given, and the ids of those that options select.
 * @throws FosterError if `latest` is set and there are no containers, or for a filter that does not exist
 */
export async function select(
  { references, all, latest, filters = [], ignoresMissing }: Selection,
  suits: Suits = 'any',
): Promise<string[]> {
  const named = ignoresMissing ? await existing(references) : references;
  if (references.length > 0 && filters.length > 0) return await matching(named, filters);
  return [...named, ...(await chosenIds({ all, latest, filters }, suits))];
}

async function existing(references: readonly string[]): Promise<string[]> {
  const { findId, storedIds } = await import('../container/store.js');
  const stored = storedIds();
  return references.filter((reference) => stored.includes(findId(reference) ?? ''));
}

async function matching(references: readonly string[], filters: readonly string[]): Promise<string[]> {
  const { findContainer } = await import('../container/store.js');
  const { containerMatcher } = await import('./views/container-filter.js');
  const matches = await containerMatcher([...filters]);
  return references.filter((reference) => matches(findContainer(reference)));
}

async function chosenIds(
  {
    all,
    latest,
    filters,
  }: { all?: boolean | undefined; latest?: boolean | undefined; filters: readonly string[] },
  suits: Suits,
): Promise<string[]> {
  if (!all && !latest && filters.length === 0) return [];
  const { damagedIds, isAlive, listContainers } = await import('../container/store.js');
  const whole = listContainers().toSorted(byAge);
  if (latest) {
    const newest = whole[0];
    if (newest === undefined)
      throw new FosterError('there are no containers', { kind: 'not-found', exitCode: 1 });
    return [newest.record.id];
  }
  const { containerMatcher } = await import('./views/container-filter.js');
  const matches = await containerMatcher([...filters]);
  const isSuited = ({ state }: Container) => {
    if (!all || suits === 'any') return true;
    if (suits === 'alive' || suits === 'not alive') return isAlive(state) === (suits === 'alive');
    return state.status === suits;
  };
  const chosen = whole.filter((container) => isSuited(container) && matches(container));
  // A container with a damaged record can only be removed.
  const damaged =
    all && filters.length === 0 && suits === 'any' ? damagedIds(whole.map(({ record }) => record.id)) : [];
  return [...chosen.map(({ record }) => record.id), ...damaged];
}

/** The newest first. */
export function byAge(a: Container, b: Container): number {
  return Date.parse(b.record.created) - Date.parse(a.record.created);
}
