import { processDetails } from '../watch/details.js';
import { processKey } from '../watch/events.js';
import type { WatchedProcess } from '../watch/model.js';
import type { NamespaceRow } from './scene.js';

/** Reading those of a process takes nine system calls: of thousands of new processes, not all are read in one look. */
const MOST_READS = 200;

/** The namespaces of processes, which are read once for each program that a process executes. */
export class NamespaceMemory {
  #known = new Map<string, { name: string; key: string | undefined }>();
  readonly #rows = new Map<string, NamespaceRow>();

  /** @returns for each process, by its key, a key of `rows`; a process may be missing until a later look */
  look(processes: readonly WatchedProcess[]): ReadonlyMap<string, string> {
    const known = new Map<string, { name: string; key: string | undefined }>();
    const found = new Map<string, string>();
    let reads = 0;
    for (const process of processes) {
      const id = processKey(process);
      let entry = this.#known.get(id);
      // a zombie has only some of them left, so it keeps those that were read before
      const isKnown = entry?.name === process.name || process.state === 'Z';
      if (!isKnown && reads < MOST_READS) {
        reads++;
        entry = { name: process.name, key: this.#read(process) };
      }
      if (entry === undefined) continue;
      known.set(id, entry);
      if (entry.key !== undefined) found.set(id, entry.key);
    }
    this.#known = known;
    return found;
  }

  /** The namespaces behind keys. */
  rows(keys: Iterable<string>): [string, NamespaceRow][] {
    const wanted = new Set(keys);
    for (const key of this.#rows.keys()) if (!wanted.has(key)) this.#rows.delete(key);
    return [...this.#rows];
  }

  #read({ hostPid, start }: WatchedProcess): string | undefined {
    const row = processDetails(hostPid, start)?.namespaces;
    if (row === undefined || Object.keys(row).length === 0) return undefined;
    const key = Object.values(row).join(' ');
    this.#rows.set(key, row);
    return key;
  }
}
