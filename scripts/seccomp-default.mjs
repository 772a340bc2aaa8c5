// Writes src/plan/seccomp/default-filter.ts: the default seccomp profile, compiled. Run by hand after a change to the profile,
// the compiler or the table of system calls; test/unit/plan/seccomp/default-filter.test.ts fails until then.
import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const TARGET = 'src/plan/seccomp/default-filter.ts';
const ENTRY = `
export { compileSeccomp } from './src/plan/seccomp.js';
export { defaultSeccompProfile } from './src/spec/seccomp-profile.js';
export { resolveCapabilities } from './src/sys/capabilities.js';
`;
const ARCHITECTURES = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

const { outputFiles } = await build({
  stdin: { contents: ENTRY, resolveDir: '.', loader: 'ts' },
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
});
const source = `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`;
const { compileSeccomp, defaultSeccompProfile, resolveCapabilities } = await import(source);

const profile = defaultSeccompProfile(resolveCapabilities([], []));
const programs = Object.entries(ARCHITECTURES).map(([machine, architectures]) => {
  const program = Buffer.from(compileSeccomp({ ...profile, architectures }, machine)).toString('base64');
  const names = architectures.map((name) => `'${name}'`).join(', ');
  return `  ${machine}: { architectures: [${names}], program: '${program}' },`;
});
writeFileSync(
  TARGET,
  `/**
 * The default profile of the default capabilities, without its architectures, and what compileSeccomp makes of it: an
 * array of struct sock_filter in base64. Made by scripts/seccomp-default.mjs.
 */
export const DEFAULT_PROFILE =
  '${JSON.stringify(profile)}';

export const DEFAULT_PROGRAMS = {
${programs.join('\n')}
};
`,
);
