import { quoted } from '../spec/parse/flag.js';
import type { FosterError } from '../sys/errors.js';
import type { Content, ContentKind, Contents } from './contents.js';
import { expand } from './expand.js';
import { fieldValue, type PodFacts, resourceValue } from './facts.js';
import type { Container, EnvVar, KeyRef } from './model.js';
import type { Place } from './place.js';

/** What the variables of a container come from. */
export interface Origins {
  contents: Contents;
  facts: PodFacts;
  /** Receives a sentence about what is left out. */
  warn: (sentence: string) => void;
  /** Called with why something is left out. @throws FosterError where nothing may be */
  leaveOut: (error: FosterError) => void;
}

/** The variables of a container, later ones replace earlier ones. @throws FosterError that names the field */
export function environmentOf(container: Container, place: Place, origins: Origins): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [index, { prefix = '', configMapRef, secretRef }] of (container.envFrom ?? []).entries()) {
    const at = place.below('envFrom', index);
    const add = (kind: ContentKind, field: string, ref: typeof configMapRef) => {
      if (ref === undefined) return;
      const content = origins.contents.of(kind, ref.name, at.below(field, 'name'), ref.optional);
      for (const [key, value] of content ?? []) addKey(variables, prefix + key, value, at, origins);
    };
    add('ConfigMap', 'configMapRef', configMapRef);
    add('Secret', 'secretRef', secretRef);
  }
  for (const [index, one] of (container.env ?? []).entries()) {
    const at = place.below('env', index);
    if (!isVariable(one.name))
      throw at.below('name').error(`${quoted(one.name)} is not a name of a variable`);
    const value = valueFor(one, container, at, origins, variables);
    if (value !== undefined) variables.set(one.name, value);
  }
  return variables;
}

function isVariable(name: string): boolean {
  return name !== '' && !/[=\0]/.test(name);
}

function addKey(
  variables: Map<string, string>,
  key: string,
  value: Buffer,
  at: Place,
  { warn }: Origins,
): void {
  if (/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(key)) variables.set(key, textOf(value, at));
  else warn(`${at.text}: ${quoted(key)} is not a name of a variable: it is left out`);
}

function valueFor(
  { value, valueFrom }: EnvVar,
  container: Container,
  at: Place,
  { contents, facts }: Origins,
  variables: ReadonlyMap<string, string>,
): string | undefined {
  if (valueFrom === undefined) return expand(value ?? '', variables);
  if (value !== undefined) throw at.error('value and valueFrom cannot be used together');
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = valueFrom;
  const from = (field: string) => at.below('valueFrom', field);
  if (configMapKeyRef) return keyOf(contents, 'ConfigMap', configMapKeyRef, from('configMapKeyRef'));
  if (secretKeyRef) return keyOf(contents, 'Secret', secretKeyRef, from('secretKeyRef'));
  if (fieldRef) return fieldValue(fieldRef.fieldPath, facts, from('fieldRef').below('fieldPath'));
  if (resourceFieldRef)
    return resourceValue(resourceFieldRef, facts, container, from('resourceFieldRef').below('resource'));
  throw at.below('valueFrom').error('it says nothing');
}

function keyOf(contents: Contents, kind: ContentKind, { name, key, optional }: KeyRef, place: Place) {
  const content = contents.of(kind, name, place.below('name'), optional);
  const value =
    content === undefined
      ? undefined
      : valueIn(content, key, `${kind} ${name}`, place.below('key'), optional);
  return value === undefined ? undefined : textOf(value, place);
}

/** A value of a ConfigMap or Secret. @param of what it is, for errors. @throws FosterError if it is missing */
export function valueIn(
  content: Content,
  key: string,
  of: string,
  place: Place,
  isOptional = false,
): Buffer | undefined {
  const value = content.get(key);
  if (value !== undefined || isOptional) return value;
  throw place.error(`${of} has no key ${quoted(key)}`, `it has ${[...content.keys()].join(', ') || 'none'}`);
}

function textOf(value: Buffer, place: Place): string {
  const text = value.toString();
  if (text.includes('\0')) throw place.error('a variable cannot have a byte 0 in it', 'use a volume');
  return text;
}
