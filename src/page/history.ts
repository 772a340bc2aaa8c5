import { apply, difference, type Patch } from '../view/patch.js';
import { emptyScene, type Scene, type SceneEvent } from '../view/scene.js';

/** Moments that are kept: half an hour with two looks in a second. */
const MOST_STEPS = 3600;
/** Rows that the kept moments have changed, which take memory. */
const MOST_ROWS = 500_000;

interface Step {
  at: number;
  forward: Patch['tables'];
  /** Known once the step was applied. */
  backward: Patch['tables'];
  events: SceneEvent[];
  rows: number;
}

/** What was seen, moment by moment: one of them is shown, and any other that is kept can be. */
export class History {
  readonly scene: Scene = emptyScene();
  readonly #steps: Step[] = [];
  readonly #mostSteps: number;
  #position = 0;
  #rows = 0;

  constructor(mostSteps = MOST_STEPS) {
    this.#mostSteps = mostSteps;
  }

  /** How many moments are kept. */
  get length(): number {
    return this.#steps.length;
  }

  /** The moment that is shown, counted from 1; 0 before there is any. */
  get position(): number {
    return this.#position;
  }

  get isAtEnd(): boolean {
    return this.#position === this.#steps.length;
  }

  /** Milliseconds since 1970 of a moment, of the shown one by default. */
  at(position = this.#position): number | undefined {
    return this.#steps[position - 1]?.at;
  }

  events(position: number): readonly SceneEvent[] {
    return this.#steps[position - 1]?.events ?? [];
  }

  /** The latest events up to the moment that is shown, the newest first. */
  latest(count: number): { event: SceneEvent; position: number }[] {
    const found: { event: SceneEvent; position: number }[] = [];
    for (let position = this.#position; position > 0 && found.length < count; position--) {
      const { events = [] } = this.#steps[position - 1] ?? {};
      for (const event of events.toReversed()) found.push({ event, position });
    }
    return found.slice(0, count);
  }

  /** Adds the next moment, and shows it if the last one was shown. */
  add({ at, tables, events }: Patch): void {
    const isFollowing = this.isAtEnd;
    const rows = Object.values(tables).reduce(
      (sum, { set = [], gone = [] }) => sum + set.length + gone.length,
      1,
    );
    this.#steps.push({ at, forward: tables, backward: {}, events, rows });
    this.#rows += rows;
    if (isFollowing) this.#forward();
    while (this.#steps.length > this.#mostSteps || (this.#rows > MOST_ROWS && this.#steps.length > 2))
      this.#forget();
  }

  /** Takes a whole scene, as after a gap, as the next moment. */
  replace({ at, tables, events }: Patch): void {
    const shown = this.isAtEnd ? undefined : this.#position;
    this.goTo(this.length);
    const fresh = emptyScene();
    apply(fresh, tables);
    const before = this.at() ?? 0;
    this.add({
      at,
      tables: difference(this.scene, fresh),
      events: events.filter((event) => event.at > before),
    });
    if (shown !== undefined) this.goTo(shown);
  }

  /** Shows another moment. */
  goTo(position: number): void {
    const wanted = Math.max(Math.min(position, this.length), Math.min(1, this.length));
    while (this.#position < wanted) this.#forward();
    while (this.#position > wanted) this.#backward();
  }

  /** The nearest moment with events before or after the shown one; undefined if there is none. */
  nextWithEvents(direction: 1 | -1): number | undefined {
    for (let at = this.#position + direction; at > 0 && at <= this.length; at += direction)
      if (this.events(at).length > 0) return at;
    return undefined;
  }

  #forward(): void {
    const step = this.#steps[this.#position];
    if (step === undefined) return;
    step.backward = apply(this.scene, step.forward);
    this.#position++;
  }

  #backward(): void {
    const step = this.#steps[this.#position - 1];
    if (step === undefined) return;
    apply(this.scene, step.backward);
    this.#position--;
  }

  /** The oldest: its changes are part of the scene that all others begin with. */
  #forget(): void {
    if (this.#position < 2) this.goTo(2);
    this.#rows -= this.#steps.shift()?.rows ?? 0;
    this.#position--;
  }
}
