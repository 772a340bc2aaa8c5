import type { Seccomp } from '../spec/types.js';
import { compileSeccomp } from './seccomp.js';
import { type Bytes, constant, type Step, step } from './step.js';

/** seccomp(2): loads the filter that decides about each system call of the user's process from here on. */
export function loadSeccomp(profile: Seccomp): Step {
  const program = compileSeccomp(profile, process.arch === 'arm64' ? 'arm64' : 'x64');
  const length = program.length / 8;
  const filter = Buffer.alloc(16); // struct sock_fprog
  filter.writeUInt16LE(length, 0);
  const struct: Bytes = {
    bytes: filter,
    text: `{len=${length}, filter=...}`,
    pointers: [{ offset: 8, to: { bytes: program, text: 'filter' } }],
  };
  return step('refuse the system calls that containers have no need of', 'seccomp', [
    constant('SECCOMP_SET_MODE_FILTER', 1),
    0,
    struct,
  ]);
}
