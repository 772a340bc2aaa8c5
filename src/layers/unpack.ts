import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasOneOwner, type IdMaps } from '../spec/id-maps.js';
import type { FosterError } from '../sys/errors.js';
import { errnoOfAny } from '../sys/ffi.js';
import { pipe, setPipeSize, socketPair } from '../sys/libc.js';
import { sendMessage } from '../sys/messages.js';
import type { Compression } from '../tar/compression.js';
import type { Failure } from '../worker/protocol.js';
import { type RunningWorker, startWorker } from '../worker/start-worker.js';
import type {
  ArchiveOrder,
  UnpackAnswer,
  UnpackCommand,
  UnpackOrder,
  UnpackReport,
} from './unpack-protocol.js';
import { afterZstd, needsZstdProgram, startZstd, type ZstdProgram } from './zstd-program.js';

export interface UnpackOptions {
  /** Limit for the size of the uncompressed archive, in bytes. No limit by default. */
  maxUnpackedSize?: number;
  /** Whether it is a layer of an image, not a complete root filesystem. */
  isLayer?: boolean;
  /** Whether files that are in the directory already stay, unless the archive has one of that name. */
  merges?: boolean;
}

/** A file that is being written while it is unpacked. */
export interface Growth {
  /** Resolves to true when it has more bytes than these, to false if that is all. Rejects if it is useless. */
  isLongerThan(size: number): Promise<boolean>;
}

/** Its objects are small and short-lived: in 1 MiB they are collected just as well as in 16, the default. */
const SMALL_HEAP = '--max-semi-space-size=1';

/** How long bytes that arrive are collected before the unpacker is told: a message for each packet costs more. */
const GROWTH_MS = 5;

/** An archive that is being unpacked. */
interface PendingArchive {
  growth: Growth | undefined;
  finish(report: UnpackReport): void;
}

/**
 * A process that unpacks archives, several at a time, in a user namespace with the container's id maps (unpack-main.ts). It
 * starts working after about 50 ms.
 */
export class Unpacker {
  readonly #worker: RunningWorker<void>;
  readonly #commands: number;
  readonly #pending = new Map<number, PendingArchive>();
  #count = 0;
  #isOpen = true;
  #failure: Failure | undefined;
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<void>;

  /**
   * @param folder the folder with the trees to fill; it has no access to anything else
   * @param maps id maps of the container, whose ids own the files
   * @throws FosterError if no user namespace can be created
   */
  constructor(folder: string, maps: IdMaps) {
    const order: UnpackOrder = { folder, hasOneOwner: hasOneOwner(maps) };
    const [ours, theirs] = socketPair();
    const answers = pipe();
    try {
      this.#worker = startWorker({
        program: 'unpack-main',
        name: 'foster-unpack',
        title: 'the unpacker',
        order,
        flags: [SMALL_HEAP],
        maps,
        input: theirs,
        output: answers[1],
      });
    } catch (error) {
      closeSync(ours);
      closeSync(answers[0]);
      throw error;
    } finally {
      closeSync(theirs);
      closeSync(answers[1]);
    }
    this.#commands = ours;
    this.ended = this.#listen(answers[0]);
  }

  /**
   * Unpacks an archive.
   * @param tree path of the directory to fill, in the folder
   * @param file descriptor of the archive; it may be closed when this returns
   * @param growth for a regular file that is being written
   * @returns resolves when the tree is finished or the unpacker has failed; never rejects
   */
  unpack(
    tree: string,
    compression: Compression,
    file: number,
    options: UnpackOptions,
    growth?: Growth,
  ): Promise<UnpackReport> {
    const { maxUnpackedSize, isLayer = false, merges = false } = options;
    const order: ArchiveOrder = {
      tree,
      compression,
      maxSize: maxUnpackedSize ?? Number.MAX_SAFE_INTEGER,
      isLayer,
      ...(merges && { merges }),
      isGrowing: growth !== undefined,
    };
    const id = this.#count++;
    return new Promise((finish) => {
      this.#pending.set(id, { growth, finish });
      if (this.#failure !== undefined) this.#finish(id, this.#failure);
      else this.#tell({ id, archive: order }, file);
    });
  }

  /** Ends it when it has done everything. */
  async close(): Promise<void> {
    this.#closeCommands();
    await this.ended;
  }

  /** Kills it. What it has written stays. */
  kill(): void {
    this.#worker.kill();
  }

  #closeCommands(): void {
    if (this.#isOpen) closeSync(this.#commands);
    this.#isOpen = false;
  }

  #tell(command: UnpackCommand, file?: number): void {
    if (!this.#isOpen) return;
    try {
      sendMessage(this.#commands, JSON.stringify(command), file);
    } catch (error) {
      if (!['EPIPE', 'ECONNRESET'].includes(errnoOfAny(error) ?? '')) throw error; // it has ended: `#listen` finds out why
    }
  }

  async #listen(answers: number): Promise<void> {
    const closed = readLines(answers, (line) => this.#take(line));
    try {
      await this.#worker.result();
      this.#failure = { error: 'the unpacker has ended too early' };
    } catch (error) {
      const { message, advice } = error as FosterError;
      this.#failure = { error: message, ...(advice !== undefined && { advice }) };
    }
    await closed;
    this.#closeCommands();
    for (const id of [...this.#pending.keys()]) this.#finish(id, this.#failure);
  }

  #take(line: string): void {
    let answer: UnpackAnswer;
    try {
      answer = JSON.parse(line) as UnpackAnswer;
    } catch {
      this.kill(); // it was taken over by an archive, or has a bug
      return;
    }
    if ('report' in answer) this.#finish(answer.id, answer.report);
    else void this.#follow(answer.id, answer.readTo);
  }

  /** Tells it whether there is more to read. */
  async #follow(id: number, readTo: number): Promise<void> {
    const growth = this.#pending.get(id)?.growth;
    let told: 'more' | 'end' | 'failed' = 'failed';
    try {
      if (growth !== undefined) told = (await growth.isLongerThan(readTo)) ? 'more' : 'end';
      if (told === 'more') await sleep(GROWTH_MS);
    } catch {
      // whoever writes the file reports why
    }
    this.#tell({ id, growth: told });
  }

  #finish(id: number, report: UnpackReport): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.finish(report);
  }
}

