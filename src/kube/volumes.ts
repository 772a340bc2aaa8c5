import { posix } from 'node:path';
import { fieldsLine } from '../spec/parse/fields-line.js';
import { quoted } from '../spec/parse/flag.js';
import type { MountFlag } from '../spec/parse/run-request.js';
import type { Content, Contents } from './contents.js';
import { type Origins, valueIn } from './environment.js';
import { fieldText, resourceValue } from './facts.js';
import type { Container, DownwardItem, Item, Projection, Volume, VolumeMount } from './model.js';
import type { Place } from './place.js';
import { bytesOf } from './quantity.js';

/** A file of a volume. */
export interface VolumeFile {
  /** Relative, without `..`. */
  path: string;
  content: Buffer;
  /** Permission bits. */
  mode: number;
}

/** What a volume of a pod becomes. */
export type VolumePlan =
  /** A volume with these files, which goes with the pod. */
  | { kind: 'files'; files: VolumeFile[] }
  /** An empty volume, which goes with the pod. */
  | { kind: 'empty' }
  /** A tmpfs of the one container that mounts it; bytes. */
  | { kind: 'memory'; size: number | undefined }
  | { kind: 'host'; path: string; type: string }
  /** A named volume. */
  | { kind: 'claim'; name: string; isReadOnly: boolean };

const SOURCES = [
  'hostPath',
  'emptyDir',
  'configMap',
  'secret',
  'downwardAPI',
  'projected',
  'persistentVolumeClaim',
] as const satisfies readonly (keyof Volume)[];

const DEFAULT_MODE = 0o644;

/** @param place the volume in `spec.volumes`. @throws FosterError that names the field */
export function planVolume(volume: Volume, place: Place, origins: Origins): VolumePlan {
  const [first, second] = SOURCES.filter((source) => volume[source] !== undefined);
  // as in Kubernetes
  if (first === undefined) return { kind: 'empty' };
  if (second !== undefined) throw place.error(`${first} and ${second} cannot be used together`);
  const at = place.below(first);
  const { hostPath, emptyDir, persistentVolumeClaim: claim } = volume;
  if (hostPath) {
    if (!hostPath.path.startsWith('/')) throw at.below('path').error('expected an absolute path');
    return { kind: 'host', path: posix.normalize(hostPath.path), type: hostPath.type ?? '' };
  }
  if (emptyDir) return planEmpty(emptyDir, at, origins);
  if (claim) return { kind: 'claim', name: claim.claimName, isReadOnly: claim.readOnly ?? false };
  const files = filesOf(volume, at, origins);
  checkPaths(files, at);
  return { kind: 'files', files };
}

function planEmpty(
  { medium = '', sizeLimit }: NonNullable<Volume['emptyDir']>,
  at: Place,
  origins: Origins,
): VolumePlan {
  const size = sizeLimit === undefined ? undefined : bytesOf(sizeLimit, at.below('sizeLimit'));
  if (medium === 'HugePages')
    origins.leaveOut(at.below('medium').refusal('HugePages are not supported', 'use Memory'));
  if (medium === 'Memory') return { kind: 'memory', size };
  if (size !== undefined)
    origins.leaveOut(
      at.below('sizeLimit').refusal('the size of a folder is not limited', 'use medium: Memory, which is'),
    );
  return { kind: 'empty' };
}

