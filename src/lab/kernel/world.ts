import type { ProcessEntry } from '../../container/processes/table.js';
import { ProcessTable } from '../../container/processes/table.js';
import { type Container, idOfName, readContainer, readLive } from '../../container/store.js';
import { ABSENT } from '../messages.js';
import { fill, type Text } from '../text.js';
import { KernelProcess } from './process.js';

/** What a check looks at is not there; `text` says what. */
export class Absent extends Error {
  constructor(readonly text: Text) {
    super(text.en);
  }
}

/** What checks look at: the containers of a lab, by their names, and their processes. One look lasts until `close`. */
export class World {
  /** The lab's own folder. */
  readonly folder: string;
  /** The names of the containers that were asked for. */
  readonly asked = new Set<string>();
  readonly #opened: KernelProcess[] = [];
  readonly #members = new Map<string, KernelProcess[]>();
  #table: ProcessTable | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** A container, running or not. @throws Absent */
  container(name: string): Container {
    this.asked.add(name);
    const id = idOfName(name);
    const container = id === undefined ? undefined : readContainer(id);
    if (container === undefined) throw new Absent(fill(ABSENT.container, { name }));
    return container;
  }

  /** The processes of a running container, the first of which is its PID 1. @throws Absent */
  processes(name: string): KernelProcess[] {
    const known = this.#members.get(name);
    if (known !== undefined) return known;
    const { record, state } = this.container(name);
    const live = readLive(record.id);
    this.#table ??= new ProcessTable();
    const entries = live === undefined ? [] : this.#table.members(live.pid, record);
    const processes = entries.flatMap((entry) => this.#open(entry));
    if (live === undefined || processes[0]?.stat()?.start !== live.pidStart) {
      throw new Absent(
        state.exitCode === undefined
          ? fill(ABSENT.start, { name })
          : fill(ABSENT.end, { name, code: state.exitCode }),
      );
    }
    this.#members.set(name, processes);
    return processes;
  }

  /** PID 1 of a running container. @throws Absent */
  init(name: string): KernelProcess {
    const [init] = this.processes(name);
    if (init === undefined) throw new Absent(fill(ABSENT.start, { name }));
    return init;
  }

  /** The process of a container that has this command line. @throws Absent */
  process(name: string, command: string): KernelProcess {
    const found = this.find(name, command);
    if (found === undefined) throw new Absent(fill(ABSENT.process, { name, command }));
    return found;
  }

  /** As `process`; undefined if there is none. */
  find(name: string, command: string): KernelProcess | undefined {
    return this.processes(name).find((one) => one.command() === command);
  }

  /** The parent of a process, in a container or not; undefined if the process has ended. */
  parent(process: KernelProcess): KernelProcess | undefined {
    const entry = this.#table?.byPid.get(process.stat()?.parent ?? 0);
    return entry && this.#open(entry)[0];
  }

  close(): void {
    for (const process of this.#opened) process.close();
    this.#opened.length = 0;
  }

  #open({ pid, start }: ProcessEntry): KernelProcess[] {
    const process = KernelProcess.open(pid, start);
    if (process === undefined) return [];
    this.#opened.push(process);
    return [process];
  }
}
