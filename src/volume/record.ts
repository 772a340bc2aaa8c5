import { isVolumeName } from '../spec/names.js';
import { isTexts } from '../spec/parse/labels.js';
import { type VolumeKind, volumeKind } from '../spec/parse/volume-driver.js';

/** The label that Docker gives to anonymous volumes. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

/** What is known about a volume: `config.json` in its folder. Written once. */
export interface VolumeRecord {
  version: 1;
  name: string;
  /** ISO 8601. */
  created: string;
  labels: Record<string, string>;
  /** Of the driver `local`: `type`, `device`, `o`. */
  options: Record<string, string>;
  /** Nobody has chosen its name: it goes with the container that it was made for, or at a prune. */
  isAnonymous?: true;
}

/** The content of a `config.json`, or undefined where it is cut short or damaged. */
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

/** What the files of a volume are; a folder where its options make no sense any more. */
export function kindOfVolume({ options }: Pick<VolumeRecord, 'options'>): VolumeKind {
  try {
    return volumeKind(options);
  } catch {
    return { kind: 'folder' };
  }
}
