import type { CommandEntry } from './command.js';

/** Commands by the headings of the help. Only the module of the one asked for is loaded. */
const GROUPS: [heading: string, commands: Omit<CommandEntry, 'group'>[]][] = [
  [
    'Containers:',
    [
      { name: 'run', summary: 'run a command in a new container', load: () => import('./container/run.js') },
      {
        name: 'create',
        summary: 'make a container without starting it',
        load: () => import('./container/create.js'),
      },
      {
        name: 'start',
        summary: 'start containers that do not run',
        load: () => import('./container/start.js'),
      },
      { name: 'stop', summary: 'ask containers to end', load: () => import('./container/stop.js') },
      {
        name: 'restart',
        summary: 'stop containers and start them again',
        load: () => import('./container/restart.js'),
      },
      { name: 'kill', summary: 'send a signal to containers', load: () => import('./container/kill.js') },
      {
        name: 'pause',
        summary: 'stop all processes of containers where they are',
        load: () => import('./container/pause.js'),
      },
      {
        name: 'unpause',
        summary: 'let paused containers go on',
        load: () => import('./container/unpause.js'),
      },
      {
        name: 'wait',
        summary: 'wait until containers have ended',
        load: () => import('./container/wait.js'),
      },
      {
        name: 'rename',
        summary: 'give a container another name',
        load: () => import('./container/rename.js'),
      },
      {
        name: 'update',
        summary: 'change options of containers',
        load: () => import('./container/update.js'),
      },
      { name: 'rm', summary: 'remove containers', load: () => import('./container/rm.js') },
      {
        name: 'prune',
        summary: 'remove all containers that have ended',
        load: () => import('./container/prune.js'),
      },
    ],
  ],
  [
    'Looking into containers:',
    [
      { name: 'ps', summary: 'list containers', load: () => import('./container/ps.js') },
      {
        name: 'exec',
        summary: 'run a command in a running container',
        load: () => import('./container/exec.js'),
      },
      {
        name: 'attach',
        summary: 'watch a container and type to it',
        load: () => import('./container/attach.js'),
      },
      {
        name: 'logs',
        summary: 'print what a detached container has written',
        load: () => import('./container/logs.js'),
      },
      { name: 'top', summary: 'list the processes of a container', load: () => import('./container/top.js') },
      {
        name: 'stats',
        summary: 'show what containers use of the machine',
        load: () => import('./container/stats.js'),
      },
      {
        name: 'inspect',
        summary: 'show all about containers as JSON',
        load: () => import('./container/inspect.js'),
      },
      {
        name: 'events',
        summary: 'print what happens to containers',
        load: () => import('./system/events.js'),
      },
      {
        name: 'diff',
        summary: 'list the files that a container has changed',
        load: () => import('./container/diff.js'),
      },
      {
        name: 'cp',
        summary: 'copy files into and out of a container',
        load: () => import('./container/cp.js'),
      },
      {
        name: 'export',
        summary: 'write all files of a container to an archive',
        load: () => import('./container/export.js'),
      },
    ],
  ],
  [
    'Images:',
    [
      { name: 'pull', summary: 'download images from a registry', load: () => import('./image/pull.js') },
      { name: 'push', summary: 'upload an image to a registry', load: () => import('./image/push.js') },
      { name: 'build', summary: 'build an image from a Dockerfile', load: () => import('./image/build.js') },
      { name: 'images', summary: 'list images', load: () => import('./image/images.js') },
      { name: 'tag', summary: 'give an image another name', load: () => import('./image/tag.js') },
      { name: 'rmi', summary: 'remove images', load: () => import('./image/rmi.js') },
      {
        name: 'history',
        summary: 'show what an image was made by',
        load: () => import('./image/history.js'),
      },
      { name: 'image', summary: 'manage images', load: () => import('./image/group.js') },
      { name: 'load', summary: 'load images from an archive', load: () => import('./image/load.js') },
      { name: 'save', summary: 'write images to an archive', load: () => import('./image/save.js') },
      {
        name: 'import',
        summary: 'make an image of a root filesystem',
        load: () => import('./image/import.js'),
      },
      {
        name: 'commit',
        summary: 'make an image of a container',
        load: () => import('./container/commit.js'),
      },
      { name: 'login', summary: 'log in to a registry', load: () => import('./image/login.js') },
      {
        name: 'logout',
        summary: 'forget the password for a registry',
        load: () => import('./image/logout.js'),
      },
    ],
  ],
  [
    'foster itself:',
    [
      {
        name: 'info',
        summary: 'show what this machine lets foster do',
        load: () => import('./system/info.js'),
      },
      {
        name: 'system',
        summary: 'manage what foster keeps on this machine',
        load: () => import('./system/group.js'),
      },
      {
        name: 'unshare',
        summary: 'run a command in the user namespace of containers',
        load: () => import('./system/unshare.js'),
      },
      {
        name: 'mount',
        summary: "mount containers' files inside of unshare",
        load: () => import('./container/mount.js'),
      },
      { name: 'umount', summary: "unmount containers' files", load: () => import('./container/umount.js') },
      {
        name: 'completion',
        summary: 'print a completion script for a shell',
        load: () => import('./system/completion.js'),
      },
      { name: 'version', summary: 'show the version of foster', load: () => import('./system/version.js') },
    ],
  ],
];

/** All commands, in the order of the help. */
export const COMMANDS: CommandEntry[] = GROUPS.flatMap(([group, commands]) =>
  commands.map((command) => ({ ...command, group })),
);
