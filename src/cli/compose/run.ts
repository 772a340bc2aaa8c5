import type { Command } from 'commander';
import { parseDetachKeys } from '../../spec/parse/detach-keys.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { print } from '../output.js';
import { wantsTerminal } from './exec.js';
import { projectOf, waitBlocking } from './options.js';
import { progressReport } from './progress.js';
import { addMakeOptions, type MakeFlags, makeRequest } from './up-options.js';

interface RunFlags extends MakeFlags {
  detach?: boolean;
  capAdd?: string[];
  capDrop?: string[];
  deps: boolean;
  entrypoint?: string;
  env?: string[];
  interactive: boolean;
  label?: string[];
  name?: string;
  tty?: boolean;
  publish?: string[];
  quiet?: boolean;
  rm?: boolean;
  servicePorts?: boolean;
  useAliases?: boolean;
  user?: string;
  volume?: string[];
  workdir?: string;
}

/** `foster compose run`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Run a command in a new container of a service; what the service depends on is started before.',
    )
    .usage('[options] SERVICE [COMMAND [ARG...]]')
    .argument('<SERVICE>')
    .argument('[COMMAND...]', 'the command and its arguments (default: that of the service)')
    .passThroughOptions()
    .option('-d, --detach', 'run it in the background, and print its id')
    .option('--rm', 'remove the container when it exits')
    .option('--name <NAME>', 'name of the container')
    .option('-e, --env <NAME[=VALUE]>', 'set an environment variable', collect)
    .option('--entrypoint <COMMAND>', "program before the command, in place of the image's")
    .option('-u, --user <USER[:GROUP]>', 'run as this user (name or id) of the container')
    .option('-w, --workdir <DIR>', 'working directory in the container')
    .option('-v, --volume <SOURCE:DESTINATION>', 'mount something more', collect)
    .option('-p, --publish <PORTS>', 'publish a port, as with foster run -p', collect)
    .option('-P, --service-ports', 'publish the ports of the service')
    .option('--use-aliases', 'give it the names of the service in its networks')
    .option('-l, --label <KEY=VALUE>', 'set a label', collect)
    .option('--cap-add <CAPABILITY>', 'add a capability', collect)
    .option('--cap-drop <CAPABILITY>', 'drop a capability', collect)
    .option('--no-deps', 'start nothing else')
    .option('-i, --interactive', 'keep standard input open', true)
    .option('-T, --no-tty', 'allocate no terminal (default: as standard input and output are)')
    .option('-q, --quiet', 'print nothing about what is started before');
  addMakeOptions(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster compose run --rm web sh',
    '  foster compose run --rm -e DEBUG=1 tests npm test',
    '  foster compose run -d --service-ports web',
  ]);
  command.action(async (service: string, words: string[], flags: RunFlags) => {
    const project = await projectOf(command, [service]);
    const { makeOneOff, prepareOneOff, startNeeds } = await import('../../engine/compose/run.js');
    const request = makeRequest(project, [], flags);
    const report = progressReport(flags.quiet);
    if (flags.deps) await startNeeds(project, service, request, report);
    await prepareOneOff(project, service, request.images, report);
    const isDetached = flags.detach ?? false;
    const interactive = flags.interactive && !isDetached;
    const id = await makeOneOff(project, {
      service,
      command: words,
      name: flags.name,
      env: flags.env ?? [],
      entrypoint: flags.entrypoint,
      user: flags.user,
      workdir: flags.workdir,
      labels: flags.label ?? [],
      volumes: flags.volume ?? [],
      ports: flags.publish ?? [],
      servicePorts: flags.servicePorts ?? false,
      useAliases: flags.useAliases ?? false,
      capAdd: flags.capAdd ?? [],
      capDrop: flags.capDrop ?? [],
      interactive,
      tty: wantsTerminal(flags) && !isDetached,
      remove: flags.rm ?? false,
      ignoreUnenforced: flags.ignoreUnenforcedLimits,
    });
    if (isDetached) {
      const { start } = await import('../../engine/containers.js');
      await start(id);
      return print(`${id}\n`);
    }
    waitBlocking();
    const { startAttached } = await import('../../engine/foreground.js');
    await startAttached(id, { interactive, passSignals: true, detachKeys: parseDetachKeys(undefined) });
  });
}
