import type { Scene } from '../view/scene.js';
import { element, plain, update } from './dom.js';
import { percentText, sizeText } from './format.js';
import type { Labels } from './labels.js';
import type { TreeRow } from './tree-layout.js';
import { stateWord } from './words.js';

/** Lists what is known of the process or container that is chosen in the tree. */
export function drawDetails(list: HTMLElement, row: TreeRow | undefined, scene: Scene, labels: Labels): void {
  const rows = row === undefined ? [] : detailsOf(row, scene, labels);
  update(list, ...rows.flatMap(([term, text]) => [element('dt', {}, term), element('dd', {}, text)]));
}

function detailsOf(
  { process, container }: TreeRow,
  { namespaces, containers }: Scene,
  labels: Labels,
): [string, string][] {
  if (process !== undefined) {
    const own = process.namespaces === undefined ? undefined : namespaces.get(process.namespaces);
    return [
      [labels.command, plain(process.command)],
      [labels.process, plain(process.name)],
      [labels.container, containers.get(process.container)?.name ?? ''],
      [labels.state, stateWord(process, labels)],
      [labels.pidInside, String(process.pid ?? '–')],
      [labels.pidOutside, String(process.hostPid)],
      [labels.parent, String(process.parent)],
      [labels.threads, String(process.threads)],
      [labels.cpu, percentText(process.cpu)],
      [labels.memory, sizeText(process.memory)],
      ...Object.entries(own ?? {}).map(([type, inode]): [string, string] => [type, String(inode)]),
    ];
  }
  if (container === undefined) return [];
  const { adopted, reaped, network, ports = [] } = container;
  const usage: [string, string][] = [
    [labels.pidOutside, String(container.hostPid)],
    [labels.cpu, percentText(container.cpu)],
    [labels.memory, sizeText(container.memory)],
  ];
  return [
    [labels.container, container.name],
    [labels.image, plain(container.image)],
    [labels.status, container.status],
    ...(container.hostPid === 0 ? [] : usage),
    ...(adopted === undefined || reaped === undefined
      ? []
      : [[labels.orphans, labels.adoptedReaped(adopted, reaped)] as [string, string]]),
    ...(network === undefined ? [] : [[labels.network, network] as [string, string]]),
    ...ports.map(({ host, container: inside }): [string, string] => [labels.ports, `${host} → ${inside}`]),
  ];
}
