import type { Scene } from '../view/scene.js';
import { element, plain, svgElement, update } from './dom.js';
import type { Labels } from './labels.js';
import { BEND, type MapBox, type MapLine, networkMap, textPlaces } from './network-layout.js';

/** Networks as a map and, below it, the same as a table. */
export function drawNetworks(
  target: HTMLElement,
  scene: Scene,
  only: string | undefined,
  labels: Labels,
): void {
  const map = networkMap(scene, only);
  const picture = svgElement(
    'svg',
    {
      viewBox: `0 0 ${map.width} ${map.height}`,
      role: 'img',
      'aria-label': labels.networksMap,
      class: 'map',
    },
    ...map.lines.map(drawLine),
    ...map.boxes.map((box) => drawBox(box, labels)),
  );
  picture.style.maxWidth = `${map.width * 1.25}px`;
  update(target, element('div', { class: 'map-box' }, picture), table(scene, only, labels));
}

function drawLine({ kind, from: [x1, y1], to: [x2, y2] }: MapLine): SVGElement {
  const bend = x1 === x2 ? BEND : (x2 - x1) / 2;
  const back = x1 === x2 ? -BEND : bend;
  return svgElement('path', {
    class: kind,
    d: `M ${x1} ${y1} C ${x1 + bend} ${y1} ${x2 - back} ${y2} ${x2} ${y2}`,
  });
}

function drawBox(box: MapBox, labels: Labels): SVGElement {
  const [head, ...places] = textPlaces(box);
  const title = box.kind === 'outside' ? labels.outside : plain(box.title);
  return svgElement(
    'g',
    { class: box.kind },
    svgElement('rect', { x: box.x, y: box.y, width: box.width, height: box.height, rx: 6 }),
    svgElement('text', { class: 'title', x: head?.x, y: head?.y }, title),
    ...box.lines.map((line, index) =>
      svgElement(
        'text',
        { x: places[index]?.x, y: places[index]?.y },
        line === 'none' ? labels.loopback : plain(line),
      ),
    ),
  );
}

function table(
  { containers, networks, endpoints }: Scene,
  only: string | undefined,
  labels: Labels,
): HTMLElement {
  const rows = [...containers]
    .filter(([id]) => only === undefined || id === only)
    .flatMap(([id, { name, network = '', ports = [] }]) => {
      const own = [...endpoints.values()].filter(({ container }) => container === id);
      const published = ports.map(({ host, container }) => `${host} → ${container}`).join(', ');
      if (own.length === 0)
        return [[name, network === 'none' ? labels.loopback : network, '', '', published]];
      return own.map((endpoint, index) => [
        name,
        endpoint.network + (networks.get(endpoint.network)?.isInternal ? ` (${labels.internal})` : ''),
        endpoint.addresses.join(', '),
        endpoint.mac,
        index === 0 ? published : '',
      ]);
    });
  const head = [labels.container, labels.network, labels.address, 'MAC', labels.ports];
  return element(
    'div',
    { class: 'table-box' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...head.map((text) => element('th', { scope: 'col' }, text)))),
      element(
        'tbody',
        {},
        ...rows.map((row) => element('tr', {}, ...row.map((text) => element('td', {}, plain(text))))),
      ),
    ),
  );
}
