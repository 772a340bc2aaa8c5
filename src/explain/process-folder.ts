import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../sys/errno.js';

/** Files that a process can make as large as it likes are read up to here. */
const MOST = 4 * 1024 * 1024;

/**
 * The folder /proc/PID of one process, held open: when the process has ended, reading from it fails, even if another process has the
 * same PID by then.
 */
export class ProcessFolder {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * @param start when it began, in clock ticks since boot: field 22 of proc_pid_stat(5); undefined for whatever process has the PID
   * @returns undefined if there is no such process any more
   */
  static open(pid: number | 'self', start?: string): ProcessFolder | undefined {
    let fd: number;
    try {
      fd = openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    const folder = new ProcessFolder(fd);
    if (start === undefined || folder.stat(22) === start) return folder;
    folder.close();
    return undefined;
  }

  /** The text of a file; '' if it cannot be read: the process has ended, or the caller may not. */
  read(name: string): string {
    try {
      return readFileSync(this.#path(name), 'utf8').slice(0, MOST);
    } catch {
      return '';
    }
  }

  /** Where a link leads, such as `pid:[4026531836]`; undefined if the caller may not read it. */
  link(name: string): string | undefined {
    try {
      return readlinkSync(this.#path(name));
    } catch {
      return undefined;
    }
  }

  /** How many entries a folder has; undefined if the caller may not read it. */
  count(name: string): number | undefined {
    try {
      return readdirSync(this.#path(name)).length;
    } catch {
      return undefined;
    }
  }

  /** A field of proc_pid_stat(5), by its number there, from 3 on. */
  stat(field: number): string | undefined {
    const text = this.read('stat');
    // the second field, the command's name, may contain parentheses and spaces
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3];
  }

  /** A line of proc_pid_status(5), without its name; '' if there is none. */
  status(name: string): string {
    return new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(this.read('status'))?.[1]?.trimEnd() ?? '';
  }

  close(): void {
    closeSync(this.#fd);
  }

  #path(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }
}
