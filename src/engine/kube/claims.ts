import { claimsOf } from '../../kube/claims.js';
import { LABEL } from '../../kube/labels.js';
import type { KubeObject } from '../../kube/place.js';
import { faultPoint } from '../../sys/fault.js';
import { create, exists, remove } from '../volumes.js';

/** Annotations of a claim that Podman knows, as options of a volume. */
const OPTIONS: Readonly<Record<string, string>> = {
  'volume.podman.io/type': 'type',
  'volume.podman.io/device': 'device',
  'volume.podman.io/mount-options': 'o',
};
const DRIVER = 'volume.podman.io/driver';

/**
 * Makes the volumes of claims that are missing.
 * @param made receives the name of each that it makes
 * @returns the names of all
 * @throws FosterError that names the object
 */
export async function makeClaims(
  objects: readonly KubeObject[],
  made: (name: string) => Promise<void>,
): Promise<string[]> {
  const claims = claimsOf(objects);
  for (const { name, meta, place } of claims) {
    if (await exists(name)) continue;
    const { labels = {}, annotations = {} } = meta;
    const unknown = Object.keys(annotations).find(
      (key) => key.startsWith('volume.podman.io/') && key !== DRIVER && OPTIONS[key] === undefined,
    );
    if (unknown !== undefined)
      throw place.below('annotations', unknown).refusal('this option of a volume is not supported');
    const options = Object.entries(OPTIONS).flatMap(([key, option]) => {
      const value = annotations[key];
      return value === undefined ? [] : [[option, value]];
    });
    await create({
      name,
      driver: annotations[DRIVER],
      labels: { ...labels, [LABEL.claim]: name },
      options: Object.fromEntries(options),
    });
    await made(name);
    faultPoint('volume of the claim created');
  }
  return claims.map(({ name }) => name);
}

/** Removes the volumes of claims. @returns the names of those that were there. @throws FosterError if one is in use */
export async function removeClaims(objects: readonly KubeObject[]): Promise<string[]> {
  const removed: string[] = [];
  for (const { name } of claimsOf(objects)) {
    if (!(await exists(name))) continue;
    removed.push(await remove(name));
    faultPoint('volume of the claim removed');
  }
  return removed;
}
