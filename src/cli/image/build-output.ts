import { isatty } from 'node:tty';
import type { BuildOutput } from '../../engine/build-output.js';
import { flagError, unsupportedValue } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';

/** What -o asks for: the files of the image, an archive of it, or that it is pushed, as with --push. */
export type WantedOutput = BuildOutput | { type: 'registry' };

/**
 * Parses a value of -o: `type=local|tar|docker|oci|registry|image,dest=PATH`, a directory, or `-` for a tar archive.
 * @returns undefined for what each build does: `type=image`, and `type=docker` without a file
 * @throws FosterError
 */
export function parseOutput(value: string): WantedOutput | undefined {
  const flag = '--output';
  if (value === '') throw flagError(flag, value, 'expected a directory, or type=TYPE,dest=PATH');
  if (!value.includes('=')) return value === '-' ? toStandardOutput() : { type: 'local', dest: value };
  const fields = new Map<string, string>();
  for (const field of value.split(',')) {
    const [, key = '', text = ''] = /^([^=]*)=(.*)$/s.exec(field) ?? [];
    if (!['type', 'dest'].includes(key)) throw flagError(flag, value, 'expected type=TYPE,dest=PATH');
    fields.set(key, text);
  }
  const type = fields.get('type') ?? 'local';
  const dest = fields.get('dest');
  switch (type) {
    case 'local':
      if (dest === undefined || dest === '') throw flagError(flag, value, 'expected dest=DIRECTORY');
      if (dest === '-') throw flagError(flag, value, 'a directory cannot be standard output');
      return { type, dest };
    case 'tar':
    case 'oci':
      return dest === undefined || dest === '-' ? toStandardOutput(type) : { type, dest };
    case 'docker':
      return dest === undefined ? undefined : dest === '-' ? toStandardOutput(type) : { type, dest };
    case 'registry':
      return { type };
    case 'image':
      return undefined;
    case 'cacheonly':
      throw unsupportedValue(flag, value, 'a build makes an image', "use 'foster rmi' afterwards");
    default:
      throw flagError(flag, value, 'expected the type local, tar, docker, oci, registry or image');
  }
}

function toStandardOutput(type: 'tar' | 'oci' | 'docker' = 'tar'): BuildOutput {
  if (!isatty(1)) return { type, dest: undefined };
  throw new FosterError('cannot write an archive to a terminal', {
    advice: 'give -o type=tar,dest=FILE, or redirect it',
  });
}

/** Whether what is written to standard output is an archive, so that nothing else may be. */
export function usesStandardOutput(outputs: readonly WantedOutput[]): boolean {
  return outputs.some((output) => output.type !== 'registry' && output.dest === undefined);
}
