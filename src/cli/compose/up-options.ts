import type { Command } from 'commander';
import type { Project } from '../../engine/compose/project.js';
import type { UpRequest } from '../../engine/compose/up.js';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { collect } from '../command.js';
import { printProgressLine } from './progress.js';

/** The options that `up` and `create` share, as commander returns them. */
export interface MakeFlags {
  /** --build and --no-build */
  build?: boolean;
  pull?: string;
  quietPull?: boolean;
  forceRecreate?: boolean;
  /** false for --no-recreate */
  recreate?: boolean;
  removeOrphans?: boolean;
  scale?: string[];
  ignoreUnenforcedLimits?: boolean;
}

/** The options of `up`. */
export interface UpFlags extends MakeFlags {
  detach?: boolean;
  deps: boolean;
  start: boolean;
  wait?: boolean;
  waitTimeout?: number;
  timeout?: number;
  renewAnonVolumes?: boolean;
  alwaysRecreateDeps?: boolean;
  abortOnContainerExit?: boolean;
  abortOnContainerFailure?: boolean;
  exitCodeFrom?: string;
  attach?: string[];
  noAttach?: string[];
  attachDependencies?: boolean;
  color: boolean;
  logPrefix: boolean;
  timestamps?: boolean;
  watch?: boolean;
}

export function addMakeOptions(command: Command): Command {
  return command
    .option('--build', 'build images before, even if they are there')
    .option('--no-build', 'build no image, even if it is missing')
    .option('--pull <POLICY>', 'when to pull images: always, missing or never')
    .option('--quiet-pull', 'print nothing while images are pulled')
    .option('--force-recreate', 'make containers anew, even if nothing has changed')
    .option('--no-recreate', 'make no container anew that is there')
    .option('--remove-orphans', 'remove containers of services that the files no longer have')
    .option('--scale <SERVICE=NUMBER>', 'number of containers of a service', collect)
    .option('--ignore-unenforced-limits', 'continue with a warning if a limit cannot be enforced');
}

/** @throws FosterError for values that make no sense */
export function makeRequest(project: Project, services: readonly string[], flags: MakeFlags): UpRequest {
  if (flags.forceRecreate && flags.recreate === false)
    throw new FosterError('--force-recreate and --no-recreate cannot be used together', { kind: 'invalid' });
  return {
    services,
    images: {
      build: flags.build === undefined ? 'missing' : flags.build ? 'always' : 'never',
      pull: flags.pull,
      quiet: flags.quietPull,
      printLine: printProgressLine,
    },
    force: flags.forceRecreate,
    noRecreate: flags.recreate === false,
    removeOrphans: flags.removeOrphans,
    scale: scales(project, flags.scale ?? []),
    ignoreUnenforced: flags.ignoreUnenforcedLimits,
  };
}

function scales({ services }: Project, values: readonly string[]): Map<string, number> {
  return new Map(
    values.map((value) => {
      const [, name = '', count = ''] = /^([^=]+)=(\d{1,4})$/.exec(value) ?? [];
      if (name === '') throw flagError('--scale', value, 'expected SERVICE=NUMBER');
      if (services[name] === undefined) throw flagError('--scale', value, `there is no service ${name}`);
      return [name, Number(count)];
    }),
  );
}
