import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster container`: Docker's longer names for commands that also have short ones, and those that have no short one. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Manage containers.').enablePositionalOptions();
  const entries: GroupEntry[] = [
    { name: 'attach', summary: 'attach to a running container', load: () => import('./attach.js') },
    {
      name: 'cleanup',
      summary: 'remove what stopped containers no longer need',
      load: () => import('./cleanup.js'),
    },
    { name: 'commit', summary: 'create an image from a container', load: () => import('./commit.js') },
    { name: 'cp', summary: 'copy files between containers and the host', load: () => import('./cp.js') },
    { name: 'create', summary: 'create a container without starting it', load: () => import('./create.js') },
    { name: 'diff', summary: 'list the files that a container has changed', load: () => import('./diff.js') },
    { name: 'exec', summary: 'run a command in a running container', load: () => import('./exec.js') },
    {
      name: 'exists',
      summary: 'check whether a container exists',
      load: () => import('./exists.js'),
    },
    {
      name: 'export',
      summary: 'write the files of a container to a tar archive',
      load: () => import('./export.js'),
    },
    { name: 'init', summary: 'check that containers can be started', load: () => import('./init.js') },
    {
      name: 'inspect',
      summary: 'show the details of containers as JSON',
      load: async () => (await import('./inspect.js')).containerInspect,
    },
    { name: 'kill', summary: 'send a signal to containers', load: () => import('./kill.js') },
    { name: 'logs', summary: 'print the logs of containers', load: () => import('./logs.js') },
    { name: 'ls', aliases: ['list', 'ps'], summary: 'list containers', load: () => import('./ps.js') },
    {
      name: 'mount',
      summary: 'mount the files of containers in foster unshare',
      load: () => import('./mount.js'),
    },
    { name: 'pause', summary: 'freeze all processes of containers', load: () => import('./pause.js') },
    {
      name: 'port',
      summary: 'show the published ports of containers',
      load: () => import('./port.js'),
    },
    { name: 'prune', summary: 'remove all stopped containers', load: () => import('./prune.js') },
    { name: 'rename', summary: 'rename a container', load: () => import('./rename.js') },
    { name: 'restart', summary: 'restart containers', load: () => import('./restart.js') },
    { name: 'rm', aliases: ['remove'], summary: 'remove containers', load: () => import('./rm.js') },
    { name: 'run', summary: 'run a command in a new container', load: () => import('./run.js') },
    { name: 'start', summary: 'start stopped containers', load: () => import('./start.js') },
    {
      name: 'stats',
      summary: 'show the CPU, memory and I/O that containers use',
      load: () => import('./stats.js'),
    },
    { name: 'stop', summary: 'stop running containers', load: () => import('./stop.js') },
    { name: 'top', summary: 'list the processes of a container', load: () => import('./top.js') },
    {
      name: 'umount',
      aliases: ['unmount'],
      summary: 'unmount the files of containers',
      load: () => import('./umount.js'),
    },
    { name: 'unpause', summary: 'resume paused containers', load: () => import('./unpause.js') },
    { name: 'update', summary: 'change the options of containers', load: () => import('./update.js') },
    { name: 'wait', summary: 'wait until containers exit', load: () => import('./wait.js') },
  ];
  await configureGroup(command, argv, entries, [
    '  foster container ls -a',
    '  foster container exists web && foster container stop web',
    '  foster container prune      remove stopped containers',
  ]);
}
