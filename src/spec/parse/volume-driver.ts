import { FosterError } from '../../sys/errors.js';
import type { Mount } from '../types.js';
import { bindOptions, tmpfsMount } from './volumes.js';

/** Where a volume's files are: in foster's own folder, or where its options of the driver `local` say, as in Docker. */
export type VolumeKind =
  | { kind: 'folder' }
  /** A directory of the host: `type=none,o=bind,device=DIR`. */
  | { kind: 'bind'; device: string; options: string[] }
  /** Empty at each start: `type=tmpfs,device=tmpfs,o=size=64m`. */
  | { kind: 'tmpfs'; options: string[] };

/**
 * Checks the options of the driver `local`: `type`, `device` and `o`, which is for mount(8).
 * @throws FosterError
 */
export function volumeKind(options: Readonly<Record<string, string>>): VolumeKind {
  const { type = '', device = '', o = '', ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw invalid(`option ${unknown} is not known`, 'expected type=, device= and o=');
  const words = o.split(',').filter(Boolean);
  if (type === 'tmpfs') {
    return { kind: 'tmpfs', options: tmpfsMount('--opt', `o=${o}`, '/', words).options };
  }
  const isBind = words.some((word) => word === 'bind' || word === 'rbind');
  if (isBind && ['', 'none', 'bind'].includes(type)) {
    if (!device.startsWith('/')) throw invalid('device= is missing or no absolute path', 'give device=/DIR');
    return { kind: 'bind', device, options: bindOptions('--opt', `o=${o}`, words) };
  }
  if (type === '' && device === '' && o === '') return { kind: 'folder' };
  throw new FosterError(
    `a volume with type=${type === '' ? 'none' : type} is not supported yet: mounting a file system needs root`,
    {
      kind: 'unsupported',
      advice: 'use type=tmpfs, or type=none with o=bind and device=DIR',
    },
  );
}

function invalid(problem: string, advice: string): FosterError {
  return new FosterError(`options of a volume: ${problem}`, { kind: 'invalid', advice });
}

/**
 * The mount of a volume in a container.
 * @param folder absolute path of its files, if they are in foster's own folder
 * @param options of the mount, as in -v
 */
export function mountOfVolume(
  what: VolumeKind,
  folder: string,
  destination: string,
  options: readonly string[],
): Mount {
  switch (what.kind) {
    case 'folder':
      return { destination, type: 'bind', source: folder, options: [...options] };
    case 'bind':
      return {
        destination,
        type: 'bind',
        source: what.device,
        options: [...new Set([...what.options, ...options])],
      };
    case 'tmpfs':
      return {
        destination,
        type: 'tmpfs',
        source: 'tmpfs',
        options: [
          ...new Set([...what.options, ...options.filter((word) => !/^r?(bind|private)$/.test(word))]),
        ],
      };
  }
}
