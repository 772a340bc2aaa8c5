import type { Container } from '../../container/store.js';
import { flagError } from '../../spec/parse/flag.js';

/** Whether a container is to be listed; `all` says whether those that do not run are, when no filter asks for them. */
export type Matcher = (container: Container, all: boolean) => boolean;

const STATUSES = ['created', 'running', 'paused', 'restarting', 'exited', 'dead'];

/** Of those that are listed when nothing else is asked for. */
const ALIVE = ['running', 'paused', 'restarting'];

/**
 * The values of --filter as one condition: filters with the same key are alternatives, except for labels, which must
 * all match, as in Docker.
 * @throws FosterError
 */
export function matcher(filters: string[]): Matcher {
  const groups = new Map<string, string[]>();
  for (const filter of filters) {
    const equals = filter.indexOf('=');
    const key = filter.slice(0, Math.max(equals, 0));
    const value = filter.slice(equals + 1);
    check(filter, key, value);
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  const impliesAll = groups.has('status') || groups.has('exited');
  return (container, all) => {
    if (!all && !impliesAll && !ALIVE.includes(container.state.status)) return false;
    return [...groups].every(([key, values]) =>
      key === 'label'
        ? values.every((value) => matches(container, key, value))
        : values.some((value) => matches(container, key, value)),
    );
  };
}

function check(filter: string, key: string, value: string): void {
  switch (key) {
    case 'name':
    case 'id':
    case 'label':
      return;
    case 'status':
      if (STATUSES.includes(value)) return;
      throw flagError('--filter', filter, `a status is one of ${STATUSES.join(', ')}`);
    case 'exited':
      if (/^\d+$/.test(value)) return;
      throw flagError('--filter', filter, 'exited takes an exit code');
    default:
      throw flagError('--filter', filter, 'expected name=, id=, status=, label= or exited= with a value');
  }
}

function matches({ record, state }: Container, key: string, value: string): boolean {
  switch (key) {
    case 'name':
      return record.name.includes(value);
    case 'id':
      return record.id.startsWith(value);
    case 'status':
      return state.status === value;
    case 'exited':
      return state.status === 'exited' && state.exitCode === Number(value);
    default:
      return hasLabel(record.labels, value);
  }
}

/** `KEY` or `KEY=VALUE` */
function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
}
