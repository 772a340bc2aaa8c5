import type { NamedContext } from '../options.js';
import { ContextFiles } from './context.js';

/** The directories of --build-context by their names, opened when they are used. */
export class NamedContexts {
  readonly #contexts: ReadonlyMap<string, NamedContext>;
  readonly #open = new Map<string, ContextFiles>();

  constructor(contexts: ReadonlyMap<string, NamedContext>) {
    this.#contexts = contexts;
  }

  /** The image that a name stands for, the directory, or undefined. */
  find(name: string): { image: string } | { files: ContextFiles } | undefined {
    const context = this.#contexts.get(name);
    if (context === undefined || 'image' in context) return context;
    const files = this.#open.get(name) ?? new ContextFiles({ folder: context.folder, name: 'Dockerfile' });
    this.#open.set(name, files);
    return { files };
  }

  close(): void {
    for (const files of this.#open.values()) files.close();
  }
}
