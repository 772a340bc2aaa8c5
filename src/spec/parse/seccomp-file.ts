import { release } from 'node:os';
import { errnoNumber } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import type { Seccomp, SeccompAction, SeccompArg, SeccompOperator, SeccompSyscall } from '../types.js';
import { quoted } from './flag.js';

/** Facts for the conditions of a profile. */
export interface ProfileFacts {
  /** As in `process.arch`. */
  architecture: string;
  /** The bounding set, names such as `CAP_CHOWN`. */
  capabilities: string[];
  /** As in `uname -r`; this kernel's by default. */
  kernelRelease?: string;
}

/** Larger than any real profile: Docker's has 20 KB. */
const MAX_LENGTH = 1024 * 1024;

/** libseccomp's names of architectures in conditions, and the OCI's in `archMap`. */
const ARCHITECTURES: Readonly<Record<string, { condition: string; oci: string }>> = {
  x64: { condition: 'amd64', oci: 'SCMP_ARCH_X86_64' },
  arm64: { condition: 'arm64', oci: 'SCMP_ARCH_AARCH64' },
};

export const SECCOMP_ACTIONS: readonly SeccompAction[] = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_LOG',
];

const OPERATORS: readonly SeccompOperator[] = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
];

/** MAX_ERRNO of the kernel. */
const MAX_ERRNO = 4095;

/** Maximum number of arguments of a system call. */
const ARGUMENTS = 6;

/** A part of the document, and its path for errors. */
class Part {
  constructor(
    readonly value: unknown,
    readonly path: string,
    readonly file: string,
  ) {}

  error(problem: string): FosterError {
    const where = this.path === '' ? '' : `${this.path}: `;
    return new FosterError(`the seccomp profile ${quoted(this.file)} cannot be used: ${where}${problem}`);
  }

  /** Undefined if the member is missing or null, which Go writes for empty ones. */
  member(name: string): Part | undefined {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      throw this.error('expected an object');
    }
    const value: unknown = Object.getOwnPropertyDescriptor(this.value, name)?.value;
    if (value === undefined || value === null) return undefined;
    return new Part(value, this.path === '' ? name : `${this.path}.${name}`, this.file);
  }

  elements(): Part[] {
    if (!Array.isArray(this.value)) throw this.error('expected an array');
    return this.value.map((value, index) => new Part(value, `${this.path}[${index}]`, this.file));
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.error('expected a string');
    return this.value;
  }

  number(max: number): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
      throw this.error(`expected a whole number from 0 to ${max}`);
    }
    return value;
  }

  oneOf<T extends string>(choices: readonly T[]): T {
    const text = this.text();
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined)
      throw this.error(`${quoted(text)} is not supported, expected one of ${choices.join(', ')}`);
    return choice;
  }

  texts(name: string): string[] {
    return (
      this.member(name)
        ?.elements()
        .map((element) => element.text()) ?? []
    );
  }
}

/**
 * Parses a profile in the format of Docker and Podman, whose conditions (`includes`, `excludes`) are evaluated, or in
 * that of the OCI runtime-spec.
 * @param file its name in errors
 * @throws FosterError with the position in the document
 */
export function parseSeccompProfile(text: string, file: string, facts: ProfileFacts): Seccomp {
  const root = new Part(parseJson(text, file), '', file);
  const action = root.member('defaultAction');
  if (action === undefined) throw root.error('defaultAction is missing');
  const errno = errnoOf(root, 'defaultErrno', 'defaultErrnoRet');
  const architectures = architecturesOf(root, facts);
  const syscalls = root.member('syscalls')?.elements() ?? [];
  return {
    defaultAction: action.oneOf(SECCOMP_ACTIONS),
    ...(errno === undefined ? {} : { defaultErrnoRet: errno }),
    ...(architectures === undefined ? {} : { architectures }),
    // all entries are parsed, so that errors show on every machine
    syscalls: syscalls.flatMap((node) => {
      const syscall = parseSyscall(node);
      return applies(node, facts) ? [syscall] : [];
    }),
  };
}

