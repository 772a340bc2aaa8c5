import { exposedPorts } from '../../container/exposed-ports.js';
import {
  type Container,
  findContainer,
  listContainers,
  readHealth,
  readRestart,
  statusWord,
} from '../../container/store.js';
import { flagError } from '../../spec/parse/flag.js';
import { RESTART_POLICIES } from '../../spec/parse/restart.js';
import { networkNames } from './container-network.js';
import { filterExpression, filterInstant, findFilter, labelTest } from './filters.js';

/** Whether a container matches. */
export interface Matcher {
  (container: Container): boolean;
  /** Whether a filter asks for containers that are not running, which are listed only then. */
  impliesAll: boolean;
}

type Condition = (container: Container) => boolean;

interface Filter {
  /**
   * Turns a value into a condition.
   * @throws FosterError for a value that makes no sense
   */
  compile(value: string, filter: string): Condition | Promise<Condition>;
  /** All values of the key must match; by default one is enough. */
  needsAll?: true;
  /** Includes containers that are not running. */
  impliesAll?: true;
}

/** The words of Docker and Podman for the status of a container. */
const STATUSES: Readonly<Record<string, readonly ReturnType<typeof statusWord>[]>> = {
  created: ['created'],
  configured: ['created'],
  initialized: [],
  running: ['running'],
  paused: ['paused'],
  restarting: ['restarting'],
  stopping: ['stopping'],
  removing: [],
  exited: ['exited'],
  stopped: ['exited'],
  dead: ['dead'],
  unknown: ['dead'],
};

const HEALTHS = ['starting', 'healthy', 'unhealthy', 'none'];

const FILTERS: Readonly<Record<string, Filter>> = {
  ancestor: { compile: ancestor },
  before: { compile: (value) => orderedBy(value, (created, other) => created < other) },
  since: { compile: (value) => orderedBy(value, (created, other) => created > other) },
  exited: {
    impliesAll: true,
    compile: (value, filter) => {
      if (!/^\d+$/.test(value)) throw flagError('--filter', filter, 'exited takes an exit code');
      return ({ state }) => state.status === 'exited' && state.exitCode === Number(value);
    },
  },
  expose: { compile: exposes },
  health: {
    compile: (value, filter) => {
      check(filter, value, HEALTHS);
      return ({ record: { id, health } }) =>
        (health === undefined ? 'none' : (readHealth(id)?.status ?? 'starting')) === value;
    },
  },
  id: { compile: (value, filter) => expressionOf(filter, value, ({ record }) => [record.id]) },
  label: { needsAll: true, compile: (value) => hasLabel(value) },
  'label!': {
    needsAll: true,
    compile: (value) => {
      const has = hasLabel(value);
      return (container) => !has(container);
    },
  },
  name: {
    // In Docker a container's name begins with a slash, so people write `^/web$`.
    compile: (value, filter) => expressionOf(filter, value, ({ record }) => [record.name, `/${record.name}`]),
  },
  network: { compile: attachedTo },
  pod: { compile: inPod },
  publish: { compile: publishes },
  'restart-policy': {
    compile: (value, filter) => {
      check(filter, value, ['none', ...RESTART_POLICIES]);
      const wanted = value === 'none' ? 'no' : value;
      return ({ record }) => readRestart(record.id).policy === wanted;
    },
  },
  status: {
    impliesAll: true,
    compile: (value, filter) => {
      check(filter, value, Object.keys(STATUSES));
      return ({ state }) => STATUSES[value]?.includes(statusWord(state)) ?? false;
    },
  },
  until: {
    compile: (value) => {
      const instant = filterInstant(value);
      return ({ record }) => Date.parse(record.created) < instant;
    },
  },
  volume: {
    compile: (value) => (container) =>
      container.record.volumes?.some(({ name }) => name === value) ||
      container.record.spec.mounts.some(
        ({ type, source, destination }) => destination === value || (type === 'bind' && source === value),
      ),
  },
};

/** A pod by its name, or by the start of its id, as in Podman. */
async function inPod(value: string): Promise<Condition> {
  const { podName } = await import('../../pod/store.js');
  return ({ record: { pod } }) =>
    pod !== undefined && value !== '' && (pod.startsWith(value) || podName(pod) === value);
}

export const CONTAINER_FILTERS: readonly string[] = Object.keys(FILTERS);

/**
 * Turns the values of --filter into one condition: values of the same key are alternatives, except for labels, which must
 * all match, as in Docker.
 * @throws FosterError
 */
