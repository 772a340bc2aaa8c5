import type { Look } from '../../engine/watch.js';
import { visible } from '../../spec/parse/flag.js';
import { parseSignal } from '../../spec/parse/signals.js';
import { FosterError } from '../../sys/errors.js';
import { penFor } from '../container/draw-process-tree.js';
import { CALLER } from '../surroundings.js';
import { detailLine, detailLines } from './details.js';
import { named } from './event-text.js';
import { frame, pageHeight } from './frame.js';
import { HELP } from './help.js';
import { keysIn } from './keys.js';
import { line } from './line.js';
import type { Row } from './rows.js';
import { outputOf, runOnTerminal } from './run-foster.js';
import { Screen } from './screen.js';
import { emptyView, pressKey, selectedRow, showSnapshot, type View, type Wish } from './view.js';

export interface WatchOptions {
  /** Names or ids; undefined for all. */
  containers: readonly string[] | undefined;
  /** Milliseconds. */
  interval: number;
  hasColour: boolean;
}

/** `foster watch` on a terminal, until the user quits. @throws FosterError if a container does not exist */
export async function watchOnTerminal(options: WatchOptions): Promise<void> {
  await new App(options).run();
}

class App {
  readonly #options: WatchOptions;
  readonly #screen: Screen;
  readonly #view: View = emptyView();
  readonly #pen = penFor(process.env);
  /** Ends the wait for the next look. */
  #wake = () => {};
  #isOver = false;
  #failure: unknown;
  /** What was seen while the view was paused. */
  #held: Look | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#screen = new Screen(options.hasColour);
  }

  async run(): Promise<void> {
    const { containers, interval } = this.#options;
    const { watch } = await import('../../engine/watch.js');
    const looks = watch({ containers, interval, pause: (milliseconds) => this.#pause(milliseconds) });
    const first = await looks.next(); // before the screen changes: a container may not exist
    const stopListening = CALLER.onInterrupt(() => this.#screen.leave());
    const redraw = () => this.#guarded(() => this.#draw(true));
    const takeKeys = (bytes: Buffer) => this.#guarded(() => this.#press(bytes.toString('utf8')));
    process.stdin.on('data', takeKeys);
    process.stdout.on('resize', redraw);
    try {
      this.#screen.enter();
      for (let look = first; !look.done && !this.#isOver; look = await looks.next())
        await this.#show(look.value);
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.#screen.leave();
      process.stdin.off('data', takeKeys);
      process.stdout.off('resize', redraw);
      stopListening();
    }
  }

  /** Runs what an event of Node's calls: if it fails, `run` does. */
  #guarded(action: () => void | Promise<void>): void {
    void (async () => action())().catch((error: unknown) => {
      this.#failure ??= error;
      this.#quit();
    });
  }

  #quit(): void {
    this.#isOver = true;
    this.#wake();
  }

  #pause(milliseconds: number): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((done) => {
      const timer = setTimeout(done, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  async #show(look: Look): Promise<void> {
    if (this.#view.isPaused) {
      this.#held = { snapshot: look.snapshot, events: [...(this.#held?.events ?? []), ...look.events] };
      return;
    }
    showSnapshot(this.#view, look.snapshot, look.events);
    await this.#describeSelected();
    this.#draw();
  }

  async #describeSelected(): Promise<void> {
    const row = selectedRow(this.#view);
    this.#view.detail = row && (await detailLine(row));
  }

  #draw(isWhole = false): void {
    this.#screen.draw(frame(this.#view, this.#screen.size, this.#pen), isWhole);
  }

  async #press(text: string): Promise<void> {
    for (const key of keysIn(text)) {
      const wish = pressKey(this.#view, key, pageHeight(this.#screen.size));
      if (wish !== undefined) await this.#fulfil(wish);
      if (this.#isOver) return;
    }
    if (!this.#view.isPaused && this.#held !== undefined) {
      const { snapshot, events } = this.#held;
      this.#held = undefined;
      showSnapshot(this.#view, snapshot, events);
    }
    await this.#describeSelected();
    this.#draw();
  }

  async #fulfil(wish: Wish): Promise<void> {
    switch (wish.kind) {
      case 'quit':
        return this.#quit();
      case 'redraw':
        return this.#draw(true);
      case 'suspend':
        return this.#suspend();
      case 'help':
        return this.#showText('foster watch', HELP);
      case 'details':
        return this.#showText(`details of ${titleOf(wish.row)}`, await detailLines(wish.row));
      case 'logs':
        return await this.#showOutput('logs', wish.row, ['logs', '--tail', '1000', wish.row.container.id]);
      case 'explain':
        return await this.#showOutput('explain', wish.row, [
          'explain',
          '--type',
          'container',
          wish.row.container.id,
        ]);
      case 'signal':
        return await this.#signal(wish.row, wish.signal);
      case 'shell':
        return await this.#shell(wish.row);
    }
  }

  #showText(title: string, lines: readonly string[]): void {
    this.#view.layer = { kind: 'text', title, lines: lines.map((each) => line(each)), top: 0 };
  }

  async #showOutput(what: string, { container }: Row, args: readonly string[]): Promise<void> {
    this.#view.message = `foster ${what} ${container.name} ...`;
    this.#draw();
    const { text } = await outputOf(args);
    this.#view.message = undefined;
    // what terminals do with tabs and ends of lines; other control characters are shown escaped
    const lines = text.trimEnd().replaceAll('\t', '        ').split(/\r?\n/);
    this.#showText(`${what} of ${container.name}`, text === '' ? ['nothing'] : lines);
  }

  async #signal(row: Row, signal: string): Promise<void> {
    const number = parseSignal('--signal', signal);
    try {
      const isSent =
        row.process === undefined ? await killContainer(row, signal) : await signalOne(row, number);
      this.#view.message = isSent ? `SIG${signal} sent to ${titleOf(row)}` : `${titleOf(row)} is gone`;
    } catch (error) {
      if (!(error instanceof FosterError)) throw error;
      this.#view.message = error.sentence;
    }
    this.#wake();
  }

  async #shell({ container }: Row): Promise<void> {
    this.#screen.leave();
    const { error } = await runOnTerminal(['exec', '-it', container.id, 'sh']);
    this.#screen.enter();
    this.#view.message = error.trim() === '' ? undefined : visible(error.trim().split('\n').at(-1) ?? '');
  }

  /** As other programs at Ctrl-Z: the shell gets its terminal, and `fg` goes on. */
  #suspend(): void {
    this.#screen.leave();
    process.once('SIGCONT', () =>
      this.#guarded(() => {
        this.#screen.enter();
        this.#draw(true);
      }),
    );
    process.kill(process.pid, 'SIGTSTP');
  }
}

function titleOf({ container, process }: Row): string {
  return process === undefined ? container.name : named(process);
}

async function killContainer({ container }: Row, signal: string): Promise<true> {
  const { kill } = await import('../../engine/containers.js');
  await kill(container.id, signal);
  return true;
}

async function signalOne({ process }: Row, signal: number): Promise<boolean> {
  const { signalProcess } = await import('../../engine/watch.js');
  return process !== undefined && (await signalProcess(process.hostPid, process.start, signal));
}
