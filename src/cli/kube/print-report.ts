import type { DownReport, PlayReport } from '../../engine/kube/options.js';
import { print } from '../output.js';

/** As Podman prints what was made. */
export function printPlayed({ volumes, pods, replaced }: PlayReport): void {
  if (replaced !== undefined && replaced.pods.length > 0) printRemoved(replaced);
  print(lines('Volumes:', volumes));
  for (const { id, containers } of pods)
    print(`Pod:\n${id}\n${lines(containers.length === 1 ? 'Container:' : 'Containers:', containers)}\n`);
}

/** As Podman prints what was removed. */
export function printRemoved({ pods, volumes }: DownReport): void {
  print(`Pods stopped:\n${rows(pods)}Pods removed:\n${rows(pods)}${lines('Volumes removed:', volumes)}`);
}

function lines(title: string, values: readonly string[]): string {
  return values.length === 0 ? '' : `${title}\n${rows(values)}`;
}

function rows(values: readonly string[]): string {
  return values.map((value) => `${value}\n`).join('');
}
