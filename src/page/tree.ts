import type { Scene } from '../view/scene.js';
import { element } from './dom.js';
import type { Labels } from './labels.js';
import { type TreeRow, treeRows } from './tree-layout.js';
import { RowElement } from './tree-row.js';

/** Height of a row in pixels, as in page.css. */
const ROW = 26;
/** Rows beyond the edges that are drawn, too. */
const BEYOND = 4;

/** Processes as a tree: https://www.w3.org/WAI/ARIA/apg/patterns/treeview. Only rows on the screen are elements. */
export class Tree {
  readonly #box: HTMLElement;
  readonly #space = element('div', { class: 'space', role: 'presentation' });
  readonly #labels: Labels;
  readonly #onSelect: (row: TreeRow | undefined) => void;
  readonly #closed = new Set<string>();
  readonly #elements = new Map<string, RowElement>();
  #rows: TreeRow[] = [];
  #places = new Map<string, number>();
  #parents = new Map<string, string | undefined>();
  #active: string | undefined;
  #scene: Scene | undefined;
  #only: string | undefined;
  #names = 0;

  /** @param box the element with the role `tree` @param onSelect called when another row is chosen, or what is in it changes */
  constructor(box: HTMLElement, labels: Labels, onSelect: (row: TreeRow | undefined) => void) {
    this.#box = box;
    this.#labels = labels;
    this.#onSelect = onSelect;
    box.append(this.#space);
    box.addEventListener('scroll', () => this.#paint(), { passive: true });
    box.addEventListener('keydown', (event) => this.#onKey(event));
    box.addEventListener('click', (event) => this.#onClick(event));
    new ResizeObserver(() => this.#paint()).observe(box);
  }

  show(scene: Scene, only: string | undefined): void {
    this.#scene = scene;
    this.#only = only;
    const before = this.#places;
    const parents = this.#parents;
    this.#rows = treeRows(scene, only, this.#closed);
    this.#places = new Map(this.#rows.map(({ key }, index) => [key, index]));
    this.#parents = new Map(this.#rows.map(({ key, parent }) => [key, parent]));
    this.#space.style.height = `${this.#rows.length * ROW}px`;
    if (this.#active === undefined || !this.#places.has(this.#active))
      this.#active = this.#rows.find(({ process }) => process !== undefined)?.key ?? this.#rows[0]?.key;
    this.#paint(before, parents);
    this.#onSelect(this.#row(this.#active));
  }

  #row(key: string | undefined): TreeRow | undefined {
    return key === undefined ? undefined : this.#rows[this.#places.get(key) ?? -1];
  }

  /** @param before the places of rows at the last scene, from which they move @param parents their parents then */
  #paint(before?: ReadonlyMap<string, number>, parents?: ReadonlyMap<string, string | undefined>): void {
    const { scrollTop, clientHeight } = this.#box;
    if (clientHeight === 0) return; // another tab is shown
    const first = Math.max(0, Math.floor(scrollTop / ROW) - BEYOND);
    const last = Math.min(this.#rows.length, Math.ceil((scrollTop + clientHeight) / ROW) + BEYOND);
    const shown = this.#rows.slice(first, last);
    const keys = new Set(shown.map(({ key }) => key));
    for (const [key, { top }] of this.#elements) {
      if (keys.has(key)) continue;
      top.remove();
      this.#elements.delete(key);
    }
    const fresh: [HTMLElement, number][] = [];
    for (const [offset, row] of shown.entries()) {
      const index = first + offset;
      const drawn = this.#elements.get(row.key) ?? this.#make(row.key);
      drawn.draw(row, this.#labels);
      const { top } = drawn;
      top.classList.toggle('active', row.key === this.#active);
      top.setAttribute('aria-selected', String(row.key === this.#active));
      const old = before?.get(row.key);
      if (!top.isConnected) {
        this.#space.append(top);
        if (old !== undefined && old !== index) {
          // it comes from beyond the edge
          top.style.transform = `translateY(${Math.max(first - 2, Math.min(old, last + 2)) * ROW}px)`;
          fresh.push([top, index]);
          continue;
        }
        if (before !== undefined && before.size > 0 && old === undefined) flash(top, 'is-new');
      } else if (parents?.has(row.key) && parents.get(row.key) !== row.parent) flash(top, 'is-moved');
      top.style.transform = `translateY(${index * ROW}px)`;
    }
    if (fresh.length > 0) this.#box.getBoundingClientRect(); // so that they begin where they were
    for (const [top, index] of fresh) {
      flash(top, 'is-moved');
      top.style.transform = `translateY(${index * ROW}px)`;
    }
    const active = this.#active === undefined ? undefined : this.#elements.get(this.#active);
    if (active === undefined) this.#box.removeAttribute('aria-activedescendant');
    else this.#box.setAttribute('aria-activedescendant', active.top.id);
  }

  #make(key: string): RowElement {
    const made = new RowElement(`row-${this.#names++}`);
    made.top.dataset.key = key;
    this.#elements.set(key, made);
    return made;
  }

  #select(key: string | undefined): void {
    const index = key === undefined ? undefined : this.#places.get(key);
    if (index === undefined) return;
    this.#active = key;
    const { scrollTop, clientHeight } = this.#box;
    if (index * ROW < scrollTop) this.#box.scrollTop = index * ROW;
    else if ((index + 1) * ROW > scrollTop + clientHeight)
      this.#box.scrollTop = (index + 1) * ROW - clientHeight;
    this.#paint();
    this.#onSelect(this.#row(key));
  }

  #toggle(key: string, isOpen: boolean): void {
    if (isOpen) this.#closed.delete(key);
    else this.#closed.add(key);
    if (this.#scene !== undefined) this.show(this.#scene, this.#only);
  }

  #onClick({ target }: MouseEvent): void {
    const place = target instanceof Element ? target.closest<HTMLElement>('.row') : null;
    const row = this.#row(place?.dataset.key);
    if (row === undefined || !(target instanceof Element)) return;
    this.#select(row.key);
    if (target.closest('.toggle') && row.hasChildren) this.#toggle(row.key, !row.isOpen);
  }

  #onKey(event: KeyboardEvent): void {
    const row = this.#row(this.#active);
    if (row === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const index = this.#places.get(row.key) ?? 0;
    const page = Math.max(1, Math.floor(this.#box.clientHeight / ROW) - 1);
    const at = (wanted: number) => this.#rows[Math.max(0, Math.min(wanted, this.#rows.length - 1))]?.key;
    const moves: Record<string, () => void> = {
      ArrowDown: () => this.#select(at(index + 1)),
      ArrowUp: () => this.#select(at(index - 1)),
      PageDown: () => this.#select(at(index + page)),
      PageUp: () => this.#select(at(index - page)),
      Home: () => this.#select(at(0)),
      End: () => this.#select(at(this.#rows.length - 1)),
      ArrowRight: () =>
        row.hasChildren && !row.isOpen
          ? this.#toggle(row.key, true)
          : row.hasChildren && this.#select(at(index + 1)),
      ArrowLeft: () =>
        row.hasChildren && row.isOpen ? this.#toggle(row.key, false) : this.#select(row.parent),
      Enter: () => row.hasChildren && this.#toggle(row.key, !row.isOpen),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  }
}

/** Marks a row for a moment: page.css. */
function flash(row: HTMLElement, name: 'is-new' | 'is-moved'): void {
  row.classList.add(name);
  row.addEventListener('animationend', () => row.classList.remove(name), { once: true });
}
