import type { ContainerRow, ProcessRow } from '../view/scene.js';
import { element, plain, setText } from './dom.js';
import { percentText, sizeText } from './format.js';
import type { Labels } from './labels.js';
import type { TreeRow } from './tree-layout.js';
import { rowName, stateWord } from './words.js';

/** A row of the tree that is on the screen. */
export class RowElement {
  readonly top: HTMLElement;
  readonly #cells: Record<
    'lines' | 'toggle' | 'dot' | 'name' | 'notes' | 'state' | 'inside' | 'outside' | 'cpu' | 'memory',
    HTMLElement
  >;
  #drawn: ContainerRow | ProcessRow | undefined;
  #shape = '';

  constructor(id: string) {
    const cell = (name: string) => element('span', { class: name });
    this.#cells = {
      lines: cell('lines'),
      toggle: cell('toggle'),
      dot: cell('dot'),
      name: cell('name'),
      notes: cell('notes'),
      state: cell('state'),
      inside: cell('inside number'),
      outside: cell('outside number'),
      cpu: cell('cpu number'),
      memory: cell('memory number'),
    };
    const { lines, toggle, dot, name, notes, state, inside, outside, cpu, memory } = this.#cells;
    const first = element('span', { class: 'first' }, lines, toggle, dot, name, notes);
    // the row has a name of its own, which says all of this
    for (const each of [first, state, inside, outside, cpu, memory]) each.setAttribute('aria-hidden', 'true');
    this.top = element(
      'div',
      { role: 'treeitem', id, class: 'row' },
      first,
      state,
      inside,
      outside,
      cpu,
      memory,
    );
  }

  draw(row: TreeRow, labels: Labels): void {
    this.#drawShape(row);
    const drawn = row.process ?? row.container;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    if (row.process !== undefined) this.#drawProcess(row.process, labels);
    else if (row.container !== undefined) this.#drawContainer(row.container, labels);
  }

  #drawShape({ level, lines, isLast, place, siblings, hasChildren, isOpen, process }: TreeRow): void {
    const shape = [level, lines.map(Number).join(''), isLast, place, siblings, hasChildren, isOpen].join();
    if (shape === this.#shape) return;
    this.#shape = shape;
    const { top } = this;
    top.setAttribute('aria-level', String(level));
    top.setAttribute('aria-posinset', String(place));
    top.setAttribute('aria-setsize', String(siblings));
    if (hasChildren) top.setAttribute('aria-expanded', String(isOpen));
    else top.removeAttribute('aria-expanded');
    top.classList.toggle('of-container', process === undefined);
    const parts = lines.map((goesOn) => element('i', { class: goesOn ? 'line' : '' }));
    if (level > 2) parts.splice(-1, 1, element('i', { class: isLast ? 'corner' : 'branch' }));
    this.#cells.lines.replaceChildren(...(level > 2 ? parts : []));
    setText(this.#cells.toggle, hasChildren ? (isOpen ? '▾' : '▸') : '');
  }

  #drawProcess(process: ProcessRow, labels: Labels): void {
    const { dot, name, notes, state, inside, outside, cpu, memory } = this.#cells;
    this.top.setAttribute('aria-label', rowName(process, labels));
    this.top.dataset.state = process.state;
    dot.className = 'dot';
    setText(name, plain(process.state === 'Z' ? process.name : process.command));
    name.title = plain(process.command);
    const words = [
      ...(process.isAdopted ? [element('b', { class: 'note adopted' }, labels.adopted)] : []),
      ...(process.isExec ? [element('b', { class: 'note exec' }, labels.exec)] : []),
    ];
    notes.replaceChildren(...words);
    setText(state, stateWord(process, labels));
    setText(inside, String(process.pid ?? '–'));
    setText(outside, String(process.hostPid));
    setText(cpu, percentText(process.cpu));
    setText(memory, process.memory === 0 ? '' : sizeText(process.memory));
  }

  #drawContainer(container: ContainerRow, labels: Labels): void {
    const { dot, name, notes, state, cpu, memory } = this.#cells;
    this.top.setAttribute('aria-label', `${labels.container} ${container.name}, ${container.status}`);
    dot.className = '';
    setText(name, container.name);
    notes.replaceChildren(element('span', { class: 'image' }, plain(container.image)));
    setText(state, container.status);
    setText(cpu, container.hostPid === 0 ? '' : percentText(container.cpu));
    setText(memory, container.memory === 0 ? '' : sizeText(container.memory));
  }
}
