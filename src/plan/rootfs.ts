import type { Propagation } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import {
  attachMount,
  CWD,
  copyMount,
  ensureDirectory,
  ensureFile,
  FOREIGN,
  mode,
  mount,
  mustBeDirectory,
  newFilesystem,
  openInRoot,
  setMountAttributes,
  setPropagation,
} from './calls.js';
import { AT, O, UMOUNT } from './constants.js';
import { FD, type PlanFacts } from './facts.js';
import { takeHanded } from './handed-mounts.js';
import type { StorageProgram } from './step.js';
import { type Arg, constant, flags, type Step, step } from './step.js';

const CONTAINER: Arg = constant(String(FD.CONTAINER), FD.CONTAINER);

/** The folders of the host that the root file system is made of, at the descriptors that its options name. */
export function openStorage(facts: PlanFacts): Step[] {
  const { driver, layers, container, isShifted } = facts.storage;
  return [
    ...((driver === 'overlay' && !isShifted) || driver === 'in-place' ? layers : []).flatMap((layer, index) =>
      openAt('open the root file system', layer, FD.LAYERS + index),
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
 * What this mount namespace does stays in it: mount_namespaces(7), "Shared subtrees".
 * @param follows what the host mounts later is to be seen in some places
 */
export function cutFromHost(follows: boolean): Step {
  const kind = follows ? 'MS_SLAVE' : 'MS_PRIVATE';
  return mount('keep mounts made here from reaching the host', null, '/', null, ['MS_REC', kind], null);
}

/** Where some mounts follow the host, the root file system shall not. */
export function keepRootPrivate(): Step {
  return setPropagation('keep what the host mounts from the root file system', '/', 'rprivate', {
    recursive: true,
  });
}

/** Of the root's mount alone: those below it have been made as the Spec wants them. */
export function propagateRoot(propagation: Propagation | undefined): Step[] {
  if (propagation === undefined || /^r?(private|slave)$/.test(propagation)) return [];
  return [setPropagation(`make the mount of the root file system ${propagation}`, '/', propagation)];
}

/** fsconfig(2) takes no longer value, and Linux before 6.8 takes no layers one by one. mount(2) takes a page. */
const MOST_OF_FSCONFIG = 255;

/** Makes the container's files the root of the mount namespace; the host's root is let go. */
export function mountRoot(facts: PlanFacts): Step[] {
  switch (facts.storage.driver) {
    case 'in-place':
      return bindBundle();
    case 'copy':
      return bindRoot();
    case 'fuse-overlayfs':
      return [
        openInRoot(
          'find the root file system that fuse-overlayfs has mounted',
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

/** What makes the root file system in place of the kernel. */
export function storageProgram({ storage }: PlanFacts): StorageProgram {
  const { program, container, layers } = storage;
  if (program === undefined) throw new Error('a plan for fuse-overlayfs must know where that is');
  return { program, container, layers };
}

/** The copy of the layers that belongs to the container alone. */
function bindRoot(): Step[] {
  return [
    step(
      "take the container's copy of its root file system",
      'open_tree',
      [CONTAINER, 'tree', flags(AT, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC')],
      { result: 'rootfs', advice: { ENOENT: 'it is gone: remove the container and make it anew' } },
    ),
    ...attachRoot(),
  ];
}

/** A directory of the caller's that is the root file system itself, with all that is mounted below. */
function bindBundle(): Step[] {
  const fd = constant(String(FD.LAYERS), FD.LAYERS);
  return [copyMount('take the root file system', fd, '', 'rootfs', { recursive: true }), ...attachRoot()];
}

function attachRoot(): Step[] {
  return [
    openInRoot('open the mount point', 'root', ['O_PATH', 'O_DIRECTORY'], {
      directory: CONTAINER,
      result: 'place',
    }),
    attachMount('mount the root file system', 'rootfs', 'place'),
  ];
}

/**
 * An overlay of the unpacked root file system below and the container's own changes above. Needs Linux 5.11, for
 * `userxattr`: outside of user namespaces, too, since the layers of images are the same for both.
 */
function overlayRoot(facts: PlanFacts): Step[] {
  const { layers } = facts.storage;
  if (layers.length > MOST_LAYERS) {
    throw new FosterError(
      `the root file system has ${layers.length} layers, and an overlay can have ${MOST_LAYERS}`,
      {
        advice: '"foster --storage-driver copy" needs no overlay',
      },
    );
  }
  const made = ['upper', 'work'].map((name) =>
    step('make a directory for what the container changes', 'mkdirat', [CONTAINER, name, mode(0o755)], {
      ignore: ['EEXIST'],
    }),
  );
  const before = facts.isCallerMapped ? [] : made;
  const lower = facts.storage.isShifted ? attachLower() : [];
  return [...lower, ...before, ...overlaySteps(layers.length).map(adviseOnOverlay)];
}

/** The kernel overlays what is attached somewhere in this mount namespace only; here the overlay will hide it. */
function attachLower(): Step[] {
  const why = 'take the root file system, its files given to the users of the container';
  const fd = constant(String(FD.LAYERS), FD.LAYERS);
  return [
    takeHanded(why, 'lower'),
    openInRoot(why, 'root', ['O_PATH', 'O_DIRECTORY'], { directory: CONTAINER, result: 'lower_place' }),
    attachMount(why, 'lower', 'lower_place'),
    step(why, 'dup3', [{ result: 'lower' }, fd, flags(O, 'O_CLOEXEC')]),
  ];
}

/** OVL_MAX_STACK of the kernel. */
const MOST_LAYERS = 500;

function overlaySteps(count: number): Step[] {
  const why = 'lay the writable layer of the container over its root file system';
  const options = overlayOptions('/proc/self/fd/', count);
  if (options.every((option) => option.length <= MOST_OF_FSCONFIG))
    return [...newFilesystem(why, 'overlay', 'overlay', options, 'rootfs'), ...attachRoot()];
  // From there the names of 500 layers are short enough for a page.
  return [
    step(why, 'chdir', ['/proc/self/fd']),
    mount(why, 'overlay', `${FD.CONTAINER}/root`, 'overlay', [], overlayOptions('', count).join(',')),
    openInRoot('find its root', 'root', ['O_PATH', 'O_DIRECTORY'], {
      directory: CONTAINER,
      result: 'rootfs',
    }),
  ];
}

function overlayOptions(folder: string, count: number): string[] {
  const lower = Array.from({ length: count }, (_, index) => `${folder}${FD.LAYERS + index}`);
  return [
    `lowerdir=${lower.join(':')}`,
    `upperdir=${folder}${FD.CONTAINER}/upper`,
    `workdir=${folder}${FD.CONTAINER}/work`,
    'userxattr',
  ];
}

/** The kernel, or the file system that the data folder lies on, has no overlays of this kind. */
function adviseOnOverlay(each: Step): Step {
  const advice =
    'an overlay is refused there: "foster info" says what works, "foster --storage-driver copy" does without';
  return {
    ...each,
    advice: { EINVAL: advice, EPERM: advice, ENODEV: advice, ENOTSUP: advice, ...each.advice },
  };
}

/** pivot_root(2), the way without a directory for the old root (its man page, "pivot_root(".", ".")"). */
export function pivot(): Step[] {
  return [
    step('go to the new root', 'fchdir', [{ result: 'rootfs' }]),
    step('make it the root of everything the container sees', 'pivot_root', ['.', '.']),
    step("release the host's files", 'umount2', ['.', flags(UMOUNT, 'MNT_DETACH')]),
    step('change to the new root', 'chdir', ['/']),
  ];
}

/** The whole root read-only, what is mounted below it as it was. */
export function makeRootReadOnly({ storage }: Pick<PlanFacts, 'storage'>): Step {
  // A copy may lie where setuid programs and devices do not count, and a remount must not change that: mount_setattr(2)
  // adds to it.
  if (storage.driver !== 'overlay')
    return setMountAttributes('make the root file system read-only', '/', ['MOUNT_ATTR_RDONLY']);
  return mount(
    'make the root file system read-only',
    null,
    '/',
    null,
    ['MS_REMOUNT', 'MS_BIND', 'MS_RDONLY'],
    null,
  );
}

/** Adds lines to files of the container's own layer. Where the tree's owner does not let us, it goes without. */
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

/** Where a directory, or the right to make something there, is missing; where what is there is of another kind. */
const NO_PLACE: Readonly<Record<string, string[]>> = {
  mkdirat: ['EEXIST', 'EROFS', 'EACCES', 'EOVERFLOW'],
  openat2: ['ENOTDIR', 'ENOENT', 'EACCES', 'EOVERFLOW'],
  move_mount: ['EBADF', 'ENOTDIR', 'EINVAL'],
};

function orDoWithout({ advice: _, ...one }: Step): Step {
  return { ...one, ignore: NO_PLACE[one.call] ?? [] };
}

/** Files of foster's own, from a small tmpfs that exists nowhere else: /etc/hosts and the like. */
export function mountFiles(facts: PlanFacts, isReadOnly: boolean): Step[] {
  if (facts.files.length === 0) return [];
  const why = 'write the files that foster gives to the container';
  // /proc serves as the place to stand on until its own file system is mounted there.
  const steps: Step[] = [
    step(why, 'mkdirat', [CWD, '/proc', mode(0o755)], {
      ignore: ['EEXIST', 'EROFS'],
      advice: { EACCES: 'you may not enter the root file system: see its owner and mode' },
    }),
    ...newFilesystem(why, 'tmpfs', 'foster', ['mode=755', 'size=1m', 'nosuid', 'nodev', 'noexec'], 'files'),
    openInRoot(why, '/proc', ['O_PATH', 'O_DIRECTORY', 'O_NOFOLLOW'], {
      result: 'files_place',
      advice: mustBeDirectory('/proc'),
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
        setMountAttributes(`make ${path} read-only, as all the root`, { result: copy }, [
          'MOUNT_ATTR_RDONLY',
        ]),
      );
    }
    if (replacesLink) {
      // Images often have resolv.conf as a symbolic link to a file that is not there.
      const parent = `${target}_parent`;
      steps.push(
        ...ensureDirectory(`replace the link ${path}`, path.slice(0, path.lastIndexOf('/')), parent),
      );
      steps.push(
        step(`replace the link ${path}`, 'unlinkat', [{ result: parent }, name, 0], {
          ignore: ['ENOENT'],
          advice: { EACCES: FOREIGN, EOVERFLOW: FOREIGN },
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
