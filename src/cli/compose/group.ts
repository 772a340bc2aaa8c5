import type { Command } from 'commander';
import type { CommandModule } from '../command.js';
import { configureGroup, type GroupEntry } from '../group.js';
import { addComposeOptions, DRY, DRY_RUN } from './options.js';

const ENTRIES: GroupEntry[] = [
  { name: 'build', summary: 'build the images of services', load: () => import('./build.js') },
  {
    name: 'config',
    aliases: ['convert'],
    summary: 'check the files, and print what they say',
    load: () => import('./config.js'),
  },
  { name: 'cp', summary: 'copy files between services and the host', load: () => import('./cp.js') },
  {
    name: 'create',
    summary: 'create the containers of services without starting them',
    load: () => import('./create.js'),
  },
  { name: 'down', summary: 'stop and remove containers and networks', load: () => import('./down.js') },
  { name: 'events', summary: 'print events of containers as they happen', load: () => import('./events.js') },
  { name: 'exec', summary: 'run a command in a running container', load: () => import('./exec.js') },
  { name: 'images', summary: 'list the images of containers', load: () => import('./images.js') },
  { name: 'kill', summary: 'send a signal to containers', load: () => import('./kill.js') },
  { name: 'logs', summary: 'print the logs of containers', load: () => import('./logs.js') },
  { name: 'ls', summary: 'list projects', load: () => import('./ls.js') },
  { name: 'pause', summary: 'freeze the processes of services', load: () => import('./pause.js') },
  { name: 'port', summary: 'print the address of a published port', load: () => import('./port.js') },
  { name: 'ps', summary: 'list containers', load: () => import('./ps.js') },
  { name: 'pull', summary: 'pull the images of services', load: () => import('./pull.js') },
  { name: 'restart', summary: 'restart containers', load: () => import('./restart.js') },
  { name: 'rm', summary: 'remove stopped containers', load: () => import('./rm.js') },
  { name: 'run', summary: 'run a command in a new container of a service', load: () => import('./run.js') },
  { name: 'start', summary: 'start stopped containers', load: () => import('./start.js') },
  { name: 'stop', summary: 'stop containers', load: () => import('./stop.js') },
  { name: 'top', summary: 'list the processes of containers', load: () => import('./top.js') },
  { name: 'unpause', summary: 'resume the processes of services', load: () => import('./unpause.js') },
  { name: 'up', summary: 'create and start containers', load: () => import('./up.js') },
  { name: 'version', summary: 'show the version of foster', load: () => import('./version.js') },
  { name: 'wait', summary: 'wait until containers exit', load: () => import('./wait.js') },
  { name: 'watch', summary: 'update containers when files change', load: () => import('./watch.js') },
];

/** With the option of the group, which people also give after the command. */
function withDryRun(entry: GroupEntry): GroupEntry {
  if (!DRY.includes(entry.name)) return entry;
  const load = async (): Promise<CommandModule> => {
    const { configure: own } = await entry.load();
    return {
      configure(command, argv, words) {
        command.option('--dry-run', DRY_RUN);
        return own(command, argv, words);
      },
    };
  };
  return { ...entry, load };
}

/** `foster compose`. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Run the services of a Compose file: docs/compose.md says what is honoured.');
  addComposeOptions(command).enablePositionalOptions();
  await configureGroup(command, argv, ENTRIES.map(withDryRun), [
    '  foster compose up -d                   start everything in the background',
    '  foster compose ps                      what runs',
    '  foster compose logs -f web             the output of a service',
    '  foster compose exec db psql            a command in a container',
    '  foster compose -f base.yaml -f dev.yaml up --build',
    '  foster compose down -v                 stop and remove everything, volumes too',
  ]);
}
