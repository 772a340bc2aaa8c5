import assert from 'node:assert/strict';
import test from 'node:test';
import { compileSeccomp } from '../../../../src/plan/seccomp/compile.js';
import { DEFAULT_PROFILE, DEFAULT_PROGRAMS } from '../../../../src/plan/seccomp/default-filter.js';
import { loadSeccomp } from '../../../../src/plan/seccomp/step.js';
import { defaultSeccompProfile } from '../../../../src/spec/seccomp-profile.js';
import type { Seccomp } from '../../../../src/spec/types.js';
import { resolveCapabilities } from '../../../../src/sys/capabilities.js';

const HINT =
  'run: node scripts/seccomp-default.mjs && npx biome check --write src/plan/seccomp/default-filter.ts';
const profile = defaultSeccompProfile(resolveCapabilities([], []));
const machine = process.arch === 'arm64' ? 'arm64' : 'x64';

test('the precompiled filter is up to date', () => {
  assert.equal(DEFAULT_PROFILE, JSON.stringify(profile), HINT);
  for (const name of ['x64', 'arm64'] as const) {
    const { architectures, program } = DEFAULT_PROGRAMS[name];
    const fresh = Buffer.from(compileSeccomp({ ...profile, architectures }, name)).toString('base64');
    assert.ok(program === fresh, `${name}: ${HINT}`);
  }
});

/** The filter that the step would load, with its length. */
function filterOf(given: Seccomp): { program: Uint8Array; length: number } {
  const struct = loadSeccomp(given).args[2];
  assert.ok(typeof struct === 'object' && struct !== null && 'bytes' in struct);
  const target = struct.pointers?.[0]?.to;
  assert.ok(typeof target === 'object');
  return { program: target.bytes, length: Buffer.from(struct.bytes).readUInt16LE(0) };
}

test('the step loads the program of its profile, precompiled or not', () => {
  const { architectures } = DEFAULT_PROGRAMS[machine];
  const others: Seccomp[] = [
    { ...profile, architectures },
    profile,
    { ...profile, architectures, defaultErrnoRet: 2 },
    { ...profile, architectures, syscalls: profile.syscalls.slice(1) },
    { ...defaultSeccompProfile([]), architectures },
  ];
  for (const given of others) {
    const { program, length } = filterOf(given);
    assert.deepEqual(Buffer.from(program), Buffer.from(compileSeccomp(given, machine)));
    assert.equal(length, program.length / 8);
  }
});
