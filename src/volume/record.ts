import { isVolumeName } from '../spec/names.js';
import { isTexts } from '../spec/parse/labels.js';
import { type VolumeKind, volumeKind } from '../spec/parse/volume-driver.js';

/** The label that Docker gives to anonymous volumes. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

/** The definition of a volume: `config.json` in its folder. Never changed. */
export interface VolumeRecord {
  version: 1;
  name: string;
  /** ISO 8601. */
  created: string;
  labels: Record<string, string>;
  /** Options of the driver `local`: `type`, `device`, `o`. */
  options: Record<string, string>;
  /** Set if its name is random: it is removed with the container that it was made for, or by a prune. */
  isAnonymous?: true;
}

/** The content of a `config.json`, or undefined if it is cut short or damaged. */
export function parseVolumeRecord(text: string): VolumeRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is VolumeRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { name, created, labels, options } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    isVolumeName(name) &&
    typeof created === 'string' &&
    isTexts(labels) &&
    isTexts(options)
  );
}

/** Where the files of a volume are: in foster's own folder if its options are no longer valid. */
export function kindOfVolume({ options }: Pick<VolumeRecord, 'options'>): VolumeKind {
  try {
    return volumeKind(options);
  } catch {
    return { kind: 'folder' };
  }
}
