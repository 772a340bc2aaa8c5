import type { Command } from 'commander';
import { configureGroup } from '../group.js';
import * as attach from './attach.js';
import * as cleanup from './cleanup.js';
import * as commit from './commit.js';
import * as cp from './cp.js';
import * as create from './create.js';
import * as diff from './diff.js';
import * as exec from './exec.js';
import * as exists from './exists.js';
import * as exportFiles from './export.js';
import * as init from './init.js';
import { containerInspect } from './inspect.js';
import * as kill from './kill.js';
import * as logs from './logs.js';
import * as mount from './mount.js';
import * as pause from './pause.js';
import * as port from './port.js';
import * as prune from './prune.js';
import * as ps from './ps.js';
import * as rename from './rename.js';
import * as restart from './restart.js';
import * as rm from './rm.js';
import * as run from './run.js';
import * as start from './start.js';
import * as stats from './stats.js';
import * as stop from './stop.js';
import * as top from './top.js';
import * as umount from './umount.js';
import * as unpause from './unpause.js';
import * as update from './update.js';
import * as wait from './wait.js';

/** `foster container`: Docker's longer names for commands that also have short ones, and those that have no short one. */
export function configure(command: Command, argv: string[]): void {
  command.description('Manage containers.').enablePositionalOptions();
  const entries = [
    { name: 'attach', summary: 'attach to a running container', module: attach },
    { name: 'cleanup', summary: 'remove what stopped containers no longer need', module: cleanup },
    { name: 'commit', summary: 'create an image from a container', module: commit },
    { name: 'cp', summary: 'copy files between containers and the host', module: cp },
    { name: 'create', summary: 'create a container without starting it', module: create },
    { name: 'diff', summary: 'list the files that a container has changed', module: diff },
    { name: 'exec', summary: 'run a command in a running container', module: exec },
    { name: 'exists', summary: 'tell by the exit code whether there is a container', module: exists },
    { name: 'export', summary: 'write the files of a container to a tar archive', module: exportFiles },
    { name: 'init', summary: 'check that containers can be started', module: init },
    { name: 'inspect', summary: 'show the details of containers as JSON', module: containerInspect },
    { name: 'kill', summary: 'send a signal to containers', module: kill },
    { name: 'logs', summary: 'print the logs of containers', module: logs },
    { name: 'ls', aliases: ['list', 'ps'], summary: 'list containers', module: ps },
    { name: 'mount', summary: 'mount the files of containers in foster unshare', module: mount },
    { name: 'pause', summary: 'freeze all processes of containers', module: pause },
    { name: 'port', summary: 'show the published ports of containers', module: port },
    { name: 'prune', summary: 'remove all stopped containers', module: prune },
    { name: 'rename', summary: 'rename a container', module: rename },
    { name: 'restart', summary: 'restart containers', module: restart },
    { name: 'rm', aliases: ['remove'], summary: 'remove containers', module: rm },
    { name: 'run', summary: 'run a command in a new container', module: run },
    { name: 'start', summary: 'start stopped containers', module: start },
    { name: 'stats', summary: 'show the CPU, memory and I/O that containers use', module: stats },
    { name: 'stop', summary: 'stop running containers', module: stop },
    { name: 'top', summary: 'list the processes of a container', module: top },
    { name: 'umount', aliases: ['unmount'], summary: 'unmount the files of containers', module: umount },
    { name: 'unpause', summary: 'resume paused containers', module: unpause },
    { name: 'update', summary: 'change the options of containers', module: update },
    { name: 'wait', summary: 'wait until containers exit', module: wait },
  ];
  configureGroup(command, argv, entries, [
    '  foster container ls -a',
    '  foster container exists web && foster container stop web',
    '  foster container prune      remove stopped containers',
  ]);
}