function filesOf(volume: Volume, at: Place, origins: Origins): VolumeFile[] {
  const { configMap, secret, downwardAPI, projected } = volume;
  const mode = (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? DEFAULT_MODE;
  if (projected)
    return projected.sources.flatMap((source, index) =>
      projectionFiles(source, at.below('sources', index), mode, origins),
    );
  // a Secret is named by another field here
  const named = secret && { ...secret, name: secret.secretName };
  if (named) return contentFiles('Secret', named, at, 'secretName', mode, origins.contents);
  if (configMap) return contentFiles('ConfigMap', configMap, at, 'name', mode, origins.contents);
  return downwardFiles(downwardAPI?.items ?? [], at.below('items'), mode, origins);
}

function projectionFiles(source: Projection, at: Place, mode: number, origins: Origins): VolumeFile[] {
  const { configMap, secret, downwardAPI } = source;
  const { contents } = origins;
  return [
    ...(configMap ? contentFiles('ConfigMap', configMap, at.below('configMap'), 'name', mode, contents) : []),
    ...(secret ? contentFiles('Secret', secret, at.below('secret'), 'name', mode, contents) : []),
    ...downwardFiles(downwardAPI?.items ?? [], at.below('downwardAPI', 'items'), mode, origins),
  ];
}

function contentFiles(
  kind: 'ConfigMap' | 'Secret',
  { name, optional, items }: { name: string; optional?: boolean; items?: Item[] },
  at: Place,
  field: string,
  mode: number,
  contents: Contents,
): VolumeFile[] {
  const content = contents.of(kind, name, at.below(field), optional);
  if (content === undefined) return [];
  if (items === undefined) return [...content].map(([path, value]) => ({ path, content: value, mode }));
  return items.flatMap((item, index) =>
    itemFile(item, content, `${kind} ${name}`, at.below('items', index), optional, mode),
  );
}

function itemFile(
  { key, path, mode: own }: Item,
  content: Content,
  of: string,
  at: Place,
  isOptional: boolean | undefined,
  mode: number,
): VolumeFile[] {
  const value = valueIn(content, key, of, at.below('key'), isOptional);
  return value === undefined ? [] : [{ path, content: value, mode: own ?? mode }];
}

function downwardFiles(
  items: readonly DownwardItem[],
  at: Place,
  mode: number,
  { facts }: Origins,
): VolumeFile[] {
  return items.map(({ path, mode: own, fieldRef, resourceFieldRef }, index) => {
    const place = at.below(index);
    if (fieldRef === undefined && resourceFieldRef === undefined)
      throw place.error('it needs a fieldRef or a resourceFieldRef');
    const text = fieldRef
      ? fieldText(fieldRef.fieldPath, facts, place.below('fieldRef', 'fieldPath'))
      : resourceValue(
          resourceFieldRef ?? { resource: '' },
          facts,
          undefined,
          place.below('resourceFieldRef', 'resource'),
        );
    return { path, content: Buffer.from(text), mode: own ?? mode };
  });
}

/** @throws FosterError for a path that leads out of the volume */
function checkPaths(files: readonly VolumeFile[], at: Place): void {
  const wrong = files.find(({ path }) => !isInside(path));
  if (wrong !== undefined) throw at.error(`${quoted(wrong.path)} is no path of a file in a volume`);
}

/** Whether a path stays below the place that it starts from. */
function isInside(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..');
}

/** The volumes of a pod, with the names of those that were made for it. */
export interface MadeVolumes {
  plans: ReadonlyMap<string, VolumePlan>;
  names: ReadonlyMap<string, string>;
}

const PROPAGATION = { None: 'rprivate', HostToContainer: 'rslave', Bidirectional: 'rshared' } as const;

/** The mounts of a container. @throws FosterError that names the field */
export function mountsOf(container: Container, place: Place, { plans, names }: MadeVolumes): MountFlag[] {
  return (container.volumeMounts ?? []).map((mount, index) => {
    const at = place.below('volumeMounts', index);
    const plan = plans.get(mount.name);
    if (plan === undefined)
      throw at
        .below('name')
        .error(
          `the pod has no volume ${quoted(mount.name)}`,
          `it has ${[...plans.keys()].join(', ') || 'none'}`,
        );
    const { mountPath, subPath = '', mountPropagation } = mount;
    if (!mountPath.startsWith('/')) throw at.below('mountPath').error('expected an absolute path');
    if (subPath !== '' && !isInside(subPath))
      throw at.below('subPath').error(`${quoted(subPath)} does not stay in the volume`);
    const fields = {
      ...sourceOf(plan, mount, at, names.get(mount.name) ?? ''),
      target: mountPath,
      ...((mount.readOnly || (plan.kind === 'claim' && plan.isReadOnly)) && { readonly: 'true' }),
      ...(mountPropagation && plan.kind === 'host' && { 'bind-propagation': PROPAGATION[mountPropagation] }),
    };
    return { kind: 'mount', value: fieldsLine(fields) };
  });
}

function sourceOf(
  plan: VolumePlan,
  { subPath = '' }: VolumeMount,
  at: Place,
  made: string,
): Record<string, string> {
  switch (plan.kind) {
    case 'host':
      return { type: 'bind', source: plan.path, ...(subPath !== '' && { 'bind-subpath': subPath }) };
    case 'memory':
      if (subPath !== '')
        throw at.below('subPath').refusal('an emptyDir in memory has no subPath', 'leave out medium: Memory');
      return {
        type: 'tmpfs',
        'tmpfs-mode': '1777',
        ...(plan.size !== undefined && { 'tmpfs-size': String(plan.size) }),
      };
    case 'claim':
      return { type: 'volume', source: plan.name, ...(subPath !== '' && { 'volume-subpath': subPath }) };
    default:
      return {
        type: 'volume',
        source: made,
        'volume-nocopy': 'true',
        ...(subPath !== '' && { 'volume-subpath': subPath }),
      };
  }
}
