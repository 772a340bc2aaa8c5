import { quoted } from '../spec/parse/flag.js';
import type { Claim, Controller, Meta, PodSpec, Volume } from './model.js';
import type { KubeObject, Place } from './place.js';

/** A claim that a file describes: it becomes the volume of its name. */
export interface ClaimPlan {
  name: string;
  meta: Partial<Meta>;
  place: Place;
}

/** The claims of a file, those of the templates of a StatefulSet included. @throws FosterError that names the field */
export function claimsOf(objects: readonly KubeObject[]): ClaimPlan[] {
  return objects.flatMap(({ kind, name, tree, place, isWrong }) => {
    if (kind === 'PersistentVolumeClaim')
      return [{ name, meta: (tree as unknown as Claim).metadata, place: place.below('metadata') }];
    if (kind !== 'StatefulSet' || isWrong) return [];
    const { volumeClaimTemplates = [], replicas = 1 } = (tree as unknown as Controller).spec;
    return Array.from({ length: replicas }, (_, index) =>
      volumeClaimTemplates.map(({ metadata }, at) => {
        const own = place.below('spec', 'volumeClaimTemplates', at, 'metadata');
        if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(metadata.name))
          throw own.below('name').error(`${quoted(metadata.name)} is not a name of a volume`);
        return { name: claimName(metadata.name, name, index), meta: metadata, place: own };
      }),
    ).flat();
  });
}

/** As in Kubernetes: each pod has its own. */
function claimName(template: string, set: string, index: number): string {
  return `${template}-${set}-${index}`;
}

/** The spec of a pod of a StatefulSet, with the volumes of its claims in place of others of the same names. */
export function withClaims(spec: PodSpec, templates: readonly Claim[], set: string, index: number): PodSpec {
  if (templates.length === 0) return spec;
  const own = new Map(
    templates.map(({ metadata: { name } }): [string, Volume] => [
      name,
      { name, persistentVolumeClaim: { claimName: claimName(name, set, index) } },
    ]),
  );
  const given = (spec.volumes ?? []).map((volume) => own.get(volume.name) ?? volume);
  const missing = [...own.values()].filter((volume) => !given.includes(volume));
  return { ...spec, volumes: [...given, ...missing] };
}
