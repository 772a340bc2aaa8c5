import { closeSync, constants, openSync, read, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { call } from '../sys/ffi.js';
import { shareHeap } from '../sys/little-memory.js';
import { receiveMessage } from '../sys/messages.js';
import type { Fill } from '../tar/inflate/ahead.js';
import type { InflateEngine } from '../tar/inflate/engine.js';
import { findInflateEngine } from '../tar/inflate/probe.js';
import type { Failure } from '../worker/protocol.js';
import { failureOf, runWorker } from '../worker/run-worker.js';
import { enterDirectory } from '../worker/view.js';
import { unpackArchive } from './unpack-archive.js';
import type { ArchiveOrder, UnpackAnswer, UnpackCommand, UnpackOrder } from './unpack-protocol.js';

/**
 * The unpacker: runs in a user namespace with the container's id maps, so that it can give files to any of those ids, and
 * makes the folder of the trees its root directory, so that nothing outside has a path. While it writes to a tree, that is its root
 * directory, so that no archive reaches the tree of another.
 */
const COMMANDS = 0;
const ANSWERS = 1;

type Growth = 'more' | 'end' | 'failed';

class Unpacker {
  readonly #order: UnpackOrder;
  readonly #engine: InflateEngine | undefined;
  readonly #top: number;
  /** Descriptor of the current root directory. */
  #root: number;
  /** Called with the answer to `readTo`. */
  readonly #waiting = new Map<number, (growth: Growth) => void>();
  readonly #running = new Set<Promise<void>>();

  constructor(order: UnpackOrder, engine: InflateEngine | undefined) {
    this.#order = order;
    this.#engine = engine;
    enterDirectory(order.folder);
    this.#top = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY);
    this.#root = this.#top;
  }

  /** Does what it is told until the other end closes. */
  async serve(): Promise<void> {
    for (let message = await receiveMessage(COMMANDS); message; message = await receiveMessage(COMMANDS)) {
      const command = JSON.parse(message.text) as UnpackCommand;
      if ('growth' in command) this.#waiting.get(command.id)?.(command.growth);
      else if (message.descriptor !== undefined) this.#begin(command.id, command.archive, message.descriptor);
    }
    for (const tell of this.#waiting.values()) tell('failed');
    await Promise.all(this.#running);
  }

  #begin(id: number, order: ArchiveOrder, file: number): void {
    const running = this.#unpack(id, order, file)
      .catch((error) => failureOf(error, 'the unpacker', explain(error)))
      .then((report) => {
        answer({ id, report });
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  async #unpack(id: number, order: ArchiveOrder, file: number) {
    const tree = this.#openTree(order.tree);
    try {
      return await unpackArchive({
        order,
        hasOneOwner: this.#order.hasOneOwner,
        engine: this.#engine,
        read: this.#reader(id, file, order.isGrowing),
        close: () => closeSync(file),
        tree,
        inTree: (work) => {
          this.#enter(tree);
          return work();
        },
      });
    } finally {
      this.#enter(this.#top);
      closeSync(tree);
    }
  }

  #openTree(path: string): number {
    this.#enter(this.#top);
    return openSync(join('/', path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  }

  #enter(directory: number): void {
    if (directory === this.#root) return;
    call('int fchdir(int fd)', directory);
    call('int chroot(const char *path)', '.');
    this.#root = directory;
  }

  #reader(id: number, file: number, isGrowing: boolean): Fill {
    const readFile = promisify(read);
    let readTo = 0;
    return async (buffer) => {
      for (;;) {
        const { bytesRead } = await readFile(file, buffer, 0, buffer.length, null);
        readTo += bytesRead;
        if (bytesRead > 0) return bytesRead;
        const growth = isGrowing ? await this.#growth(id, readTo) : 'end';
        if (growth === 'failed') throw new FosterError('it was given up');
        if (growth === 'end') return 0;
      }
    };
  }

  async #growth(id: number, readTo: number): Promise<Growth> {
    const told = new Promise<Growth>((done) => this.#waiting.set(id, done));
    answer({ id, readTo });
    try {
      return await told;
    } finally {
      this.#waiting.delete(id);
    }
  }
}

function answer(message: UnpackAnswer): void {
  writeSync(ANSWERS, `${JSON.stringify(message)}\n`);
}

function explain(error: unknown): Failure | undefined {
  const code = errnoOf(error) ?? '';
  if (code === 'Z_BUF_ERROR') return { error: 'the compressed file is truncated' };
  if (code.startsWith('Z_') || code.startsWith('ERR_ZSTD') || code.startsWith('ZSTD_'))
    return { error: 'the compressed file is corrupt' };
  return undefined;
}

runWorker({
  open: async (order: UnpackOrder) => {
    shareHeap();
    return { order, engine: await findInflateEngine() };
  },
  work: async ({ order, engine }) => await new Unpacker(order, engine).serve(),
});
