import { fstatSync } from 'node:fs';
import { FosterError } from '../../sys/errors.js';

/**
 * Refuses a standard input that a program in the foreground cannot have.
 * @throws FosterError
 */
export async function checkInput({
  interactive,
  tty,
}: {
  interactive: boolean;
  tty: boolean;
}): Promise<void> {
  if (!interactive) return;
  // node:tty takes two milliseconds to load
  if (tty && !(await import('node:tty')).isatty(0)) {
    throw new FosterError('the input device is not a TTY', {
      advice: 'leave out -t where standard input is a file or a pipe',
    });
  }
  if (fstatSync(0).isDirectory()) {
    throw new FosterError('standard input is a directory', {
      advice: 'give a file or a pipe, or leave out -i',
    });
  }
}
