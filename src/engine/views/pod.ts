import type { Container } from '../../container/store.js';
import { isReady, statusWord } from '../../container/store.js';
import { isInit, POD_STATES, podState } from '../../pod/state.js';
import { infraOf, type Pod, withoutInfra } from '../../pod/store.js';
import { flagError } from '../../spec/parse/flag.js';
import { networkNames } from './container-network.js';
import { humanSince } from './duration.js';
import { type FilterTable, filterExpression, filterInstant, labelTest, matcherOf } from './filters.js';

/** A pod as a row of `podman pod ps`. */
export interface PodRow {
  id: string;
  name: string;
  status: string;
  /** ISO 8601. */
  created: string;
  /** `3 minutes ago` */
  since: string;
  infraId: string;
  containers: { id: string; name: string; status: string }[];
  /** Of its containers but the infra container: `1/2`. */
  ready: string;
  networks: string[];
  labels: Record<string, string>;
  cgroup: string;
  shares: string[];
  restart: string;
}

/** @param now in milliseconds since 1970 */
export function podRow(pod: Pod, now: number): PodRow {
  const { record, containers } = pod;
  const infra = infraOf(pod);
  const others = withoutInfra(pod).filter((one) => !isInit(one.record));
  return {
    id: record.id,
    name: record.name,
    status: podState(pod),
    created: record.created,
    since: `${humanSince(record.created, now)} ago`,
    infraId: record.infra?.id ?? '',
    containers: containers.map(({ record: { id, name }, state }) => ({
      id,
      name,
      status: statusWord(state),
    })),
    ready: `${others.filter(isReady).length}/${others.length}`,
    networks: infra === undefined ? [] : networkNames(infra.record),
    labels: record.labels,
    cgroup: record.cgroup ?? '',
    shares: record.shares,
    restart: record.restart.policy,
  };
}

export { POD_STATES };

/** What pods can be sorted by, in Podman's words. */
export const POD_ORDERS = ['created', 'id', 'name', 'number', 'status'] as const;

export type PodOrder = (typeof POD_ORDERS)[number];

/** In ascending order; without one, as they are. */
export function inOrder(rows: PodRow[], order: PodOrder | undefined): PodRow[] {
  if (order === undefined) return rows;
  const keys: Record<PodOrder, (row: PodRow) => string | number> = {
    created: ({ created }) => Date.parse(created),
    id: ({ id }) => id,
    name: ({ name }) => name,
    number: ({ containers }) => containers.length,
    status: ({ status }) => status,
  };
  const key = keys[order];
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}

const some = (test: (container: Container) => boolean) => (pod: Pod) => pod.containers.some(test);

const FILTERS: FilterTable<Pod> = {
  'ctr-ids': (value) => some(({ record }) => value !== '' && record.id.startsWith(value)),
  'ctr-names': (value, filter) => {
    const matches = filterExpression(value, filter);
    return some(({ record }) => matches.test(record.name));
  },
  'ctr-number': (value, filter) => {
    if (!/^\d+$/.test(value)) throw flagError('--filter', filter, 'expected a number of containers');
    return ({ containers }) => containers.length === Number(value);
  },
  'ctr-status': (value, filter) => {
    const known = ['created', 'running', 'paused', 'restarting', 'stopping', 'exited', 'dead'];
    if (!known.includes(value)) throw flagError('--filter', filter, `expected ${known.join(', ')}`);
    return some(({ state }) => statusWord(state) === value);
  },
  id: (value, filter) => {
    const matches = filterExpression(value, filter);
    return ({ record }) => matches.test(record.id);
  },
  label(value) {
    const hasLabel = labelTest(value);
    return ({ record }) => hasLabel(record.labels);
  },
  'label!'(value) {
    const hasLabel = labelTest(value);
    return ({ record }) => !hasLabel(record.labels);
  },
  name: (value, filter) => {
    const matches = filterExpression(value, filter);
    return ({ record }) => matches.test(record.name);
  },
  network: (value) => (pod) => {
    const infra = infraOf(pod);
    return infra !== undefined && networkNames(infra.record).includes(value);
  },
  status: (value, filter) => {
    const known = POD_STATES.map((state) => state.toLowerCase());
    if (!known.includes(value.toLowerCase()))
      throw flagError('--filter', filter, `expected ${known.join(', ')}`);
    return (pod) => podState(pod).toLowerCase() === value.toLowerCase();
  },
  until: (value) => {
    const instant = filterInstant(value);
    return ({ record }) => Date.parse(record.created) < instant;
  },
};

/** Keys of --filter of `pod ps`. */
export const POD_FILTERS: readonly string[] = Object.keys(FILTERS);

/** Turns the values of --filter into one condition. @throws FosterError */
export function podMatcher(filters: readonly string[]): (pod: Pod) => boolean {
  return matcherOf(filters, FILTERS, POD_FILTERS);
}
