import { closeSync, constants, openSync } from 'node:fs';
import { type ProcessEntry, parseStat } from '../../container/processes/table.js';
import { ProcessFolder } from '../../explain/process-folder.js';

const O_PATH = 0o10000000;

/** Opens a directory to look up paths in (openat2(2)); undefined if that fails. */
export function openDirectory(path: string): number | undefined {
  try {
    return openSync(path, O_PATH | constants.O_DIRECTORY);
  } catch {
    return undefined;
  }
}

/**
 * A process, by its open folder of /proc, which belongs to this process for ever: when it has ended, nothing is read, even if another
 * process has its pid by then.
 */
export class KernelProcess {
  readonly pid: number;
  readonly #folder: ProcessFolder;

  private constructor(pid: number, folder: ProcessFolder) {
    this.pid = pid;
    this.#folder = folder;
  }

  /**
   * Opens a process. @returns undefined if it has ended, or if another process has its pid
   * @param start when it began, in clock ticks since boot
   */
  static open(pid: number, start: string): KernelProcess | undefined {
    const folder = ProcessFolder.open(pid, start);
    return folder && new KernelProcess(pid, folder);
  }

  /** A file of the process; '' when it has ended, or if the file cannot be read. */
  read(name: string): string {
    return this.#folder.read(name);
  }

  /** The target of a link such as `ns/pid`. */
  link(name: string): string | undefined {
    return this.#folder.link(name);
  }

  /** proc_pid_stat(5); undefined when it has ended. */
  stat(): ProcessEntry | undefined {
    const text = this.read('stat');
    return text === '' ? undefined : parseStat(text);
  }

  /** A field of proc_pid_status(5): `CapEff`. */
  status(field: string): string | undefined {
    return this.#folder.status(field) || undefined;
  }

  /** Its command line, words separated by spaces; a zombie has none. */
  command(): string {
    return this.read('cmdline').replaceAll('\0', ' ').trim();
  }

  /** Its ids in all PID namespaces, from that of this /proc to its own. */
  pids(): number[] {
    return this.#numbers('NSpid');
  }

  /** The user that it is on this machine; undefined when it has ended. */
  user(): number | undefined {
    return this.#numbers('Uid')[0];
  }

  #numbers(field: string): number[] {
    return (this.status(field) ?? '').split(/\s+/).filter(Boolean).map(Number);
  }

  /** Opens its root directory, to look up paths in (openat2(2)); undefined when it has ended. */
  openRoot(): number | undefined {
    const root = openDirectory(`/proc/${this.pid}/root`);
    // As long as it lives, nobody else has its pid: the root that was opened is its own.
    if (root === undefined || this.stat() !== undefined) return root;
    closeSync(root);
    return undefined;
  }

  close(): void {
    this.#folder.close();
  }
}
