import { writeFileSync } from 'node:fs';
import { defaultIdMaps } from '../spec/choose-id-maps.js';
import { buildSpec } from '../spec/from-request.js';
import type { RunRequest } from '../spec/request.js';
import type { Spec } from '../spec/types.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';

/**
 * Writes the config.json of the container that this request would make for the caller. Its root filesystem is `rootfs`
 * beside the file.
 * @throws FosterError if the file exists already
 */
export function writeDefaultConfig(path: string, request: RunRequest): void {
  try {
    writeFileSync(path, `${JSON.stringify(defaultConfig(request), null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw new FosterError(`cannot write ${path}: ${errnoWords(errnoNumber(code))}`, {
      exitCode: 1,
      cause: error,
      ...(code === 'EEXIST' && { advice: 'remove it first' }),
    });
  }
}

function defaultConfig(request: RunRequest): Spec {
  const maps = defaultIdMaps();
  const spec = buildSpec(request, {
    id: '',
    hostname: '',
    rootPath: 'rootfs',
    user: { uid: 0, gid: 0, additionalGids: [], home: '/root', name: 'root' },
    uidMappings: maps.uid,
    gidMappings: maps.gid,
    architecture: process.arch,
    callerIsRoot: process.getuid?.() === 0,
    term: 'xterm',
  });
  // It uses nothing newer than this version, and other runtimes refuse versions that they do not know.
  return { ...spec, ociVersion: '1.0.2' };
}