function parseJson(text: string, file: string): unknown {
  if (text.length > MAX_LENGTH) {
    throw new FosterError(`the seccomp profile ${quoted(file)} is larger than ${MAX_LENGTH} bytes`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FosterError(`the seccomp profile ${quoted(file)} is not JSON`, {
      cause,
      advice: 'check it with "jq . FILE"',
    });
  }
}

function architecturesOf(root: Part, facts: ProfileFacts): string[] | undefined {
  const listed = root.texts('architectures');
  const map = root.member('archMap')?.elements() ?? [];
  if (listed.length > 0 && map.length > 0)
    throw root.error('architectures and archMap cannot be used together');
  if (listed.length > 0) return listed;
  const native = ARCHITECTURES[facts.architecture]?.oci;
  for (const entry of map) {
    const name = entry.member('architecture')?.text();
    if (name !== undefined && name === native) return [name, ...entry.texts('subArchitectures')];
  }
  // by default, as in libseccomp, only the native one
  return native === undefined ? undefined : [native];
}

function parseSyscall(node: Part): SeccompSyscall {
  const name = node.member('name')?.text();
  const names = node.texts('names');
  if (name !== undefined && names.length > 0) throw node.error('name and names cannot be used together');
  if (name === undefined && names.length === 0) throw node.error('names is missing or empty');
  const action = node.member('action');
  if (action === undefined) throw node.error('action is missing');
  const errno = errnoOf(node, 'errno', 'errnoRet');
  const args = node.member('args')?.elements().map(parseArg) ?? [];
  return {
    names: name === undefined ? names : [name],
    action: action.oneOf(SECCOMP_ACTIONS),
    ...(errno === undefined ? {} : { errnoRet: errno }),
    ...(args.length === 0 ? {} : { args }),
  };
}

function parseArg(node: Part): SeccompArg {
  const [index, value, op] = [node.member('index'), node.member('value'), node.member('op')];
  if (op === undefined) throw node.error('op is missing');
  return {
    index: index?.number(ARGUMENTS - 1) ?? 0,
    // JSON.parse rounds larger ones, which would make the filter wrong
    value: value?.number(Number.MAX_SAFE_INTEGER) ?? 0,
    valueTwo: node.member('valueTwo')?.number(Number.MAX_SAFE_INTEGER) ?? 0,
    op: op.oneOf(OPERATORS),
  };
}

/** Podman's profiles have the name of an errno in addition to, or instead of, its number. */
function errnoOf(node: Part, nameKey: string, numberKey: string): number | undefined {
  const named = node.member(nameKey);
  const number = node.member(numberKey)?.number(MAX_ERRNO);
  const name = named?.text();
  if (named === undefined || name === undefined || name === '') return number;
  if (/^\d{1,4}$/.test(name) && Number(name) <= MAX_ERRNO) return Number(name);
  try {
    return errnoNumber(name);
  } catch {
    throw named.error(`${quoted(name)} is not an errno`);
  }
}

/** Whether the conditions of an entry hold: all of `includes`, none of `excludes`. */
function applies(node: Part, facts: ProfileFacts): boolean {
  const includes = conditionsOf(node.member('includes'), facts);
  const excludes = conditionsOf(node.member('excludes'), facts);
  return includes.every(Boolean) && !excludes.some(Boolean);
}

/**
 * The conditions of an `includes` or `excludes`: one for the architecture, one for the kernel, one for each
 * capability.
 */
function conditionsOf(filter: Part | undefined, facts: ProfileFacts): boolean[] {
  if (filter === undefined) return [];
  const arches = filter.texts('arches');
  const kernel = filter.member('minKernel');
  return [
    ...(arches.length === 0 ? [] : [arches.includes(ARCHITECTURES[facts.architecture]?.condition ?? '')]),
    ...(kernel === undefined || kernel.value === '' ? [] : [isKernelAtLeast(kernel, facts)]),
    ...filter.texts('caps').map((name) => facts.capabilities.includes(name)),
  ];
}

function isKernelAtLeast(minimum: Part, { kernelRelease = release() }: ProfileFacts): boolean {
  const wanted = /^(\d+)\.(\d+)/.exec(minimum.text());
  if (wanted === null) throw minimum.error('expected a kernel version such as 4.8');
  const present = /^(\d+)\.(\d+)/.exec(kernelRelease);
  const [major, minor] = [Number(wanted[1]), Number(wanted[2])];
  const [ownMajor, ownMinor] = [Number(present?.[1] ?? 0), Number(present?.[2] ?? 0)];
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
