import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MTAB } from '../src/spec/mtab.js';

/** What every root filesystem needs, unless it comes from a distribution. */

const DIRECTORIES = ['dev', 'etc', 'home', 'mnt', 'opt', 'proc', 'run', 'sys', 'tmp', 'var/log', 'var/tmp'];

/** Ids as in Debian's base-passwd. */
const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh',
    'daemon:x:1:1:daemon:/usr/sbin:/bin/false',
    'www-data:x:33:33:www-data:/var/www:/bin/false',
    'nobody:x:65534:65534:nobody:/nonexistent:/bin/false',
    '',
  ].join('\n'),
  'etc/group': ['root:x:0:', 'daemon:x:1:', 'tty:x:5:', 'www-data:x:33:', 'nogroup:x:65534:', ''].join('\n'),
  'etc/nsswitch.conf': ['passwd: files', 'group: files', 'hosts: files dns', ''].join('\n'),
  'etc/profile': [
    'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    "PS1='\\u@\\h:\\w\\$ '",
    '',
  ].join('\n'),
};

/** Where a start mounts files of the container: creating them, and copying their directories up for that, takes half a millisecond. */
const MOUNT_POINTS = ['etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'run/.containerenv'];

/** Creates the directories and the files in /etc. `name` is for /etc/os-release. */
export function writeSkeleton(tree: string, name: string): void {
  for (const path of DIRECTORIES) makeDirectory(join(tree, path));
  for (const path of ['tmp', 'var/tmp']) chmodSync(join(tree, path), 0o1777);
  mkdirSync(join(tree, 'root'));
  chmodSync(join(tree, 'root'), 0o700);
  for (const [path, text] of Object.entries(FILES)) writeText(join(tree, path), text);
  for (const path of MOUNT_POINTS) writeText(join(tree, path), '');
  symlinkSync(MTAB.target, join(tree, MTAB.path));
  writeText(join(tree, 'etc/os-release'), `NAME="${name}"\nID=foster\nPRETTY_NAME="${name}"\n`);
}

/** Creates a directory readable by everyone, with its parents, regardless of the umask. */
export function makeDirectory(path: string): void {
  let first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  first = dirname(first);
  for (let at = path; at !== first; at = dirname(at)) chmodSync(at, 0o755);
}

function writeText(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o644);
}
