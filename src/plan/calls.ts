import type { Propagation } from '../spec/types.js';
import { AT, FILE_SYSTEMS, MOUNT_ATTR, MS, O, RESOLVE } from './constants.js';
import { type Arg, type Bytes, constant, flags, type Step, step } from './step.js';

/** Functions for the system calls of plans; each returns a step. */

export const CWD = constant('AT_FDCWD', -100);

/** Options of every call. */
export type Options = Pick<Step, 'result' | 'ignore' | 'advice'>;

/** mount(2). */
export function mount(
  why: string,
  source: string | null,
  target: string,
  type: string | null,
  names: (keyof typeof MS)[],
  data: string | null,
  options: Options = {},
): Step {
  return step(why, 'mount', [source, target, type, flags(MS, ...names), data], options);
}

/** openat2(2) of a path below `directory`; no symbolic or magic link leads out of it. */
export function openInRoot(
  why: string,
  path: string,
  names: (keyof typeof O)[],
  options: Options & { directory?: Arg; mode?: number } = {},
): Step {
  const { directory = CWD, mode: bits, ...rest } = options;
  const how = openHow(names, ['RESOLVE_IN_ROOT', 'RESOLVE_NO_MAGICLINKS'], bits);
  return step(why, 'openat2', [directory, path, how, how.bytes.length], rest);
}

/**
 * openat2(2) of a path below `directory`, without following links of any kind, so that the result is a file of that
 * file system.
 */
export function openBeneath(
  why: string,
  directory: Arg,
  path: string,
  names: (keyof typeof O)[],
  options: Options & { mode?: number } = {},
): Step {
  const { mode: bits, ...rest } = options;
  const how = openHow(names, ['RESOLVE_BENEATH', 'RESOLVE_NO_SYMLINKS', 'RESOLVE_NO_MAGICLINKS'], bits);
  return step(why, 'openat2', [directory, path, how, how.bytes.length], rest);
}

/** struct open_how of openat2(2). */
function openHow(names: (keyof typeof O)[], resolve: (keyof typeof RESOLVE)[], bits = 0): Bytes {
  const open = flags(O, ...names, 'O_CLOEXEC');
  const how = flags(RESOLVE, ...resolve);
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(open.value, 0); // each is 64 bits wide
  bytes.writeUInt32LE(bits, 8);
  bytes.writeUInt32LE(how.value, 16);
  return { bytes, text: `{flags=${open.text}, resolve=${how.text}}` };
}

/** Fails with EXDEV if the file kept as `file` is on another kind of file system: statfs(2). */
export function requireFileSystem(
  why: string,
  file: string,
  magic: keyof typeof FILE_SYSTEMS,
  options: Options = {},
): Step {
  return step(why, 'file_system', [{ result: file }, constant(magic, FILE_SYSTEMS[magic])], options);
}

/** Advice for a kernel file system whose mount point is not a directory. */
export function directoryAdvice(path: string): Record<string, string> {
  return { ENOTDIR: `${path} in the root filesystem must be a directory, not a link` };
}

/** Advice for an overlay that cannot copy a directory up into the container's own layer. */
export const FOREIGN_OWNER_ADVICE =
  'its parent directory belongs to a user or group of the host that the container does not have; ' +
  '"foster --storage-driver copy" uses no overlay';
const DANGLING_LINK = 'a symbolic link in its path leads to nothing in the container';

/** Creates the directory `path` of the container and its missing parents. Keeps it as `result`. */
export function ensureDirectory(why: string, path: string, result: string): Step[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const steps: Step[] = [];
  let parent: Arg = CWD;
  for (const [index, part] of parts.entries()) {
    const name = index === parts.length - 1 ? result : `${result}_${index}`;
    const here = `/${parts.slice(0, index + 1).join('/')}`;
    steps.push(
      step(why, 'mkdirat', [parent, index === 0 ? `/${part}` : part, mode(0o755)], {
        ignore: ['EEXIST', 'EROFS'],
        advice: { EACCES: FOREIGN_OWNER_ADVICE, EOVERFLOW: FOREIGN_OWNER_ADVICE },
      }),
    );
    steps.push(
      openInRoot(why, here, ['O_PATH', 'O_DIRECTORY'], {
        result: name,
        advice: {
          ENOTDIR: `${here} exists in the container and is not a directory`,
          ENOENT: DANGLING_LINK,
          ELOOP: DANGLING_LINK,
        },
      }),
    );
    parent = { result: name };
  }
  if (parts.length === 0) steps.push(openInRoot(why, '/', ['O_PATH', 'O_DIRECTORY'], { result }));
  return steps;
}

