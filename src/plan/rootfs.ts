import { posix } from 'node:path';
import { MTAB } from '../spec/mtab.js';
import type { Propagation } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import {
  attachMount,
  CWD,
  copyMount,
  directoryAdvice,
  ensureDirectory,
  ensureFile,
  FOREIGN_OWNER_ADVICE,
  mode,
  mount,
  newFilesystem,
  openInRoot,
  setMountAttributes,
  setPropagation,
} from './calls.js';
import { AT, O, UMOUNT } from './constants.js';
import { FD, type PlanFacts } from './facts.js';
import { receiveMount } from './handed-mounts.js';
import { type Arg, constant, type Flags, flags, type StartProgram, type Step, step } from './step.js';
import { storageStep } from './storage-program.js';

const CONTAINER: Arg = constant(String(FD.CONTAINER), FD.CONTAINER);

/** Opens the folders of the root filesystem at the descriptors that its mount options name. */
export function openStorage(facts: PlanFacts): Step[] {
  const { driver, layers, container, isShifted } = facts.storage;
  return [
    ...((driver === 'overlay' && !isShifted) || driver === 'in-place' ? layers : []).flatMap((layer, index) =>
      openAt('open the root filesystem', layer, FD.LAYERS + index),
    ),
    ...openAt("open the container's own folder", container, FD.CONTAINER),
  ];
}

