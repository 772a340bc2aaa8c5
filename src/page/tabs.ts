/** Tabs: https://www.w3.org/WAI/ARIA/apg/patterns/tabs. Arrow keys choose the next one. */
export class Tabs {
  readonly #tabs: HTMLButtonElement[];
  readonly #onChange: () => void;

  constructor(list: HTMLElement, onChange: () => void) {
    this.#tabs = [...list.querySelectorAll<HTMLButtonElement>('[role=tab]')];
    this.#onChange = onChange;
    list.addEventListener('click', ({ target }) => {
      const tab = this.#tabs.find((each) => each === target);
      if (tab !== undefined) this.#choose(tab);
    });
    list.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const index = this.#tabs.indexOf(document.activeElement as HTMLButtonElement);
      if (step === undefined || index < 0) return;
      const next = this.#tabs[(index + step + this.#tabs.length) % this.#tabs.length];
      next?.focus();
      if (next !== undefined) this.#choose(next);
    });
  }

  /** The id of the panel that is shown. */
  get current(): string {
    return (
      this.#tabs.find((tab) => tab.getAttribute('aria-selected') === 'true')?.getAttribute('aria-controls') ??
      ''
    );
  }

  #choose(chosen: HTMLButtonElement): void {
    for (const tab of this.#tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute('aria-controls') ?? '');
      if (panel !== null) panel.hidden = !isChosen;
    }
    this.#onChange();
  }
}