/** Creates the file `path` of the container if it is missing, as a mount point. Keeps its descriptor as `result`. */
export function ensureFile(why: string, path: string, result: string): Step[] {
  const slash = path.lastIndexOf('/');
  const parent = path.slice(0, slash);
  return [
    ...(parent === '' ? [] : ensureDirectory(why, parent, `${result}_dir`)),
    // O_NONBLOCK: it may be a FIFO without a writer.
    openInRoot(why, path, ['O_RDONLY', 'O_CREAT', 'O_NOCTTY', 'O_NONBLOCK'], {
      result,
      mode: 0o644,
      advice: {
        EISDIR: `${path} is a directory in the container, and a file can only be mounted over a file`,
        ELOOP: DANGLING_LINK,
        EACCES: FOREIGN_OWNER_ADVICE,
        EOVERFLOW: FOREIGN_OWNER_ADVICE,
      },
    }),
  ];
}

/** open_tree(2): a detached copy of the mount at `path`, kept as `result`. */
export function copyMount(
  why: string,
  directory: Arg,
  path: string,
  result: string,
  options: { recursive?: boolean } = {},
): Step {
  const names: (keyof typeof AT)[] = ['OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC'];
  if (path === '') names.push('AT_EMPTY_PATH');
  if (options.recursive) names.push('AT_RECURSIVE');
  return step(why, 'open_tree', [directory, path, flags(AT, ...names)], { result });
}

/** move_mount(2): attaches the detached mount kept as `from` onto what is kept as `to`. */
export function attachMount(why: string, from: string, to: string, options: Options = {}): Step {
  const bits = flags(AT, 'MOVE_MOUNT_F_EMPTY_PATH', 'MOVE_MOUNT_T_EMPTY_PATH');
  return step(why, 'move_mount', [{ result: from }, '', { result: to }, '', bits], options);
}

/** mount_setattr(2): sets attributes of a mount, and of all mounts below if recursive. */
export function setMountAttributes(
  why: string,
  at: { result: string } | string,
  names: Attribute[],
  options: { recursive?: boolean } & Pick<Step, 'advice'> = {},
): Step {
  const set = flags(MOUNT_ATTR, ...names);
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(set.value, 0); // each is 64 bits wide
  // to set a value of a bit field, all bits must be cleared
  const field = MOUNT_ATTR.MOUNT_ATTR__ATIME;
  if ((set.value & field) !== 0) attributes.writeUInt32LE(field, 8);
  return changeMount(why, at, { bytes: attributes, text: `{attr_set=${set.text}}` }, options);
}

/** mount_setattr(2): clears attributes of a mount, and of all mounts below if recursive. What is not set is no failure. */
export function clearMountAttributes(
  why: string,
  at: { result: string },
  names: Attribute[],
  options: { recursive?: boolean } & Pick<Step, 'advice'>,
): Step {
  const clear = flags(MOUNT_ATTR, ...names);
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(clear.value, 8);
  return changeMount(why, at, { bytes: attributes, text: `{attr_clr=${clear.text}}` }, options);
}

/** mount_setattr(2): sets the propagation of a mount: mount_namespaces(7). */
export function setPropagation(
  why: string,
  at: { result: string } | string,
  propagation: Propagation,
  options: { recursive?: boolean } = {},
): Step {
  const kind = PROPAGATION[propagation.replace(/^r/, '')] ?? 'MS_PRIVATE';
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(MS[kind], 16);
  return changeMount(why, at, { bytes: attributes, text: `{propagation=${kind}}` }, options);
}

const PROPAGATION: Readonly<Record<string, 'MS_PRIVATE' | 'MS_SLAVE' | 'MS_SHARED' | 'MS_UNBINDABLE'>> = {
  private: 'MS_PRIVATE',
  slave: 'MS_SLAVE',
  shared: 'MS_SHARED',
  unbindable: 'MS_UNBINDABLE',
};

function changeMount(
  why: string,
  at: { result: string } | string,
  struct: Bytes,
  { advice, ...options }: { recursive?: boolean } & Pick<Step, 'advice'>,
): Step {
  const [directory, path]: [Arg, string] = typeof at === 'string' ? [CWD, at] : [at, ''];
  const bits = flags(
    AT,
    ...(path === '' ? (['AT_EMPTY_PATH'] as const) : []),
    ...(options.recursive ? (['AT_RECURSIVE'] as const) : []),
  );
  return step(why, 'mount_setattr', [directory, path, bits, struct, struct.bytes.length], {
    ...(advice && { advice }),
  });
}

/** A file mode, printed in octal. */
export function mode(value: number): { value: number; text: string } {
  return constant(`0${value.toString(8)}`, value);
}

/** prctl(2). */
export function prctl(why: string, name: string, option: number, ...args: Arg[]): Step {
  return step(why, 'prctl', [constant(name, option), ...args]);
}