/** Calls `take` with each line that comes from a pipe. Resolves when its other end is closed, and closes this one. */
function readLines(fd: number, take: (line: string) => void): Promise<void> {
  return new Promise((done) => {
    let text = '';
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (text + piece).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) take(line);
    });
    socket.on('error', () => {});
    socket.on('close', () => done());
  });
}

/** One archive that is being unpacked. */
export interface Unpacking {
  /** Receives the archive in the given compression. `report` explains its errors better. */
  input: Writable;
  /** Resolves when the tree is finished or the unpacker has failed; never rejects. */
  report: Promise<UnpackReport>;
  /** Kills it. What it has written stays. */
  kill(): void;
}

/**
 * Unpacks one archive with a process of its own.
 * @param tree absolute path of the directory to fill, which is empty unless the archive `merges`
 * @param file descriptor of the archive if it is a regular file: then `input` is not used
 * @throws FosterError if no user namespace can be created
 */
export function startUnpacker(
  tree: string,
  compression: Compression,
  options: UnpackOptions & { maps: IdMaps },
  file?: number,
): Unpacking {
  const unpacker = new Unpacker(tree, options.maps);
  const { input, report, kill } = startUnpacking(unpacker, '.', compression, options, file);
  return {
    input,
    report: report.finally(() => unpacker.close()),
    kill() {
      kill();
      unpacker.kill();
    },
  };
}

/**
 * Unpacks an archive, which comes from a file or through a pipe.
 * @param tree path of the directory to fill, in the unpacker's folder
 * @param file descriptor of the archive if it is a regular file: then `input` is not used
 * @returns `kill` kills only what belongs to this archive
 */
export function startUnpacking(
  unpacker: Unpacker,
  tree: string,
  compression: Compression,
  options: UnpackOptions,
  file?: number,
): Unpacking {
  const isByProgram = compression === 'zstd' && needsZstdProgram();
  // The unpacker reads the archive itself, a pipe from this process, or a pipe from zstd.
  const piped = file === undefined || isByProgram ? largePipe() : undefined;
  const source = piped?.[0] ?? (file as number);
  const unpacked = unpacker.unpack(tree, isByProgram ? 'none' : compression, source, options);
  if (piped !== undefined) closeSync(piped[0]);
  const zstd = isByProgram && piped !== undefined ? startZstd(file ?? 'pipe', piped[1]) : undefined;
  const input = inputOf(zstd, piped?.[1]);
  if (zstd !== undefined && piped !== undefined) closeSync(piped[1]);
  const finished = unpacked.finally(() => input.destroy());
  return {
    input,
    report: zstd === undefined ? finished : afterZstd(zstd, finished),
    kill: () => void zstd?.child.kill('SIGKILL'),
  };
}

/** The stream that the archive is written to, if the unpacker does not read the file itself. */
function inputOf(zstd: ZstdProgram | undefined, fd: number | undefined): Writable {
  const input =
    zstd?.child.stdin ??
    (zstd === undefined && fd !== undefined
      ? new Socket({ fd, readable: false, writable: true })
      : new Writable({ write: (_piece, _encoding, done) => done() }));
  input.on('error', () => {}); // EPIPE: the unpacker reports why
  return input;
}

/** A pipe that takes a whole piece at once: pipe(7), "Pipe capacity". */
function largePipe(): [number, number] {
  const ends = pipe();
  setPipeSize(ends[1], 1024 * 1024);
  return ends;
}
