import { execFile } from 'node:child_process';
import { installCommand, type PackagedProgram } from '../../sys/packages.js';
import { type AnyCheck, defineCheck, type Finding } from '../check.js';
import { programPath } from '../read.js';

interface ProgramFacts {
  program: string;
  path?: string;
  /** The first line that it prints about its version; undefined if it cannot be run. */
  version?: string;
  install: string;
}

/** Milliseconds that a program has to say its version. */
const PATIENCE = 5000;

/** Programs that networks need, and what does not work without. */
const WITHOUT: Readonly<Record<string, string>> = {
  pasta: 'Containers reach each other, but not the outside.',
  nft: 'Containers do not reach the outside, have one network at a time, and cannot publish ports.',
  dnsmasq: 'Containers do not find each other by name.',
};

/** A check for each of them. */
export const PROGRAMS: readonly AnyCheck[] = (['pasta', 'nft', 'dnsmasq'] as const).map((program) =>
  defineCheck<ProgramFacts>({
    name: program,
    group: 'reads',
    probe: () => probeProgram(program),
    judge: judgeProgram,
  }),
);

async function probeProgram(program: PackagedProgram): Promise<ProgramFacts> {
  const path = await programPath(program);
  const version = path === undefined ? undefined : await versionOf(path);
  return {
    program,
    install: installCommand(program),
    ...(path !== undefined && { path }),
    ...(version !== undefined && { version }),
  };
}

function versionOf(path: string): Promise<string | undefined> {
  return new Promise((done) => {
    const options = { timeout: PATIENCE, killSignal: 'SIGKILL', encoding: 'utf8', cwd: '/' } as const;
    execFile(path, ['--version'], options, (error, stdout) =>
      done(error === null ? stdout.trim().split('\n')[0]?.slice(0, 200) : undefined),
    );
  });
}

function judgeProgram({ program, path, version, install }: ProgramFacts): Finding {
  const means = WITHOUT[program] ?? '';
  const mend = [{ who: 'root', command: install } as const];
  if (path === undefined) return { level: 'warn', found: `${program} is not installed`, means, mend };
  if (version === undefined) return { level: 'warn', found: `${path} cannot be run`, means, mend };
  // `Dnsmasq version 2.90  Copyright (c) ...`
  return { level: 'ok', found: version.replace(/\s+Copyright.*/, '') };
}