const FSCONFIG = { FSCONFIG_SET_FLAG: 0, FSCONFIG_SET_STRING: 1, FSCONFIG_CMD_CREATE: 6 } as const;

function fsconfig(
  why: string,
  context: string,
  command: keyof typeof FSCONFIG,
  key: string | null,
  value: string | null,
): Step {
  return step(why, 'fsconfig', [{ result: context }, constant(command, FSCONFIG[command]), key, value, 0]);
}

/**
 * fsopen(2), fsconfig(2), fsmount(2): a new, detached mount of a file system, kept as `result`. `options` are
 * mount(8)'s: attributes such as `nosuid`, and the file system's own, `size=64m` or `userxattr`. `advice` is for the last step.
 */
export function newFilesystem(
  why: string,
  type: string,
  source: string,
  options: string[],
  result: string,
  advice?: Step['advice'],
): Step[] {
  const context = `${result}_context`;
  const steps = [
    step(why, 'fsopen', [type, flags(AT, 'FSOPEN_CLOEXEC')], { result: context }),
    fsconfig(why, context, 'FSCONFIG_SET_STRING', 'source', source),
  ];
  for (const option of options) {
    if (MOUNT_OPTIONS.has(option) || WITHOUT_EFFECT.includes(option)) continue;
    const equals = option.indexOf('=');
    const [key, value] = equals < 0 ? [option, null] : [option.slice(0, equals), option.slice(equals + 1)];
    steps.push(
      fsconfig(why, context, value === null ? 'FSCONFIG_SET_FLAG' : 'FSCONFIG_SET_STRING', key, value),
    );
  }
  const attributes = attributesOf(options).flatMap(({ set }) => set ?? []);
  steps.push(fsconfig(why, context, 'FSCONFIG_CMD_CREATE', null, null));
  const mounted: Arg[] = [
    { result: context },
    flags(AT, 'FSMOUNT_CLOEXEC'),
    flags(MOUNT_ATTR, ...attributes),
  ];
  steps.push(step(why, 'fsmount', mounted, { result, ...(advice && { advice }) }));
  return steps;
}

type Attribute = keyof typeof MOUNT_ATTR;

/** What an option says about an attribute. */
interface AttributeOption {
  /** What is cleared first: the attribute, or the bit field it is a value of. */
  bits: Attribute;
  /** undefined for an option that only clears. */
  set?: Attribute;
}

const SWITCHES: readonly (readonly [on: string, off: string, bits: Attribute])[] = [
  ['ro', 'rw', 'MOUNT_ATTR_RDONLY'],
  ['nosuid', 'suid', 'MOUNT_ATTR_NOSUID'],
  ['nodev', 'dev', 'MOUNT_ATTR_NODEV'],
  ['noexec', 'exec', 'MOUNT_ATTR_NOEXEC'],
  ['nodiratime', 'diratime', 'MOUNT_ATTR_NODIRATIME'],
  ['nosymfollow', 'symfollow', 'MOUNT_ATTR_NOSYMFOLLOW'],
];

/** Options of mount(8) that are about attributes of the mount, not of the file system. */
const MOUNT_OPTIONS: ReadonlyMap<string, AttributeOption> = new Map([
  ...SWITCHES.flatMap(([on, off, bits]): [string, AttributeOption][] => [
    [on, { bits, set: bits }],
    [off, { bits }],
  ]),
  ['noatime', { bits: 'MOUNT_ATTR__ATIME', set: 'MOUNT_ATTR_NOATIME' }],
  ['strictatime', { bits: 'MOUNT_ATTR__ATIME', set: 'MOUNT_ATTR_STRICTATIME' }],
  ['relatime', { bits: 'MOUNT_ATTR__ATIME' }],
  ['atime', { bits: 'MOUNT_ATTR__ATIME' }],
]);

/** They state what is so unless another option says more. */
const WITHOUT_EFFECT: readonly string[] = ['defaults', 'norelatime', 'nostrictatime'];

/** What the options say about attributes; of those about the same one, the last. `isDeep` is true for `rexec` and the like. */
export function attributesOf(
  options: readonly string[],
): ({ option: string; isDeep: boolean } & AttributeOption)[] {
  const last = new Map<Attribute, ReturnType<typeof attributesOf>[number]>();
  for (const option of options) {
    const own = MOUNT_OPTIONS.get(option);
    const meant = own ?? (option.startsWith('r') ? MOUNT_OPTIONS.get(option.slice(1)) : undefined);
    if (meant !== undefined) last.set(meant.bits, { option, isDeep: own === undefined, ...meant });
  }
  return [...last.values()];
}
