import type { CommandEntry } from './command.js';

/** Commands by the headings of the help. Only the module of the requested command is loaded. */
const GROUPS: [heading: string, commands: Omit<CommandEntry, 'group'>[]][] = [
  [
    'Containers:',
    [
      { name: 'run', summary: 'run a command in a new container', load: () => import('./container/run.js') },
      {
        name: 'create',
        summary: 'create a container without starting it',
        load: () => import('./container/create.js'),
      },
      {
        name: 'start',
        summary: 'start stopped containers',
        load: () => import('./container/start.js'),
      },
      {
        name: 'spec',
        summary: 'write the config.json of an OCI bundle',
        load: () => import('./container/spec.js'),
      },
      { name: 'stop', summary: 'stop running containers', load: () => import('./container/stop.js') },
      {
        name: 'restart',
        summary: 'restart containers',
        load: () => import('./container/restart.js'),
      },
      { name: 'kill', summary: 'send a signal to containers', load: () => import('./container/kill.js') },
      {
        name: 'pause',
        summary: 'freeze all processes of containers',
        load: () => import('./container/pause.js'),
      },
      {
        name: 'unpause',
        summary: 'resume paused containers',
        load: () => import('./container/unpause.js'),
      },
      {
        name: 'wait',
        summary: 'wait until containers exit',
        load: () => import('./container/wait.js'),
      },
      {
        name: 'rename',
        summary: 'rename a container',
        load: () => import('./container/rename.js'),
      },
      {
        name: 'update',
        summary: 'change the options of containers',
        load: () => import('./container/update.js'),
      },
      { name: 'rm', summary: 'remove containers', load: () => import('./container/rm.js') },
      {
        name: 'init',
        summary: 'check that containers can be started',
        load: () => import('./container/init.js'),
      },
      {
        name: 'prune',
        summary: 'remove all stopped containers',
        load: () => import('./container/prune.js'),
      },
      { name: 'container', summary: 'manage containers', load: () => import('./container/group.js') },
    ],
  ],
  [
    'Inspecting containers:',
    [
      { name: 'ps', summary: 'list containers', load: () => import('./container/ps.js') },
      {
        name: 'exec',
        summary: 'run a command in a running container',
        load: () => import('./container/exec.js'),
      },
      {
        name: 'attach',
        summary: 'attach to a running container',
        load: () => import('./container/attach.js'),
      },
      {
        name: 'logs',
        summary: 'print the logs of containers',
        load: () => import('./container/logs.js'),
      },
      { name: 'top', summary: 'list the processes of a container', load: () => import('./container/top.js') },
      {
        name: 'watch',
        summary: 'watch the processes of containers as a tree',
        load: () => import('./container/watch.js'),
      },
      {
        name: 'view',
        summary: 'show containers as a page in the browser',
        load: () => import('./system/view.js'),
      },
      {
        name: 'stats',
        summary: 'show the CPU, memory and I/O that containers use',
        load: () => import('./container/stats.js'),
      },
      {
        name: 'inspect',
        summary: 'show the details of containers, images, networks and volumes as JSON',
        load: () => import('./container/inspect.js'),
      },
      {
        name: 'healthcheck',
        summary: 'run the health check of a container',
        load: () => import('./container/healthcheck.js'),
      },
      {
        name: 'events',
        summary: 'print events as they happen',
        load: () => import('./system/events.js'),
      },
      {
        name: 'diff',
        summary: 'list the files that a container has changed',
        load: () => import('./container/diff.js'),
      },
      {
        name: 'cp',
        summary: 'copy files between containers and the host',
        load: () => import('./container/cp.js'),
      },
      {
        name: 'export',
        summary: 'write the files of a container to a tar archive',
        load: () => import('./container/export.js'),
      },
    ],
  ],
  [
    'Images:',
    [
      { name: 'pull', summary: 'download images from a registry', load: () => import('./image/pull.js') },
      { name: 'search', summary: 'search a registry for images', load: () => import('./image/search.js') },
      { name: 'push', summary: 'upload an image to a registry', load: () => import('./image/push.js') },
      { name: 'build', summary: 'build an image from a Dockerfile', load: () => import('./image/build.js') },
      {
        name: 'builder',
        summary: 'build images, remove the build cache',
        load: () => import('./image/builder-group.js'),
      },
      {
        name: 'buildx',
        summary: 'another name of builder',
        load: () => import('./image/builder-group.js'),
      },
      { name: 'images', summary: 'list images', load: () => import('./image/images.js') },
      { name: 'tag', summary: 'give an image another name', load: () => import('./image/tag.js') },
      { name: 'untag', summary: 'remove names from an image', load: () => import('./image/untag.js') },
      { name: 'rmi', summary: 'remove images', load: () => import('./image/rmi.js') },
      {
        name: 'history',
        summary: 'show the history of an image',
        load: () => import('./image/history.js'),
      },
      { name: 'image', summary: 'manage images', load: () => import('./image/group.js') },
      {
        name: 'manifest',
        summary: 'make lists of images for several platforms',
        load: () => import('./manifest/group.js'),
      },
      { name: 'load', summary: 'load images from an archive', load: () => import('./image/load.js') },
      { name: 'save', summary: 'write images to an archive', load: () => import('./image/save.js') },
      {
        name: 'import',
        summary: 'create an image from a root filesystem',
        load: () => import('./image/import.js'),
      },
      {
        name: 'commit',
        summary: 'create an image from a container',
        load: () => import('./container/commit.js'),
      },
      { name: 'login', summary: 'log in to a registry', load: () => import('./image/login.js') },
      {
        name: 'logout',
        summary: 'log out of a registry',
        load: () => import('./image/logout.js'),
      },
    ],
  ],
  [
    'Pods:',
    [
      {
        name: 'pod',
        summary: 'manage pods: containers that share namespaces',
        load: () => import('./pod/group.js'),
      },
      {
        name: 'kube',
        summary: 'run the pods of a file of Kubernetes',
        load: () => import('./kube/group.js'),
      },
    ],
  ],
  [
    'Volumes:',
    [
      {
        name: 'volume',
        summary: 'manage volumes: files that outlive containers',
        load: () => import('./volume/group.js'),
      },
    ],
  ],
  [
    'Networks:',
    [
      {
        name: 'network',
        summary: 'manage networks: who reaches whom',
        load: () => import('./network/group.js'),
      },
      {
        name: 'port',
        summary: 'show the published ports of containers',
        load: () => import('./container/port.js'),
      },
    ],
  ],
  [
    'Projects:',
    [
      {
        name: 'compose',
        summary: 'run the services of a Compose file',
        load: () => import('./compose/group.js'),
      },
    ],
  ],
  [
    'Learning:',
    [
      {
        name: 'explain',
        summary: 'explain a topic, a container or a command line',
        load: () => import('./system/explain.js'),
      },
      {
        name: 'lab',
        summary: 'learn containers by experiments that are checked',
        load: () => import('./lab/group.js'),
      },
    ],
  ],
  [
    'foster itself:',
    [
      {
        name: 'info',
        summary: 'show what foster can do on this machine',
        load: () => import('./system/info.js'),
      },
      {
        name: 'doctor',
        summary: 'find what keeps containers from running here',
        load: () => import('./system/doctor.js'),
      },
      {
        name: 'system',
        summary: 'show and free disk space',
        load: () => import('./system/group.js'),
      },
      {
        name: 'unshare',
        summary: 'run a command in the user namespace of containers',
        load: () => import('./system/unshare.js'),
      },
      {
        name: 'mount',
        summary: 'mount the files of containers in foster unshare',
        load: () => import('./container/mount.js'),
      },
      {
        name: 'umount',
        summary: 'unmount the files of containers',
        load: () => import('./container/umount.js'),
      },
      { name: 'unmount', summary: 'same as umount', load: () => import('./container/umount.js') },
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
