import type { Container } from '../container/store.js';
import { FosterError } from '../sys/errors.js';

/** Which containers a command is about: those named, and those that options choose. */
export interface Selection {
  /** Names, ids or unambiguous starts of ids. */
  references: readonly string[];
  /** All that suit the command. */
  all?: boolean | undefined;
  /** The one that was created last. */
  latest?: boolean | undefined;
  /**
   * Those that match, whether they run or not: `KEY=VALUE` each, views/container-filter.ts. With references, those of them
   * that match.
   */
  filters?: readonly string[] | undefined;
  /** Leave out those named that do not exist. */
  ignoresMissing?: boolean | undefined;
}

/** What `all` means for a command. */
export type Suits = 'any' | 'alive' | 'running' | 'paused' | 'not alive';

/**
 * The containers of a selection: names as they were given, ids of those that options choose.
 * @throws FosterError where `latest` is asked for and there is none, or for a filter that does not exist
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
  return references.filter((reference) => matches(findContainer(reference), true));
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
  const chosen = whole.filter((container) => isSuited(container) && matches(container, true));
  // those whose record is damaged can be removed, and nothing else
  const damaged = all && filters.length === 0 && suits === 'any' ? damagedIds(whole) : [];
  return [...chosen.map(({ record }) => record.id), ...damaged];
}

/** The newest first. */
export function byAge(a: Container, b: Container): number {
  return Date.parse(b.record.created) - Date.parse(a.record.created);
}
