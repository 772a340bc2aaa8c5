import type { Scene } from '../view/scene.js';

/** A rectangle with lines of text, in the units of the picture. */
export interface MapBox {
  kind: 'outside' | 'network' | 'container';
  x: number;
  y: number;
  width: number;
  height: number;
  title: string;
  lines: string[];
}

export interface MapLine {
  /** A container in a network; a port of the host; the way outside; containers that share a network namespace. */
  kind: 'link' | 'port' | 'way' | 'share';
  from: [x: number, y: number];
  to: [x: number, y: number];
}

export interface NetworkMap {
  width: number;
  height: number;
  boxes: MapBox[];
  lines: MapLine[];
}

/** Units; a letter is about 7 wide. */
const WIDTH = 190;
const GAP = 150;
const LINE = 18;
const PADDING = 12;
const BETWEEN = 22;
const COLUMNS = [10, 10 + WIDTH + GAP, 10 + 2 * (WIDTH + GAP)] as const;
/** How far lines between containers swing out. */
export const BEND = 36;
const LONGEST = 24;

/**
 * A map in three columns: the host and what is outside, networks, containers. Ports that are published lead from the first to the
 * last.
 * @param only the id of a container, for its part only
 */
export function networkMap({ containers, networks, endpoints }: Scene, only: string | undefined): NetworkMap {
  const links = [...endpoints.values()].filter(({ container }) => only === undefined || container === only);
  const shown = [...containers].filter(([id]) => only === undefined || id === only);
  const used = [...networks].filter(([name]) => links.some(({ network }) => network === name));
  const places = new Map<string, MapBox>();
  const column = (
    x: number,
    key: string,
    kind: MapBox['kind'],
    title: string,
    lines: string[],
    y: number,
  ) => {
    const box = { kind, x, y, width: WIDTH, height: PADDING * 2 + LINE * (1 + lines.length), title, lines };
    places.set(key, { ...box, title: short(title), lines: lines.map(short) });
    return y + box.height + BETWEEN;
  };
  let right = 10;
  for (const [id, { name, network = '', ports = [] }] of shown) {
    const own = links.filter(({ container }) => container === id);
    const lines = own.flatMap(({ name: device, addresses }) =>
      addresses.map((address) => `${device}  ${address}`),
    );
    const more = ports.map(({ container }) => container);
    right = column(
      COLUMNS[2],
      `c ${id}`,
      'container',
      name,
      [...(lines.length > 0 ? lines : [network]), ...more],
      right,
    );
  }
  let middle = 10;
  for (const [name, { subnets }] of used)
    middle = column(COLUMNS[1], `n ${name}`, 'network', name, subnets, middle);
  const ports = shown.flatMap(([id, { ports: own = [] }]) => own.map((port) => ({ id, ...port })));
  const left = column(
    COLUMNS[0],
    'outside',
    'outside',
    '',
    ports.map(({ host }) => host),
    10,
  );
  const outside = places.get('outside');
  const lines: MapLine[] = [];
  for (const { container, network } of links) {
    const [from, to] = [places.get(`n ${network}`), places.get(`c ${container}`)];
    if (from && to) lines.push({ kind: 'link', from: rightOf(from), to: leftOf(to) });
  }
  for (const [name, { isInternal }] of used) {
    const to = places.get(`n ${name}`);
    if (outside && to && !isInternal) lines.push({ kind: 'way', from: rightOf(outside), to: leftOf(to) });
  }
  for (const [id, { network = '' }] of shown) {
    const own = places.get(`c ${id}`);
    if (network === 'host' && outside && own)
      lines.push({ kind: 'way', from: rightOf(outside), to: leftOf(own) });
    const [other] = shown.find(([, { name }]) => network === `container ${name}`) ?? [];
    const from = places.get(`c ${other}`);
    if (from && own) lines.push({ kind: 'share', from: rightOf(from), to: rightOf(own) });
  }
  for (const [index, { id, container }] of ports.entries()) {
    const to = places.get(`c ${id}`);
    if (outside === undefined || to === undefined) continue;
    const y = outside.y + PADDING + LINE * (index + 1.5);
    const row = to.lines.indexOf(short(container));
    lines.push({
      kind: 'port',
      from: [outside.x + outside.width, y],
      to: [to.x, to.y + PADDING + LINE * (row + 1.5)],
    });
  }
  return {
    width: COLUMNS[2] + WIDTH + BEND,
    height: Math.max(left, middle, right, 80) - BETWEEN + 10,
    boxes: [...places.values()],
    lines,
  };
}

function rightOf({ x, y, width, height }: MapBox): [number, number] {
  return [x + width, y + height / 2];
}

function leftOf({ x, y, height }: MapBox): [number, number] {
  return [x, y + height / 2];
}

function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** The places within a box where its lines are written. */
export function textPlaces({ x, y, lines }: MapBox): { x: number; y: number }[] {
  return [undefined, ...lines].map((_, index) => ({
    x: x + PADDING,
    y: y + PADDING + LINE * (index + 0.75),
  }));
}
