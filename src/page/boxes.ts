import type { ProcessRow, Scene } from '../view/scene.js';
import { type Box, namespaceBoxes } from './boxes-layout.js';
import { element, plain, update } from './dom.js';
import type { Labels } from './labels.js';

/** Processes that are named in a box; of more, the number is said. */
const MOST_NAMED = 24;

/** Namespaces as boxes within boxes. */
export function drawBoxes(target: HTMLElement, scene: Scene, only: string | undefined, labels: Labels): void {
  const top = namespaceBoxes(scene, only);
  update(target, drawBox(top, scene, labels, labels.hostBox));
}

function drawBox(box: Box, scene: Scene, labels: Labels, title?: string): HTMLElement {
  const names = box.containers.map((id) => scene.containers.get(id)?.name ?? id.slice(0, 12));
  const isShared = title === undefined && names.length > 1;
  const heading = title ?? (isShared ? labels.sharedBy(names.join(', ')) : (names[0] ?? ''));
  const chips = box.namespaces.map(({ type, inode, isElsewhere }) =>
    element(
      'li',
      {
        class: isElsewhere ? 'namespace elsewhere' : 'namespace',
        title: isElsewhere ? labels.elsewhere : undefined,
      },
      element('b', {}, type),
      ` ${inode}`,
    ),
  );
  const named = box.processes.slice(0, MOST_NAMED);
  const more = box.processes.length - named.length;
  return element(
    'section',
    { class: title === undefined ? (isShared ? 'box shared' : 'box') : 'box host', 'aria-label': heading },
    element('h3', {}, heading),
    element('ul', { class: 'namespaces' }, ...chips),
    box.processes.length === 0
      ? undefined
      : element(
          'ul',
          { class: 'members' },
          ...named.map((process) => drawMember(process)),
          more > 0 ? element('li', { class: 'more' }, labels.others(more)) : undefined,
        ),
    box.boxes.length === 0
      ? undefined
      : element('div', { class: 'boxes' }, ...box.boxes.map((inner) => drawBox(inner, scene, labels))),
  );
}

function drawMember({ pid, hostPid, name, state }: ProcessRow): HTMLElement {
  return element(
    'li',
    { class: 'member', 'data-state': state },
    element('span', { class: 'dot' }),
    `${plain(name)} `,
    element('small', {}, String(pid ?? hostPid)),
  );
}
