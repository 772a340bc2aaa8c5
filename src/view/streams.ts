import type { ServerResponse } from 'node:http';
import { difference, type Patch } from './patch.js';
import { emptyScene, type Scene, type SceneEvent } from './scene.js';

/** Pages that are open at the same time. */
const MOST_PAGES = 16;
/** Bytes that wait for a page that does not read: one that is suspended. It comes again, and gets everything anew. */
const MOST_WAITING = 8 * 1024 * 1024;
/** Events from before that a page gets when it comes. */
const MOST_EVENTS = 500;

/** The pages that are open: streams of server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html. */
export class Streams {
  readonly #open = new Set<ServerResponse>();
  #events: SceneEvent[] = [];
  #wake: (() => void)[] = [];

  get size(): number {
    return this.#open.size;
  }

  /** @returns false if there are too many */
  add(response: ServerResponse, at: number, scene: Scene): boolean {
    if (this.#open.size >= MOST_PAGES) return false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('retry: 1000\n\n');
    // of a page that comes before the first look, the scene is empty
    if (at > 0)
      send(response, 'scene', { at, tables: difference(emptyScene(), scene), events: this.#events });
    this.#open.add(response);
    response.on('close', () => this.#open.delete(response));
    for (const wake of this.#wake.splice(0)) wake();
    return true;
  }

  /** Settles when somebody looks. */
  async wanted(): Promise<void> {
    if (this.#open.size === 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  send(patch: Patch): void {
    this.#events = [...this.#events, ...patch.events].slice(-MOST_EVENTS);
    for (const response of this.#open) {
      send(response, 'patch', patch);
      if (response.writableLength > MOST_WAITING) response.destroy();
    }
  }
}

function send(response: ServerResponse, event: 'scene' | 'patch', data: Patch): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
