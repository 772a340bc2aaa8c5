import { drawBoxes } from './boxes.js';
import { drawDetails } from './details.js';
import { element, part, setText } from './dom.js';
import { EventList } from './events.js';
import { History } from './history.js';
import { type Labels, labelsFor } from './labels.js';
import { drawLayers } from './layers.js';
import { drawNetworks } from './networks.js';
import { PlanView } from './plan.js';
import { findSource, type Source } from './source.js';
import { Tabs } from './tabs.js';
import { TimeLine } from './timeline.js';
import { Tree } from './tree.js';

/** The page of `foster view`, live or recorded. */
class Page {
  readonly #labels: Labels;
  readonly #history: History;
  readonly #tree: Tree;
  readonly #plan: PlanView;
  readonly #events: EventList;
  readonly #timeLine: TimeLine;
  readonly #tabs: Tabs;
  readonly #chooser = part<HTMLSelectElement>('container');
  #isLost = false;
  #isScheduled = false;

  constructor(source: Source, labels: Labels) {
    this.#labels = labels;
    const isRecorded = source.kind === 'recorded';
    this.#history = new History(isRecorded ? Number.POSITIVE_INFINITY : undefined);
    const goTo = (position: number) => {
      this.#history.goTo(position);
      this.#schedule();
    };
    this.#tree = new Tree(part('tree'), labels, (row) =>
      drawDetails(part('details'), row, this.#history.scene, labels),
    );
    this.#plan = new PlanView(part('plan-list'), part('unfold'), labels);
    this.#events = new EventList(part('event-list'), labels, goTo);
    this.#timeLine = new TimeLine(labels, isRecorded, goTo);
    this.#tabs = new Tabs(part('tabs'), () => this.#schedule());
    this.#chooser.addEventListener('change', () => this.#schedule());
    if (source.kind === 'recorded') for (const patch of source.patches) this.#history.add(patch);
    else
      source.listen({
        onScene: (patch) => {
          this.#isLost = false;
          if (this.#history.length === 0) this.#history.add(patch);
          else this.#history.replace(patch);
          this.#schedule();
        },
        onPatch: (patch) => {
          this.#isLost = false;
          this.#history.add(patch);
          this.#schedule();
        },
        onLost: () => {
          this.#isLost = true;
          this.#schedule();
        },
      });
    if (isRecorded) {
      document.body.classList.add('recorded');
      this.#history.goTo(1); // it is there to be played
    }
    this.#schedule();
  }

  /** Draws with the next frame, however much has changed until then. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { scene } = this.#history;
    this.#drawChooser();
    const only = this.#chooser.value === '' ? undefined : this.#chooser.value;
    const draw: Record<string, () => void> = {
      processes: () => this.#tree.show(scene, only),
      namespaces: () => drawBoxes(part('boxes'), scene, only, this.#labels),
      layers: () => drawLayers(part('stacks'), scene, only, this.#labels),
      networks: () => drawNetworks(part('network-map'), scene, only, this.#labels),
      plan: () => this.#plan.show(scene, only),
    };
    draw[this.#tabs.current]?.();
    part('nothing').hidden = scene.containers.size > 0;
    this.#events.show(this.#history, only === undefined ? undefined : scene.containers.get(only)?.name);
    this.#timeLine.show(this.#history);
    this.#drawStatus();
  }

  #drawChooser(): void {
    const { containers } = this.#history.scene;
    const wanted = [['', this.#labels.all], ...[...containers].map(([id, { name }]) => [id, name])];
    const has = [...this.#chooser.options].map(({ value, text }) => [value, text]);
    if (JSON.stringify(wanted) === JSON.stringify(has)) return;
    const { value } = this.#chooser;
    this.#chooser.replaceChildren(...wanted.map(([id, name]) => element('option', { value: id }, name)));
    this.#chooser.value = containers.has(value) ? value : '';
  }

  #drawStatus(): void {
    const status = part('status');
    const isPast = !this.#history.isAtEnd;
    const state = document.body.classList.contains('recorded')
      ? 'isRecorded'
      : this.#isLost
        ? 'isLost'
        : this.#history.length === 0
          ? 'connecting'
          : isPast
            ? 'isPast'
            : 'isLive';
    status.dataset.state = state;
    setText(status, this.#labels[state]);
  }
}

/** Puts the words of the page into page.html, which has their names. */
function translate(labels: Labels): void {
  const texts = labels as unknown as Record<string, unknown>;
  for (const node of document.querySelectorAll<HTMLElement>('[data-label]')) {
    const text = texts[node.dataset.label ?? ''];
    if (typeof text === 'string') setText(node, text);
  }
  for (const node of document.querySelectorAll<HTMLElement>('[data-name]')) {
    const text = texts[node.dataset.name ?? ''];
    if (typeof text === 'string') node.setAttribute('aria-label', text);
  }
}

function start(): void {
  if (location.search !== '') history.replaceState(null, '', '/'); // the token was used
  const labels = labelsFor(navigator.language);
  document.documentElement.lang = navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
  translate(labels);
  new Page(findSource(), labels);
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();
