import { quoted } from '../spec/parse/flag.js';
import type { Container, Meta, ResourceRef } from './model.js';
import type { Place } from './place.js';
import { quantityOf } from './quantity.js';

/** What containers can ask about their pod. */
export interface PodFacts {
  meta: Meta;
  /** Known once the pod is made. */
  uid: string;
  /** The name of this machine. */
  node: string;
  containers: readonly Container[];
}

/** The value of a field of the pod. @throws FosterError for one that foster does not know */
export function fieldValue(fieldPath: string, { meta, uid, node }: PodFacts, place: Place): string {
  const [, map, key = ''] = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(fieldPath) ?? [];
  if (map === 'labels') return meta.labels?.[key] ?? '';
  if (map === 'annotations') return meta.annotations?.[key] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return meta.name;
    case 'metadata.namespace':
      return meta.namespace ?? 'default';
    case 'metadata.uid':
      return uid;
    case 'spec.nodeName':
      return node;
    case 'spec.serviceAccountName':
      return 'default';
    default:
      throw place.refusal(
        `the field ${quoted(fieldPath)} is not supported`,
        "foster has metadata.name, .namespace, .uid, .labels['KEY'], .annotations['KEY'], spec.nodeName and spec.serviceAccountName",
      );
  }
}

/** All labels or annotations in lines, as a file of the downward API has them; else as `fieldValue`. @throws FosterError */
export function fieldText(fieldPath: string, facts: PodFacts, place: Place): string {
  const { labels = {}, annotations = {} } = facts.meta;
  if (fieldPath === 'metadata.labels') return lines(labels);
  if (fieldPath === 'metadata.annotations') return lines(annotations);
  return fieldValue(fieldPath, facts, place);
}

function lines(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** The limit or request of a container, in units of the divisor. @throws FosterError */
export function resourceValue(
  { resource, containerName, divisor = 1 }: ResourceRef,
  { containers }: Pick<PodFacts, 'containers'>,
  own: Container | undefined,
  place: Place,
): string {
  const container = containerName === undefined ? own : containers.find(({ name }) => name === containerName);
  if (container === undefined)
    throw place.error(
      containerName === undefined
        ? 'containerName is missing'
        : `there is no container ${quoted(containerName)}`,
    );
  const [, which, name = ''] = /^(limits|requests)\.(cpu|memory)$/.exec(resource) ?? [];
  if (which !== 'limits' && which !== 'requests')
    throw place.refusal(
      `the resource ${quoted(resource)} is not supported`,
      'foster has limits.cpu, limits.memory, requests.cpu and requests.memory',
    );
  const amount = container.resources?.[which]?.[name];
  if (amount === undefined)
    throw place.error(`container ${container.name} has no ${resource}`, `give it resources.${resource}`);
  return String(Math.ceil(quantityOf(amount, place) / (quantityOf(divisor, place) || 1)));
}
