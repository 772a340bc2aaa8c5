import { usedVolumes } from '../../container/volume-users.js';
import { flagError } from '../../spec/parse/flag.js';
import { parseInstant } from '../../spec/parse/instants.js';
import { volumeData } from '../../sys/paths.js';
import { kindOfVolume, type VolumeRecord } from '../../volume/record.js';
import { decimalSize } from './size.js';

/** The columns and other fields of `volume ls`: Docker's, then Podman's. */
export type VolumeField =
  | 'Driver'
  | 'Name'
  | 'Scope'
  | 'Mountpoint'
  | 'Labels'
  | 'Links'
  | 'Size'
  | 'Status'
  | 'Availability'
  | 'Group'
  | 'CreatedAt';

export type VolumeRow = Record<VolumeField, string> & {
  Anonymous: boolean;
  Options: Record<string, string>;
  /** Fields that only Podman has. */
  MountCount: number;
  NeedsCopyUp: boolean;
  NeedsChown: boolean;
  Timeout: number;
  /** `{{.Label "KEY"}}` */
  Label: (key: unknown) => string;
};

/** Where the files of a volume are on the host; '' for one in memory. */
export function mountpointOf(volume: VolumeRecord): string {
  const what = kindOfVolume(volume);
  return what.kind === 'bind' ? what.device : what.kind === 'tmpfs' ? '' : volumeData(volume.name);
}

/** A volume as Docker lists it. @param users how many containers use it @param size in bytes, if it is known */
export function volumeRow(volume: VolumeRecord, users: number, size?: number): VolumeRow {
  const { name, labels, created, options, isAnonymous = false } = volume;
  return {
    Driver: 'local',
    Name: name,
    Scope: 'local',
    Mountpoint: mountpointOf(volume),
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Links: String(users),
    Size: size === undefined ? 'N/A' : decimalSize(size),
    Status: 'N/A',
    Availability: 'N/A',
    Group: 'N/A',
    CreatedAt: created,
    Anonymous: isAnonymous,
    Options: options,
    MountCount: users,
    NeedsCopyUp: false,
    NeedsChown: false,
    Timeout: 0,
    Label: (key) => labels[String(key)] ?? '',
  };
}

/** A volume as `docker volume inspect` shows it, with Podman's additions. */
export function volumeInspection(volume: VolumeRecord): Record<string, unknown> {
  const { name, labels, options, created, isAnonymous = false } = volume;
  return {
    CreatedAt: created,
    Driver: 'local',
    Labels: labels,
    Mountpoint: mountpointOf(volume),
    Name: name,
    Options: options,
    Scope: 'local',
    ...(isAnonymous && { Anonymous: true }),
    MountCount: usedVolumes().get(name)?.length ?? 0,
  };
}

export type VolumeMatcher = (volume: VolumeRecord) => boolean;

/** What a value of --filter asks for, by its key. @throws FosterError for a value that makes no sense */
const FILTERS: Readonly<Record<string, (value: string, filter: string) => VolumeMatcher>> = {
  dangling: (value, filter) => {
    const wanted = truth(value, filter);
    const used = usedVolumes();
    return ({ name }) => !used.has(name) === wanted;
  },
  driver: (value) => () => value === 'local',
  label: hasLabel,
  'label!': (value) => {
    const has = hasLabel(value);
    return (volume) => !has(volume);
  },
  name: (value) => {
    const expression = expressionOf(value);
    return ({ name }) => expression.test(name);
  },
  opt: (value) => {
    const [key = '', ...rest] = value.split('=');
    return ({ options }) =>
      Object.hasOwn(options, key) && (rest.length === 0 || options[key] === rest.join('='));
  },
  scope: (value) => () => value === 'local',
  until: (value) => {
    const instant = Number(parseInstant('--filter', value, Date.now()) / 1_000_000n);
    return ({ created }) => Date.parse(created) < instant;
  },
};

/** Keys of --filter of `volume ls`. */
export const VOLUME_FILTERS: readonly string[] = Object.keys(FILTERS);

/** Keys of --filter of `volume prune`; `all` is in place of --all, as in Docker. */
export const PRUNE_FILTERS: readonly string[] = ['all', 'label', 'label!', 'until'];

/**
 * The values of --filter as one condition: those with the same key are alternatives, except for labels.
 * @param keys those that the command has
 * @throws FosterError
 */
export function volumeMatcher(
  filters: readonly string[],
  keys: readonly string[] = VOLUME_FILTERS,
): VolumeMatcher {
  const groups = new Map<string, VolumeMatcher[]>();
  for (const filter of filters) {
    const [, key = '', value = ''] = /^(\w+!?)=(.*)$/s.exec(filter) ?? [];
    const compile = keys.includes(key) ? FILTERS[key] : undefined;
    if (compile === undefined)
      throw flagError('--filter', filter, `expected KEY=VALUE, KEY being one of ${keys.join(', ')}`);
    groups.set(key, [...(groups.get(key) ?? []), compile(value, filter)]);
  }
  return (volume) =>
    [...groups].every(([key, matchers]) =>
      key.startsWith('label')
        ? matchers.every((matches) => matches(volume))
        : matchers.some((matches) => matches(volume)),
    );
}

function truth(value: string, filter: string): boolean {
  if (['true', '1'].includes(value)) return true;
  if (['false', '0'].includes(value)) return false;
  throw flagError('--filter', filter, 'expected true or false');
}

/** `KEY` or `KEY=VALUE` */
function hasLabel(value: string): VolumeMatcher {
  const [label = '', ...rest] = value.split('=');
  return ({ labels }) =>
    Object.hasOwn(labels, label) && (rest.length === 0 || labels[label] === rest.join('='));
}

/** A regular expression, as in Podman, which a part of the name, as in Docker, nearly always is. */
function expressionOf(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    throw flagError('--filter', `name=${value}`, 'it is not a regular expression');
  }
}
