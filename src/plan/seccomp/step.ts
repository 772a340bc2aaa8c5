import type { Seccomp } from '../../spec/types.js';
import { type Bytes, constant, type Step, step } from '../step.js';
import { compileSeccomp } from './compile.js';
import { DEFAULT_PROFILE, DEFAULT_PROGRAMS } from './default-filter.js';

/** seccomp(2): loads the filter that decides about each system call of the user's process from here on. */
export function loadSeccomp(profile: Seccomp): Step {
  const machine = process.arch === 'arm64' ? 'arm64' : 'x64';
  const program = precompiled(profile, machine) ?? compileSeccomp(profile, machine);
  const length = program.length / 8;
  const filter = Buffer.alloc(16); // struct sock_fprog
  filter.writeUInt16LE(length, 0);
  const struct: Bytes = {
    bytes: filter,
    text: `{len=${length}, filter=...}`,
    pointers: [{ offset: 8, to: { bytes: program, text: 'filter' } }],
  };
  return step('refuse the system calls that containers do not need', 'seccomp', [
    constant('SECCOMP_SET_MODE_FILTER', 1),
    0,
    struct,
  ]);
}

/** Compiling takes 5 ms, a tenth of a start, so the filter that nearly every container has is compiled beforehand. */
function precompiled(profile: Seccomp, machine: 'x64' | 'arm64'): Uint8Array | undefined {
  const { architectures, ...rest } = profile;
  const known = DEFAULT_PROGRAMS[machine];
  const isKnown =
    architectures?.join() === known.architectures.join() && JSON.stringify(rest) === DEFAULT_PROFILE;
  return isKnown ? Buffer.from(known.program, 'base64') : undefined;
}
