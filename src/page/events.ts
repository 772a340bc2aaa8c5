import { element, update } from './dom.js';
import { timeText } from './format.js';
import type { History } from './history.js';
import type { Labels } from './labels.js';
import { eventSentence } from './words.js';

/** Events that are listed: the latest up to the moment that is shown. */
const MOST_LISTED = 100;

/** What has happened, the latest first: a click shows the moment. */
export class EventList {
  readonly #list: HTMLElement;
  readonly #labels: Labels;
  #drawn = '';

  constructor(list: HTMLElement, labels: Labels, onChoose: (position: number) => void) {
    this.#list = list;
    this.#labels = labels;
    list.addEventListener('click', ({ target }) => {
      const button = target instanceof Element ? target.closest('button') : null;
      if (button !== null) onChoose(Number(button.value));
    });
  }

  /** @param only the name of a container, for its events only */
  show(history: History, only: string | undefined): void {
    const found = history
      .latest(only === undefined ? MOST_LISTED : MOST_LISTED * 5)
      .filter(({ event }) => only === undefined || event.container === only)
      .slice(0, MOST_LISTED);
    const key = `${found[0]?.position} ${found.length} ${history.at(1)} ${only}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    if (found.length === 0) {
      update(this.#list, element('li', { class: 'help' }, this.#labels.noEvents));
      return;
    }
    update(
      this.#list,
      ...found.map(({ event, position }) =>
        element(
          'li',
          {},
          element(
            'button',
            { type: 'button', value: position },
            element('time', {}, timeText(event.at)),
            element('b', { class: `event-${event.type}` }, this.#labels.event[event.type] ?? event.type),
            element('span', { class: 'sentence' }, eventSentence(event, this.#labels)),
            element('small', {}, event.container),
          ),
        ),
      ),
    );
  }
}
