import type { EventType } from '../view/scene.js';
import { part, setText } from './dom.js';
import { timeText } from './format.js';
import type { History } from './history.js';
import type { Labels } from './labels.js';
import { eventSentence } from './words.js';

/** Later ones are drawn over earlier ones. */
const KINDS: readonly EventType[] = [
  'start',
  'exec',
  'exit',
  'continue',
  'stop',
  'up',
  'down',
  'reap',
  'zombie',
  'adopt',
  'oom',
];

/** The strip of moments at the bottom: events as marks, and a slider that shows any moment that is kept. */
export class TimeLine {
  readonly #slider = part<HTMLInputElement>('slider');
  readonly #canvas = part<HTMLCanvasElement>('marks');
  readonly #clock = part('clock');
  readonly #back = part<HTMLButtonElement>('back');
  readonly #play = part<HTMLButtonElement>('play');
  readonly #labels: Labels;
  #history: History | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param goTo shows a moment */
  constructor(labels: Labels, isRecorded: boolean, goTo: (position: number) => void) {
    this.#labels = labels;
    const jump = (direction: 1 | -1) => {
      const position = this.#history?.nextWithEvents(direction);
      if (position !== undefined) goTo(position);
    };
    this.#slider.addEventListener('input', () => {
      this.#stop();
      goTo(Number(this.#slider.value));
    });
    part('previous').addEventListener('click', () => jump(-1));
    part('next').addEventListener('click', () => jump(1));
    this.#back.addEventListener('click', () => goTo(this.#history?.length ?? 0));
    this.#back.hidden = isRecorded;
    this.#play.addEventListener('click', () => {
      if (this.#timer !== undefined) return this.#stop();
      if (this.#history?.isAtEnd) goTo(1);
      setText(this.#play, labels.pause);
      this.#timer = setInterval(() => {
        const history = this.#history;
        if (history === undefined || history.isAtEnd) return this.#stop();
        goTo(history.position + 1);
      }, 250);
    });
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  show(history: History): void {
    this.#history = history;
    const { length, position } = history;
    this.#slider.max = String(length);
    this.#slider.value = String(position);
    const at = history.at();
    const text = at === undefined ? '' : timeText(at);
    const [first] = history.events(position);
    setText(this.#clock, text);
    this.#slider.setAttribute(
      'aria-valuetext',
      first === undefined ? text : `${text}, ${eventSentence(first, this.#labels)}`,
    );
    this.#back.disabled = history.isAtEnd;
    this.#draw();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    setText(this.#play, this.#labels.play);
  }

  #draw(): void {
    const history = this.#history;
    const context = this.#canvas.getContext('2d');
    if (history === undefined || context === null) return;
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = clientWidth * devicePixelRatio;
    this.#canvas.height = clientHeight * devicePixelRatio;
    context.scale(devicePixelRatio, devicePixelRatio);
    const style = getComputedStyle(this.#canvas);
    // the middle of the slider's knob, which is 16 wide, is where the moment is
    const x = (position: number) =>
      8 + ((position - 1) / Math.max(1, history.length - 1)) * (clientWidth - 16);
    for (const [row, kind] of KINDS.entries()) {
      context.fillStyle = style.getPropertyValue(`--event-${kind}`) || style.color;
      const y = 2 + (row / KINDS.length) * (clientHeight - 6);
      for (let position = 1; position <= history.length; position++)
        if (history.events(position).some(({ type }) => type === kind))
          context.fillRect(Math.round(x(position)) - 1, y, 2.5, 5);
    }
    context.fillStyle = style.color;
    context.fillRect(Math.round(x(history.position)), 0, 1, clientHeight);
  }
}
