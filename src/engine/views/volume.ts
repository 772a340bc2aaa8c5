import { usedVolumes } from '../../container/volume-users.js';
import { volumeData } from '../../sys/paths.js';
import { kindOfVolume, type VolumeRecord } from '../../volume/record.js';
import {
  type FilterTable,
  filterExpression,
  filterInstant,
  filterTruth,
  labelTest,
  matcherOf,
} from './filters.js';
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

/** The folder of a volume's files on the host; '' for a volume in memory. */
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

const FILTERS: FilterTable<VolumeRecord> = {
  dangling: (value, filter) => {
    const wanted = filterTruth(value, filter);
    const used = usedVolumes();
    return ({ name }) => !used.has(name) === wanted;
  },
  driver: (value) => () => value === 'local',
  label: (value) => {
    const has = labelTest(value);
    return ({ labels }) => has(labels);
  },
  'label!': (value) => {
    const has = labelTest(value);
    return ({ labels }) => !has(labels);
  },
  name: (value, filter) => {
    const expression = filterExpression(value, filter);
    return ({ name }) => expression.test(name);
  },
  opt: (value) => {
    const has = labelTest(value);
    return ({ options }) => has(options);
  },
  scope: (value) => () => value === 'local',
  until: (value) => {
    const instant = filterInstant(value);
    return ({ created }) => Date.parse(created) < instant;
  },
};

/** Keys of --filter of `volume ls`. */
export const VOLUME_FILTERS: readonly string[] = Object.keys(FILTERS);

/** Keys of --filter of `volume prune`. As in Docker, `all` is the same as --all. */
export const PRUNE_FILTERS: readonly string[] = ['all', 'label', 'label!', 'until'];

/**
 * Turns the values of --filter into one condition: values of the same key are alternatives, except for labels.
 * @param keys the keys that the command accepts
 * @throws FosterError
 */
export function volumeMatcher(
  filters: readonly string[],
  keys: readonly string[] = VOLUME_FILTERS,
): VolumeMatcher {
  return matcherOf(filters, FILTERS, keys);
}
