import type { PlanRow, Scene } from '../view/scene.js';
import { element, plain } from './dom.js';
import type { Labels } from './labels.js';

/** The plans of containers as lists of reasons, each of which unfolds to its system calls. */
export class PlanView {
  readonly #target: HTMLElement;
  readonly #labels: Labels;
  /** What is drawn: a plan does not change while its container runs. */
  #drawn: PlanRow[] = [];

  constructor(target: HTMLElement, button: HTMLButtonElement, labels: Labels) {
    this.#target = target;
    this.#labels = labels;
    button.addEventListener('click', () => {
      const all = [...target.querySelectorAll('details')];
      const opens = all.some(({ open }) => !open);
      for (const each of all) each.open = opens;
      button.textContent = opens ? labels.fold : labels.unfold;
    });
  }

  show({ plans, containers }: Scene, only: string | undefined): void {
    const shown = [...plans].filter(([id]) => only === undefined || id === only);
    const rows = shown.map(([, plan]) => plan);
    if (
      rows.length > 0 &&
      rows.length === this.#drawn.length &&
      rows.every((row, at) => row === this.#drawn[at])
    )
      return;
    this.#drawn = rows;
    if (rows.length === 0) {
      this.#target.replaceChildren(element('p', { class: 'help' }, this.#labels.noPlan));
      return;
    }
    this.#target.replaceChildren(
      ...shown.map(([id, plan]) => drawPlan(containers.get(id)?.name ?? id.slice(0, 12), plan)),
    );
  }
}

function drawPlan(name: string, { phases }: PlanRow): HTMLElement {
  return element(
    'section',
    { class: 'plan', 'aria-label': name },
    element('h3', {}, name),
    ...phases.flatMap(({ title, steps }) => [
      element('h4', {}, plain(title)),
      element('ol', { class: 'steps' }, ...steps.map(drawStep)),
    ]),
  );
}

function drawStep({ number, why, calls }: PlanRow['phases'][number]['steps'][number]): HTMLElement {
  return element(
    'li',
    { value: number },
    element(
      'details',
      {},
      element('summary', {}, element('span', { class: 'step-number' }, String(number)), ` ${plain(why)}`),
      element(
        'ul',
        { class: 'calls' },
        ...calls.map((call) => element('li', {}, element('code', {}, plain(call)))),
      ),
    ),
  );
}