export async function containerMatcher(filters: string[]): Promise<Matcher> {
  const groups = new Map<Filter, Condition[]>();
  for (const filter of filters) {
    const { value, compile: found } = findFilter(filter, FILTERS);
    groups.set(found, [...(groups.get(found) ?? []), await found.compile(value, filter)]);
  }
  const impliesAll = [...groups.keys()].some((filter) => filter.impliesAll);
  const matcher = (container: Container) =>
    [...groups].every(([{ needsAll }, conditions]) =>
      needsAll
        ? conditions.every((matches) => matches(container))
        : conditions.some((matches) => matches(container)),
    );
  return Object.assign(matcher, { impliesAll });
}

/**
 * Whether a container has a status, in Docker's words or Podman's.
 * @throws FosterError for a status that neither of them knows
 */
export function hasStatus(flag: string, value: string): Condition {
  const words = Object.keys(STATUSES).filter((word) => STATUSES[word]?.length !== 0);
  if (!words.includes(value)) throw flagError(flag, value, `expected one of ${words.join(', ')}`);
  return ({ state }) => STATUSES[value]?.includes(statusWord(state)) ?? false;
}

function check(filter: string, value: string, known: readonly string[]): void {
  if (!known.includes(value)) throw flagError('--filter', filter, `expected one of ${known.join(', ')}`);
}

/** Docker takes regular expressions; an invalid one matches itself literally. */
function expressionOf(filter: string, value: string, texts: (container: Container) => string[]): Condition {
  const expression = filterExpression(value, filter);
  return (container) => texts(container).some((text) => expression.test(text));
}

function hasLabel(wanted: string): Condition {
  const has = labelTest(wanted);
  return ({ record: { labels } }) => has(labels);
}

function orderedBy(reference: string, compare: (created: number, other: number) => boolean): Condition {
  const other = Date.parse(findContainer(reference).record.created);
  return ({ record }) => compare(Date.parse(record.created), other);
}

/** By the name of a network, or a prefix of its id. */
async function attachedTo(value: string): Promise<Condition> {
  const { listNetworks } = await import('../../network/store.js');
  const isStart = /^[0-9a-f]{4,64}$/.test(value);
  const names = isStart ? listNetworks().flatMap(({ id, name }) => (id.startsWith(value) ? [name] : [])) : [];
  const wanted = new Set([value, ...names]);
  return ({ record }) => networkNames(record).some((name) => wanted.has(name));
}

/** By a port of the container: `80`, `80/udp`, `8000-8010`. */
function exposes(value: string, filter: string): Condition {
  const { first, last, protocol } = portRange(value, filter);
  return ({ record }) =>
    exposedPorts(record).some((port) => {
      const [, begin = '', end = begin] = /^(\d+)(?:-(\d+))?/.exec(port) ?? [];
      return port.endsWith(`/${protocol}`) && Number(begin) <= last && Number(end) >= first;
    });
}

/** By a port of the host, in the same way. */
function publishes(value: string, filter: string): Condition {
  const { first, last, protocol } = portRange(value, filter);
  return ({ record: { published = [] } }) =>
    published.some((port) => port.protocol === protocol && port.hostPort >= first && port.hostPort <= last);
}

function portRange(value: string, filter: string): { first: number; last: number; protocol: string } {
  const [, first = '', last = first, protocol = 'tcp'] =
    /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value) ?? [];
  if (first === '') throw flagError('--filter', filter, 'expected PORT[-PORT][/PROTOCOL]');
  return { first: Number(first), last: Number(last), protocol };
}

/** Whether a container was made from this image, or from one that was built from it. */
async function ancestor(value: string): Promise<Condition> {
  const { findImage } = await import('../../image/store/images.js');
  let image: ReturnType<typeof findImage>;
  try {
    image = findImage(value);
  } catch {
    image = undefined; // not a valid image name, but it may be a directory
  }
  const layers = image?.config.rootfs.diff_ids ?? [];
  const isBase = new Map<string, boolean>();
  for (const { record } of image === undefined ? [] : listContainers()) {
    const digest = record.image?.digest;
    if (digest === undefined || isBase.has(digest)) continue;
    const own = findImage(digest)?.config.rootfs.diff_ids ?? [];
    isBase.set(digest, layers.length > 0 && layers.every((layer, index) => own[index] === layer));
  }
  return ({ record }) =>
    record.root === value ||
    (image !== undefined &&
      record.image !== undefined &&
      (record.image.digest === image.descriptor.digest || isBase.get(record.image.digest) === true));
}
