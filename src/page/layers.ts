import type { LayerRow, Scene, StackRow } from '../view/scene.js';
import { element, plain, update } from './dom.js';
import { sizeText } from './format.js';
import type { Labels } from './labels.js';

/** The layers of containers as stacks, the uppermost on top. */
export function drawLayers(
  target: HTMLElement,
  scene: Scene,
  only: string | undefined,
  labels: Labels,
): void {
  const shown = [...scene.stacks].filter(
    ([id, { layers }]) => layers.length > 0 && (only === undefined || id === only),
  );
  update(
    target,
    ...shown.map(([id, stack]) =>
      element(
        'section',
        { class: 'stack', 'aria-label': scene.containers.get(id)?.name ?? '' },
        element('h3', {}, scene.containers.get(id)?.name ?? '', element('small', {}, ` ${stack.driver}`)),
        ...drawStack(stack, labels),
      ),
    ),
  );
}

function drawStack({ layers }: StackRow, labels: Labels): HTMLElement[] {
  const largest = Math.max(1, ...layers.map(({ size = 0 }) => size));
  return layers.map((layer, index) => {
    const { size, changes, more = 0, isOwn } = layer;
    const isBase = index === layers.length - 1;
    const count = isBase ? '' : labels.changes(changes.length + more);
    return element(
      'details',
      { class: isOwn ? 'layer own' : 'layer' },
      element(
        'summary',
        {},
        element('span', { class: 'title' }, isOwn ? labels.ownLayer : instruction(layer.title)),
        element('span', { class: 'count' }, count),
        element('span', { class: 'size' }, size === undefined ? '' : sizeText(size)),
        element('meter', { min: 0, max: largest, value: size ?? 0, 'aria-hidden': 'true' }),
      ),
      drawChanges(layer, isBase, labels),
    );
  });
}

function drawChanges({ changes, more = 0 }: LayerRow, isBase: boolean, labels: Labels): HTMLElement {
  if (changes.length === 0) return element('p', { class: 'help' }, isBase ? labels.base : labels.noChanges);
  const rows = changes.map((change) => {
    const kind = change.slice(0, 1);
    return element(
      'li',
      { class: `change-${kind}` },
      element('b', {}, labels.change[kind] ?? kind),
      ` ${plain(change.slice(2))}`,
    );
  });
  return element(
    'ul',
    { class: 'changes' },
    ...rows,
    more > 0 ? element('li', {}, labels.others(more)) : undefined,
  );
}

/** Without what the builder adds to an instruction. */
function instruction(title: string): string {
  return plain(title.replace(/^\/bin\/sh -c (#\(nop\)\s*)?/, '').replace(/\s*# buildkit$/, '')).slice(0, 200);
}
