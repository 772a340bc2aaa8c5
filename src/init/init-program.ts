import { readFileSync } from 'node:fs';
import { errnoName } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { SystemCallError } from '../sys/ffi.js';
import { memoryFile } from '../sys/libc.js';
import { nativeFile } from './clone.js';

let file: number | undefined;

/**
 * foster-init, as a sealed memory file. So /proc/1/exe of a container is not a file of the host, and no process can change
 * the program that others run (CVE-2019-5736).
 */
export function initProgram(): number {
  if (file !== undefined) return file;
  const path = nativeFile('foster-init');
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw new FosterError(`cannot read ${path}, foster's PID 1`, {
      advice: 'build it with "make build"',
      cause: error,
    });
  }
  try {
    file = memoryFile('foster-init', content, { sealed: true, executable: true });
  } catch (error) {
    if (!(error instanceof SystemCallError) || errnoName(error.errno) !== 'EACCES') throw error;
    throw new FosterError(
      'cannot start containers: programs in memory may not be executed here (vm.memfd_noexec is 2)',
      {
        advice: 'as root: sysctl -w vm.memfd_noexec=1',
        cause: error,
      },
    );
  }
  return file;
}