function openAt(why: string, path: string, fd: number): Step[] {
  const opened = `opened_${fd}`;
  return [
    step(why, 'openat', [CWD, path, flags(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC'), 0], { result: opened }),
    step(why, 'dup3', [{ result: opened }, constant(String(fd), fd), flags(O, 'O_CLOEXEC')]),
    step(why, 'close', [{ result: opened }]),
  ];
}

/**
 * Keeps mounts in this mount namespace from propagating: mount_namespaces(7), "Shared subtrees".
 * @param follows whether later mounts of the host should appear
 */
export function isolateMounts(follows: boolean): Step {
  const kind = follows ? 'MS_SLAVE' : 'MS_PRIVATE';
  return mount('keep mounts made here from reaching the host', null, '/', null, ['MS_REC', kind], null);
}

/** If some mounts follow the host, the root filesystem must not. */
export function keepRootPrivate(): Step {
  return setPropagation('keep what the host mounts from the root filesystem', '/', 'rprivate', {
    recursive: true,
  });
}

/** Only for the root's mount: the mounts below it have the propagation of the Spec. */
export function propagateRoot(propagation: Propagation | undefined): Step[] {
  if (propagation === undefined || /^r?(private|slave)$/.test(propagation)) return [];
  return [setPropagation(`make the mount of the root filesystem ${propagation}`, '/', propagation)];
}

/** The limit of fsconfig(2). Linux before 6.8 does not accept layers one by one. mount(2) accepts a page. */
const MAX_FSCONFIG_VALUE = 255;

/** Mounts the container's root filesystem. */
export function mountRoot(facts: PlanFacts): Step[] {
  switch (facts.storage.driver) {
    case 'in-place':
      return bindBundle();
    case 'copy':
      return bindRoot();
    case 'empty':
      return emptyRoot();
    case 'fuse-overlayfs':
      return [
        openInRoot(
          'find the root filesystem that fuse-overlayfs has mounted',
          'root',
          ['O_PATH', 'O_DIRECTORY'],
          {
            directory: CONTAINER,
            result: 'rootfs',
          },
        ),
      ];
    case 'overlay':
      return overlayRoot(facts);
  }
}

/** The program that mounts the root filesystem instead of the kernel. */
export function startStorage({ storage }: PlanFacts, hasUsers: boolean): StartProgram[] {
  const { driver, program, container, layers } = storage;
  if (driver !== 'fuse-overlayfs') return [];
  if (program === undefined) throw new Error('the path of fuse-overlayfs is missing');
  return [storageStep({ program, container, layers }, { joins: hasUsers ? 'user and mount' : 'mount' })];
}

/** The container's own copy of the layers. */
function bindRoot(): Step[] {
  return [
    step(
      "take the container's copy of its root filesystem",
      'open_tree',
      [CONTAINER, 'tree', flags(AT, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC')],
      { result: 'rootfs', advice: { ENOENT: 'it is missing: remove the container and create it again' } },
    ),
    ...attachRoot(),
  ];
}

/** For PID 1 of a pod, which needs no files. */
function emptyRoot(): Step[] {
  const options = ['mode=755', 'size=64k', 'nosuid', 'nodev', 'noexec'];
  return [
    ...newFilesystem('make an empty root filesystem', 'tmpfs', 'foster', options, 'rootfs'),
    ...attachRoot(),
  ];
}

/** A directory of the caller that is the root filesystem, with all mounts below. */
function bindBundle(): Step[] {
  const fd = constant(String(FD.LAYERS), FD.LAYERS);
  return [copyMount('take the root filesystem', fd, '', 'rootfs', { recursive: true }), ...attachRoot()];
}

function attachRoot(): Step[] {
  return [
    openInRoot('open the mount point', 'root', ['O_PATH', 'O_DIRECTORY'], {
      directory: CONTAINER,
      result: 'place',
    }),
    attachMount('mount the root filesystem', 'rootfs', 'place'),
  ];
}

/**
 * An overlay of the unpacked root filesystem below and the container's own changes above. Needs Linux 5.11 for
 * `userxattr`, also outside user namespaces, since the layers of images are the same for both.
 */
function overlayRoot(facts: PlanFacts): Step[] {
  const { layers } = facts.storage;
  if (layers.length > MAX_LAYERS) {
    throw new FosterError(
      `the root filesystem has ${layers.length} layers, and an overlay can have ${MAX_LAYERS}`,
      {
        advice: '"foster --storage-driver copy" uses no overlay',
      },
    );
  }
  const made = ['upper', 'work'].map((name) =>
    step("make a directory for the container's changes", 'mkdirat', [CONTAINER, name, mode(0o755)], {
      ignore: ['EEXIST'],
    }),
  );
  const before = facts.isCallerMapped ? [] : made;
  const lower = facts.storage.isShifted ? attachLower() : [];
  return [...lower, ...before, ...overlaySteps(facts.storage).map(adviseOnOverlay)];
}

/** Layers must be attached in this mount namespace; here the overlay will hide the mount. */
function attachLower(): Step[] {
  const why = 'take the root filesystem, with its files owned by the users of the container';
  const fd = constant(String(FD.LAYERS), FD.LAYERS);
  return [
    receiveMount(why, 'lower'),
    openInRoot(why, 'root', ['O_PATH', 'O_DIRECTORY'], { directory: CONTAINER, result: 'lower_place' }),
    attachMount(why, 'lower', 'lower_place'),
    step(why, 'dup3', [{ result: 'lower' }, fd, flags(O, 'O_CLOEXEC')]),
  ];
}

/** OVL_MAX_STACK of the kernel. */
const MAX_LAYERS = 500;

function overlaySteps(storage: PlanFacts['storage']): Step[] {
  const why = 'mount the writable layer of the container over its root filesystem';
  const options = overlayOptions('/proc/self/fd/', storage);
  const forgotten = storage.isVolatile ? forgetVolatile() : [];
  if (options.every((option) => option.length <= MAX_FSCONFIG_VALUE))
    return [...forgotten, ...newFilesystem(why, 'overlay', 'overlay', options, 'rootfs'), ...attachRoot()];
  // From there, the names of 500 layers fit into a page.
  return [
    ...forgotten,
    step(why, 'chdir', ['/proc/self/fd']),
    mount(why, 'overlay', `${FD.CONTAINER}/root`, 'overlay', [], overlayOptions('', storage).join(',')),
    openInRoot('find its root', 'root', ['O_PATH', 'O_DIRECTORY'], {
      directory: CONTAINER,
      result: 'rootfs',
    }),
  ];
}

/**
 * The kernel marks the writable layer of a volatile overlay, and refuses to mount it again: after a crash of the machine
 * its files might not be whole. Who starts such a container again wants what there is.
 */
function forgetVolatile(): Step[] {
  const why = 'use the writable layer of an earlier start again';
  const remove = (path: string, how: Flags | number) =>
    step(why, 'unlinkat', [CONTAINER, `work/work/incompat${path}`, how], { ignore: ['ENOENT'] });
  const directory = flags(AT, 'AT_REMOVEDIR');
  return [remove('/volatile/dirty', 0), remove('/volatile', directory), remove('', directory)];
}

function overlayOptions(folder: string, { layers, isVolatile }: PlanFacts['storage']): string[] {
  const lower = layers.map((_, index) => `${folder}${FD.LAYERS + index}`);
  return [
    `lowerdir=${lower.join(':')}`,
    `upperdir=${folder}${FD.CONTAINER}/upper`,
    `workdir=${folder}${FD.CONTAINER}/work`,
    'userxattr',
    // otherwise the kernel writes the whole file system of the data folder to the disk when the container ends
    ...(isVolatile ? ['volatile'] : []),
  ];
}

/** Advice if the kernel or the file system of the data folder does not support such overlays. */
function adviseOnOverlay(each: Step): Step {
  const advice =
    'overlays do not work there; "foster info" shows what works, "foster --storage-driver copy" uses none';
  return {
    ...each,
    advice: { EINVAL: advice, EPERM: advice, ENODEV: advice, ENOTSUP: advice, ...each.advice },
  };
}

/** pivot_root(2), without a directory for the old root (its man page, "pivot_root(".", ".")"). */
export function pivotRoot(): Step[] {
  return [
    step('go to the new root', 'fchdir', [{ result: 'rootfs' }]),
    step('make it the root of everything the container sees', 'pivot_root', ['.', '.']),
    step("release the host's files", 'umount2', ['.', flags(UMOUNT, 'MNT_DETACH')]),
    step('change to the new root', 'chdir', ['/']),
  ];
}

/** Makes the root read-only, but not the mounts below. */
export function makeRootReadOnly({ storage }: Pick<PlanFacts, 'storage'>): Step {
  // A copy may be on a nosuid or nodev mount, which a remount must not change: mount_setattr(2) only adds flags.
  if (storage.driver !== 'overlay')
    return setMountAttributes('make the root filesystem read-only', '/', ['MOUNT_ATTR_RDONLY']);
  return mount(
    'make the root filesystem read-only',
    null,
    '/',
    null,
    ['MS_REMOUNT', 'MS_BIND', 'MS_RDONLY'],
    null,
  );
}

/** Adds lines to files in the container's own layer, if the permissions allow it. */
export function addAccounts(facts: PlanFacts): Step[] {
  return facts.accounts.flatMap(({ path, text }, index) => {
    const why = `give the user a name in ${path}`;
    const file = `account_${index}`;
    const opened = { result: file };
    return [
      openInRoot(why, path, ['O_WRONLY', 'O_APPEND', 'O_NONBLOCK', 'O_NOCTTY'], {
        result: file,
        ignore: ['EACCES', 'ENOENT', 'ENXIO', 'EISDIR'],
      }),
      step(why, 'write', [opened, text, Buffer.byteLength(text)], { ignore: ['EBADF', 'EINVAL'] }),
      step(why, 'close', [opened], { ignore: ['EBADF'] }),
    ];
  });
}

/** Makes the link /etc/mtab in the container's own layer, if the permissions allow it. */
export function linkMtab(facts: PlanFacts): Step[] {
  if (!facts.linksMtab) return [];
  const why = `link ${MTAB.path} to ${MTAB.target}`;
  const folder = { result: 'mtab_folder' };
  return [
    openInRoot(why, posix.dirname(MTAB.path), ['O_PATH', 'O_DIRECTORY'], {
      ...folder,
      ignore: ['EACCES', 'ENOENT', 'ENOTDIR'],
    }),
    step(why, 'symlinkat', [MTAB.target, folder, posix.basename(MTAB.path)], {
      ignore: ['EBADF', 'EEXIST', 'EACCES', 'EROFS', 'EOVERFLOW'],
    }),
    step(why, 'close', [folder], { ignore: ['EBADF'] }),
  ];
}

/** Errors of a missing directory or permission, and of a file of another kind, by system call. */
const NO_PLACE: Readonly<Record<string, string[]>> = {
  mkdirat: ['EEXIST', 'EROFS', 'EACCES', 'EOVERFLOW'],
  openat2: ['ENOTDIR', 'ENOENT', 'EACCES', 'EOVERFLOW'],
  move_mount: ['EBADF', 'ENOTDIR', 'EINVAL'],
};

function orDoWithout({ advice: _, ...one }: Step): Step {
  return { ...one, ignore: NO_PLACE[one.call] ?? [] };
}

/** Mounts foster's own files, such as /etc/hosts, from a small tmpfs. */
export function mountFiles(facts: PlanFacts, isReadOnly: boolean): Step[] {
  if (facts.files.length === 0) return [];
  const why = 'write the files that foster gives to the container';
  // /proc is the mount point until its own file system is mounted there.
  const steps: Step[] = [
    step(why, 'mkdirat', [CWD, '/proc', mode(0o755)], {
      ignore: ['EEXIST', 'EROFS'],
      advice: { EACCES: 'you cannot enter the root filesystem: check its owner and mode' },
    }),
    ...newFilesystem(why, 'tmpfs', 'foster', ['mode=755', 'size=1m', 'nosuid', 'nodev', 'noexec'], 'files'),
    openInRoot(why, '/proc', ['O_PATH', 'O_DIRECTORY', 'O_NOFOLLOW'], {
      result: 'files_place',
      advice: directoryAdvice('/proc'),
    }),
    attachMount(why, 'files', 'files_place'),
  ];
  for (const [index, { path, text, replacesLink, isOptional }] of facts.files.entries()) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const [file, copy, target] = [`file_${index}`, `copy_${index}`, `target_${index}`];
    const create = flags(O, 'O_WRONLY', 'O_CREAT', 'O_CLOEXEC');
    steps.push(
      step(`write ${path}`, 'openat', [{ result: 'files' }, name, create, mode(0o644)], { result: file }),
      step(`write ${path}`, 'write', [{ result: file }, text, Buffer.byteLength(text)]),
      step(`write ${path}`, 'close', [{ result: file }]),
      step(
        `write ${path}`,
        'open_tree',
        [{ result: 'files' }, name, flags(AT, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC')],
        { result: copy },
      ),
    );
    if (isReadOnly) {
      steps.push(
        setMountAttributes(`make ${path} read-only, like the whole root`, { result: copy }, [
          'MOUNT_ATTR_RDONLY',
        ]),
      );
    }
    if (replacesLink) {
      // In images, resolv.conf is often a symbolic link to a missing file.
      const parent = `${target}_parent`;
      steps.push(
        ...ensureDirectory(`replace the link ${path}`, path.slice(0, path.lastIndexOf('/')), parent),
      );
      steps.push(
        step(`replace the link ${path}`, 'unlinkat', [{ result: parent }, name, 0], {
          ignore: ['ENOENT'],
          advice: { EACCES: FOREIGN_OWNER_ADVICE, EOVERFLOW: FOREIGN_OWNER_ADVICE },
        }),
      );
    }
    const place = [...ensureFile(`mount ${path}`, path, target), attachMount(`mount ${path}`, copy, target)];
    steps.push(...(isOptional ? place.map(orDoWithout) : place));
  }
  steps.push(
    step('unmount the small tmpfs, whose files stay mounted', 'umount2', [
      '/proc',
      flags(UMOUNT, 'MNT_DETACH', 'UMOUNT_NOFOLLOW'),
    ]),
  );
  return steps;
}
