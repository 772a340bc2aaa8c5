import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type Koffi from 'koffi';
import { errnoName, errnoOf } from './errno.js';

/**
 * The only file that imports koffi. Functions are declared when they are first called, since each declaration takes
 * tens of microseconds.
 */
const koffi = loadKoffi();

/**
 * Loads koffi's binary from its usual path: koffi's own loader takes milliseconds to find it, and `require` half a
 * millisecond more than opening it directly.
 */
function loadKoffi(): typeof Koffi {
  const module = { exports: {} };
  try {
    process.dlopen(module, findBinary());
    return module.exports as typeof Koffi;
  } catch {
    return require('koffi'); // musl, or a package manager that hides indirect dependencies
  }
}

/** Looks where `require` would: in node_modules of this folder or one of its parents. */
function findBinary(): string {
  const { arch } = process;
  const binary = `node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`;
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const path = join(folder, binary);
    if (existsSync(path) || folder === '/') return path;
  }
}

const libraries = new Map<string, ReturnType<typeof koffi.load>>();

function library(path: string): ReturnType<typeof koffi.load> {
  let loaded = libraries.get(path);
  if (loaded === undefined) {
    loaded = koffi.load(path === '' ? null : path);
    libraries.set(path, loaded);
  }
  return loaded;
}

/** Arguments of native functions. A Buffer is passed as a pointer to its first byte. */
export type Value = number | bigint | string | Buffer | Uint8Array | Pointer | null;

/** An opaque native address. */
export type Pointer = { readonly __pointer: unique symbol };

interface NativeFunction {
  (...values: Value[]): number;
  /** Runs in another thread. */
  async(...values: [...Value[], (error: Error | null, result: number) => void]): void;
}

const functions = new Map<string, NativeFunction>();

/**
 * Calls a C function of the libc by its prototype, for instance `call('int kill(int pid, int signal)', pid, 9)`. Only
 * for functions that return an integer. Throws SystemCallError if the result is -1.
 */
export function call(prototype: string, ...values: Value[]): number {
  const result = callRaw('', prototype, ...values);
  if (result === -1) throw new SystemCallError(prototype, koffi.errno());
  return result;
}

/** As `call`, for a function of the library at `path`, and without checking the result. */
export function callRaw(path: string, prototype: string, ...values: Value[]): number {
  return nativeFunction(path, prototype)(...values);
}

/**
 * As `callRaw`, in another thread, one of the few that Node has for files, too. The caller must not touch the Buffers
 * until it is done.
 */
export function callInThread(path: string, prototype: string, ...values: Value[]): Promise<number> {
  return new Promise((resolve, reject) => {
    nativeFunction(path, prototype).async(...values, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

function nativeFunction(path: string, prototype: string): NativeFunction {
  let native = functions.get(prototype);
  if (native === undefined) {
    native = library(path).func(prototype) as unknown as NativeFunction;
    functions.set(prototype, native);
  }
  return native;
}

/** Whether there is a library at `path` with a function of that name. '' stands for all that this process has loaded. */
export function hasFunction(path: string, name: string): boolean {
  try {
    library(path).symbol(name);
    return true;
  } catch {
    return false;
  }
}

/** errno of the latest `callRaw` of a libc function that failed. */
export function lastErrno(): number {
  return koffi.errno();
}

/** The address of a function in the library at `path`, as an argument for native functions. */
export function functionPointer(path: string, name: string): Pointer {
  return library(path).symbol(name, 'int') as Pointer;
}

/** The address of a Buffer's first byte. The caller must keep the Buffer alive while the address is in use. */
export function addressOf(buffer: Buffer): bigint {
  return koffi.address(buffer);
}

/** A system call that failed. `errno` is the number, `call` the name of the function. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly errno: number;
  readonly call: string;

  constructor(prototype: string, errno: number) {
    const name = /(\w+)\(/.exec(prototype)?.[1] ?? prototype;
    super(`${name} failed with errno ${errno}`);
    this.call = name;
    this.errno = errno;
  }
}

/** The errno name of a SystemCallError or an error of Node; undefined for other errors. */
export function errnoOfAny(error: unknown): string | undefined {
  return error instanceof SystemCallError ? errnoName(error.errno) : errnoOf(error);
}
