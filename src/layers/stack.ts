import { type Dirent, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { MAX_LINKS, pathOf } from '../tar/member.js';
import { hiddenName, isOpaque } from './overlay-whiteouts.js';
import { unlessGone } from './unless-gone.js';
import { WHITEOUT_PREFIX } from './whiteout.js';

/**
 * The merged view of layers, as an overlay would show it, for when the kernel cannot mount one. Devices, sockets and
 * mounts in a layer are skipped. Names are relative to the top and have one character for each byte; no link is
 * followed.
 */
export class LayerStack {
  readonly #layers: string[];
  readonly #devices: ReadonlySet<number>;
  /** Directories that were looked up. */
  readonly #known = new Map<string, ReadonlyMap<string, string[]>>();

  /** @param layers absolute paths, topmost first */
  constructor(layers: readonly string[]) {
    this.#layers = layers.map((path) => Buffer.from(path).toString('latin1'));
    // statSync, since directories may be given as links to descriptors.
    this.#devices = new Set(this.#layers.map((path) => lstatSync(pathOf(`${path}/.`)).dev));
  }

  /** The top directories of all layers. */
  get top(): string[] {
    return this.#layers.map((path) => `${path}/.`);
  }

  /** The file of that name; '' is the top itself. */
  lstat(name: string): Stats | undefined {
    const [place] = this.#places(name);
    return place === undefined ? undefined : lstat(place);
  }

  /** The names in a directory; none if it is not a directory. @param directory '' for the top, or a name and a slash */
  names(directory: string): string[] {
    const name = directory.replace(/\/$/, '');
    return this.lstat(name)?.isDirectory() ? [...this.#entriesOf(name).keys()] : [];
  }

  /**
   * The directories that make up a directory, with links followed as inside the tree; none if there is no such
   * directory.
   */
  findDirectories(path: string): string[] {
    const ahead = path.split('/');
    let name = '';
    for (let links = 0; ahead.length > 0; ) {
      const part = ahead.shift() ?? '';
      if (part === '' || part === '.') continue;
      if (part === '..') {
        name = parentOf(name);
        continue;
      }
      const next = name === '' ? part : `${name}/${part}`;
      const [place] = this.#places(next);
      if (place === undefined) return [];
      const info = lstat(place);
      if (info?.isSymbolicLink()) {
        if (++links > MAX_LINKS) return [];
        const target = readlinkSync(pathOf(place), { encoding: 'latin1' });
        if (target.startsWith('/')) name = '';
        ahead.unshift(...target.split('/'));
      } else if (info?.isDirectory()) name = next;
      else return [];
    }
    return this.#places(name);
  }

  #places(name: string): string[] {
    if (name === '') return this.top;
    return this.#entriesOf(parentOf(name)).get(name.slice(name.lastIndexOf('/') + 1)) ?? [];
  }

  #entriesOf(directory: string): ReadonlyMap<string, string[]> {
    const known = this.#known.get(directory);
    if (known !== undefined) return known;
    const places = this.#places(directory);
    const isDirectory = places[0] !== undefined && lstat(places[0])?.isDirectory();
    const entries = isDirectory ? this.entries(places) : new Map<string, string[]>();
    this.#known.set(directory, entries);
    return entries;
  }

  /**
   * The entries of a directory, sorted: for each name the visible file, or the directories of all layers that are
   * merged there, topmost first.
   * @param places directories to merge, topmost first
   */
  entries(places: string[]): Map<string, string[]> {
    const found = new Map<string, string[]>();
    /** Names that are hidden in the layers further below. */
    const closed = new Set<string>();
    for (const [index, place] of places.entries()) {
      const hidden: string[] = [];
      for (const entry of this.#list(place)) {
        const name = entry.name.toString('latin1');
        const path = `${place}/${name}`;
        const info = mayHide(name, entry) ? lstat(path) : undefined;
        const hides = info && hiddenName(name, info);
        if (hides !== undefined) {
          hidden.push(hides);
        } else if (!closed.has(name)) {
          const above = found.get(name);
          if (entry.isDirectory()) {
            if (above === undefined) found.set(name, [path]);
            else above.push(path);
            if (index < places.length - 1 && unlessGone(() => isOpaque(path))) closed.add(name);
          } else {
            if (above === undefined && isCopied(entry)) found.set(name, [path]);
            closed.add(name);
          }
        }
      }
      for (const name of hidden) closed.add(name);
    }
    return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #list(place: string): Dirent<Buffer>[] {
    const device = lstat(place)?.dev;
    if (device === undefined || !this.#devices.has(device)) return [];
    const list = () => readdirSync(pathOf(place), { withFileTypes: true, encoding: 'buffer' });
    return unlessGone(list) ?? [];
  }
}

function lstat(path: string): Stats | undefined {
  return unlessGone(() => lstatSync(pathOf(path)));
}

function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

function mayHide(name: string, entry: Dirent<Buffer>): boolean {
  return entry.isCharacterDevice() || (entry.isFile() && name.startsWith(WHITEOUT_PREFIX));
}

function isCopied(entry: Dirent<Buffer>): boolean {
  return entry.isFile() || entry.isSymbolicLink() || entry.isFIFO();
}
