import { closeSync } from 'node:fs';
import { type MapHelpers, mapIds } from '../plan/id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { FosterError } from '../sys/errors.js';
import { installCommand } from '../sys/packages.js';
import { findProgram } from '../sys/programs.js';
import { runHostSteps } from './host-steps.js';

/** The paths of newuidmap and newgidmap. @throws FosterError if one is not installed */
export function findMapHelpers(): MapHelpers {
  return { uid: findHelper('uid', 'user'), gid: findHelper('gid', 'group') };
}

function findHelper(kind: 'uid' | 'gid', what: string): string {
  const name = `new${kind}map` as const;
  const path = findProgram(name);
  if (path !== undefined) return path;
  throw new FosterError(`cannot map ${what} ids: ${name} is not installed`, {
    kind: 'unsupported',
    advice: installCommand(name),
  });
}

/** Writes the id maps of the user namespace of process `pid`. @throws FosterError */
export function writeIdMaps(pid: number, maps: IdMaps): void {
  const helpers = maps.helpers ? findMapHelpers() : undefined;
  const work = runHostSteps(mapIds(maps, { helpers, canSetGroups: process.getuid?.() === 0 }), { pid });
  if (work.output !== undefined) closeSync(work.output);
}
