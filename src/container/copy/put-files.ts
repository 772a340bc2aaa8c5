import { closeSync } from 'node:fs';
import { memoryFile } from '../../sys/libc.js';
import { surroundings } from '../../sys/surroundings.js';
import { TAR_END, tarHeader, tarPadding } from '../../tar/writer.js';
import type { Container } from '../store.js';
import { unpackIn } from './copy.js';

/** A file for a container. */
export interface NewFile {
  /** Absolute path in the container; missing directories are made. */
  path: string;
  content: Buffer;
  /** Ids in the container. */
  uid: number;
  gid: number;
  /** Permission bits. */
  mode: number;
}

/** Puts files into a container, which need not run. They are in memory until then. @throws FosterError */
export function putFiles(container: Container, files: readonly NewFile[]): void {
  const archive = Buffer.concat([...files.flatMap(member), TAR_END]);
  const input = memoryFile('foster-files', archive);
  try {
    unpackIn(input, container, '/', {
      archive: true,
      followLink: false,
      overwrite: false,
      warn: surroundings().warn,
    });
  } finally {
    closeSync(input);
  }
}

function member({ path, content, uid, gid, mode }: NewFile): Buffer[] {
  const name = Buffer.from(path.replace(/^\/+/, '')).toString('latin1');
  const header = tarHeader({
    name,
    type: 'file',
    target: '',
    mode,
    uid,
    gid,
    size: content.length,
    mtime: Math.floor(Date.now() / 1000),
    xattrs: new Map(),
  });
  return [header, content, tarPadding(content.length)];
}
