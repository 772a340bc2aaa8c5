import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { compileSeccomp } from '../../src/plan/seccomp/compile.js';
import { defaultSeccompProfile } from '../../src/spec/seccomp-profile.js';
import { resolveCapabilities } from '../../src/sys/capabilities.js';
import { DEADLINE } from './support/wait.js';

/** Loads the filter of a file, then makes the calls of its arguments, `ABI:NUMBER[:ARG]`, and prints their results. */
const PROBE = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <sys/prctl.h>

/* Of a 64-bit program, one call in the way of 32-bit ones. */
static long call(const char *abi, long number, long argument) {
  long result;
#ifdef __x86_64__
  if (strcmp(abi, "x86") == 0) {
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(argument), "c"(0), "d"(0), "S"(0), "D"(0)
                     : "r8", "r9", "r10", "r11", "memory");
    return (int)result;
  }
  register long r10 __asm__("r10") = 0;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(argument), "S"(0), "d"(0), "r"(r10) : "rcx", "r11", "memory");
#else
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = argument, x1 __asm__("x1") = 0, x2 __asm__("x2") = 0;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  result = x0;
#endif
  return result;
}

int main(int argc, char **argv) {
  static struct sock_filter code[4096];
  FILE *file = fopen(argv[1], "r");
  struct sock_fprog program = {.len = fread(code, sizeof code[0], 4096, file), .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, 2, &program) != 0) {
    perror("prctl");
    return 1;
  }
  for (int i = 2; i < argc; i++) {
    char *abi = strtok(argv[i], ":"), *number = strtok(NULL, ":"), *argument = strtok(NULL, ":");
    printf("%ld\\n", call(abi, atol(number), argument ? strtol(argument, NULL, 0) : 0));
    fflush(stdout);
  }
  return 0;
}
`;

const machine = process.arch === 'arm64' ? 'arm64' : 'x64';
const onX64 = { skip: machine !== 'x64' && 'the calls are those of x86-64' };
const ALL = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'foster-seccomp-'));
  const compiler = spawnSync('gcc', ['-O1', '-x', 'c', '-', '-o', join(folder, 'probe')], { input: PROBE });
  assert.equal(compiler.status, 0, String(compiler.stderr));
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  results: number[];
  signal: NodeJS.Signals | null;
}

function probe(capabilities: string[], architectures: string[], ...calls: string[]): Outcome {
  const file = join(folder, 'filter');
  writeFileSync(file, compileSeccomp({ ...defaultSeccompProfile(capabilities), architectures }, machine));
  const { stdout, stderr, signal, status } = spawnSync(join(folder, 'probe'), [file, ...calls], {
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  assert.ok(status === 0 || signal !== null, `status ${status}: ${stderr}`);
  return { results: stdout.trim().split('\n').filter(Boolean).map(Number), signal };
}

const capabilities = resolveCapabilities([], []);
const [EPERM, ENOSYS, EFAULT, EINVAL] = [-1, -38, -14, -22];

test('the kernel accepts the default profile and applies it', onX64, () => {
  const decided: [call: string, what: string, result: (number: number) => boolean][] = [
    ['x64:39', 'getpid', (result) => result > 0],
    ['x64:437:-1', 'openat2 of no path', (result) => result === EFAULT || result === EINVAL],
    ['x64:165', 'mount', (result) => result === EPERM],
    ['x64:272:0x10000000', 'unshare(CLONE_NEWUSER)', (result) => result === EPERM],
    ['x64:56:0x10000000', 'clone(CLONE_NEWUSER)', (result) => result === EPERM],
    ['x64:435', 'clone3', (result) => result === ENOSYS],
    ['x64:425', 'io_uring_setup', (result) => result === EPERM],
    ['x64:469', 'file_setattr, newer than the profile', (result) => result === ENOSYS],
    ['x64:135:0xffffffff', 'personality(0xffffffff)', (result) => result >= 0],
    ['x64:135:0x40000', 'personality(ADDR_NO_RANDOMIZE)', (result) => result === EPERM],
    ['x64:41:1', 'socket(AF_UNIX) of no type', (result) => result === -94 || result === EINVAL],
    ['x64:41:40', 'socket(AF_VSOCK)', (result) => result === EPERM],
    ['x64:41:38', 'socket(AF_ALG)', (result) => result === EPERM],
  ];
  const { results, signal } = probe(capabilities, ALL, ...decided.map(([call]) => call));
  assert.equal(signal, null);
  assert.equal(results.length, decided.length);
  for (const [index, [, what, isExpected]] of decided.entries()) {
    const result = results[index] ?? Number.NaN;
    assert.ok(isExpected(result), `${what}: ${result}`);
  }
});

test('with CAP_SYS_ADMIN the kernel itself decides about namespaces', onX64, () => {
  const { results } = probe([...capabilities, 'CAP_SYS_ADMIN'], ALL, 'x64:272:0', 'x64:435');
  assert.deepEqual(results, [0, EINVAL]);
});

test('calls of the i386 ABI are matched by their own numbers', onX64, (t) => {
  const plain = spawnSync(join(folder, 'probe'), ['/dev/null']);
  assert.equal(plain.status, 1, 'an empty filter is refused, so the probe does load what it is given');
  const { results, signal } = probe(capabilities, ALL, 'x86:20', 'x86:21', 'x86:310', 'x86:435', 'x64:39');
  if (signal === 'SIGSEGV') return t.skip('this kernel does not run 32-bit calls');
  const [getpid, mount, unshare, clone3, own] = results;
  assert.ok(getpid !== undefined && getpid > 0);
  assert.equal(getpid, own);
  assert.deepEqual([mount, unshare, clone3], [EPERM, EPERM, ENOSYS]);
});

test('a call of an architecture that is not listed kills the process', onX64, (t) => {
  const { results, signal } = probe(capabilities, ['SCMP_ARCH_X86_64'], 'x64:39', 'x86:20', 'x64:39');
  if (signal === 'SIGSEGV') return t.skip('this kernel does not run 32-bit calls');
  assert.equal(results.length, 1);
  assert.equal(signal, 'SIGSYS');
  const x32 = probe(capabilities, ['SCMP_ARCH_X86_64'], `x64:${0x40000000 + 39}`);
  assert.equal(x32.signal, 'SIGSYS');
});
