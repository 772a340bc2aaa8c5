import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { settings } from '../output.js';
import { parseCount, projectOf } from './options.js';
import { reportOf } from './progress.js';
import { addMakeOptions, makeRequest, type UpFlags } from './up-options.js';

/** `foster compose up`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Create and start containers. What has not changed is left alone; without -d, print the logs until Ctrl-C, which stops them.',
    )
    .argument('[SERVICE...]', 'only these services, and what they depend on')
    .option('-d, --detach', 'run in the background');
  addMakeOptions(command);
  command
    .option('--no-deps', 'leave what the services depend on alone')
    .option('--no-start', 'only create the containers')
    .option('--wait', 'wait until the containers run, and are healthy; implies --detach')
    .option('--wait-timeout <SECONDS>', 'how long --wait may take', parseCount('--wait-timeout'))
    .option(
      '-t, --timeout <SECONDS>',
      'how long containers may take to end before SIGKILL',
      parseCount('--timeout'),
    )
    .option('-V, --renew-anon-volumes', 'make volumes without a name anew, too')
    .option('--always-recreate-deps', 'make what the services depend on anew, too')
    .option('--abort-on-container-exit', 'stop all containers when one exits')
    .option('--abort-on-container-failure', 'stop all containers when one fails')
    .option(
      '--exit-code-from <SERVICE>',
      'stop all containers when one exits, and return the exit code of this service',
    )
    .option('--attach <SERVICE>', 'print only the logs of this service', collect)
    .option('--no-attach <SERVICE>', 'leave out the logs of this service')
    .option('--attach-dependencies', 'print the logs of what the services depend on, too')
    .option('--no-color', 'print the logs without colours')
    .option('--no-log-prefix', 'print the logs without the names of containers')
    .option('--timestamps', 'print the time of each line')
    .option('-w, --watch', 'update containers when files change');
  keepValue(command, 'noAttach', '--no-attach');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'If something cannot be made or started, everything that this command has made is',
    'removed again.',
    '',
    'Examples:',
    '  foster compose up                         with the logs; Ctrl-C stops everything',
    '  foster compose up -d --wait               return when everything is healthy',
    '  foster compose up -d --scale web=3',
    '  foster compose up --build web             build, then start web and what it needs',
    '  foster compose up --exit-code-from tests  run tests, and return their exit code',
  ]);
  command.action(async (services: string[], flags: UpFlags) => {
    check(flags);
    const project = await projectOf(command, services);
    if (flags.exitCodeFrom !== undefined && project.services[flags.exitCodeFrom] === undefined)
      throw flagError('--exit-code-from', flags.exitCodeFrom, 'there is no such service');
    const request = {
      ...makeRequest(project, services, flags),
      noDeps: !flags.deps,
      noStart: !flags.start,
      timeout: flags.timeout,
      renewsVolumes: flags.renewAnonVolumes,
    };
    const whole =
      flags.alwaysRecreateDeps && services.length > 0
        ? { ...request, force: await depsOf(project, services) }
        : request;
    const report = reportOf(command);
    const { up } = await import('../../engine/compose/up.js');
    if (flags.detach || flags.wait || !flags.start || report.isDry) {
      const chosen = await up(project, whole, report);
      if (!flags.wait || report.isDry) return;
      const { awaitReady } = await import('../../engine/compose/conditions.js');
      const deadline = performance.now() + (flags.waitTimeout ?? Infinity) * 1000;
      return await awaitReady(project, new Set(chosen), deadline, report);
    }
    const { upInForeground } = await import('./foreground.js');
    settings.exitCode = await upInForeground(project, whole, services, flags);
  });
}

/** Commander takes an option that begins with --no- for the opposite of another. */
function keepValue(command: Command, name: string, long: string): void {
  const option = command.options.find((one) => one.long === long);
  if (option === undefined) return;
  option.negate = false;
  option.argParser(collect);
  option.attributeName = () => name;
}

function check(flags: UpFlags): void {
  const inForeground = [
    ['--abort-on-container-exit', flags.abortOnContainerExit],
    ['--abort-on-container-failure', flags.abortOnContainerFailure],
    ['--exit-code-from', flags.exitCodeFrom],
    ['--attach', flags.attach],
    ['--watch', flags.watch],
  ] as const;
  const [flag] = inForeground.find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined && (flags.detach || flags.wait))
    throw new FosterError(`${flag} and ${flags.detach ? '--detach' : '--wait'} cannot be used together`, {
      kind: 'invalid',
    });
}

async function depsOf(
  project: Parameters<typeof makeRequest>[0],
  services: readonly string[],
): Promise<Set<string>> {
  const { neededBy } = await import('../../engine/compose/needs.js');
  return neededBy(project, services);
}
