import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { type PodFlags, toPodRequest } from '../../spec/parse/pod-request.js';
import type { MountFlag } from '../../spec/parse/run-request.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addRunOptions } from '../container/run-options.js';
import { print } from '../output.js';

/** The options of `foster run` that a pod has, too: what belongs to the network, the users, the limits and the mounts. */
const OF_RUN: readonly string[] = [
  ...['--label', '--label-file', '--restart', '--volume', '--volumes-from', '--device', '--shm-size'],
  ...['--network', '--publish', '--ip', '--ip6', '--mac-address', '--network-alias', '--hostname', '--dns'],
  ...['--dns-search', '--dns-option', '--add-host', '--no-hosts', '--security-opt', '--uts', '--pid'],
  ...['--userns', '--uidmap', '--gidmap', '--sysctl', '--memory', '--memory-swap', '--cpus', '--cpu-shares'],
  ...['--cpuset-cpus', '--cpuset-mems', '--blkio-weight', '--blkio-weight-device', '--device-read-bps'],
  ...['--device-write-bps', '--pids-limit', '--cgroup-parent'],
];

/** `foster pod create`. */
export function configure(command: Command, argv: string[]): void {
  const mounts: MountFlag[] = [];
  const ofRun = new Command();
  addRunOptions(ofRun, argv, mounts);
  command
    .description('Create a pod, without starting it: containers with foster run --pod share its namespaces.')
    .argument('[NAME]', 'its name (default: a random one)')
    .optionsGroup('Pod:')
    .option('-n, --name <NAME>', 'name the pod')
    .option('--replace', 'remove the pod that has the name first')
    .option('--pod-id-file <FILE>', 'write the id of the pod to FILE')
    .option(
      '--share <NAMES>',
      'none, or some of cgroup, ipc, net, pid, uts (default: ipc,net,uts); +pid adds it',
    )
    .option('--share-parent', "put the containers' cgroups into one of the pod (default)")
    .option('--infra', 'have a process that holds the namespaces (default)')
    .option('--no-infra', 'share nothing')
    .option('--infra-name <NAME>', 'name the container that holds the namespaces')
    .option('--exit-policy <POLICY>', 'when its last container has ended: continue (default) or stop');
  for (const option of ofRun.options) if (OF_RUN.includes(option.long ?? '')) command.addOption(option);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'The namespaces are held by a process of foster, which needs no image. With',
    '--share pid it is PID 1 for all containers of the pod, and reaps for all of them.',
    '',
    'Examples:',
    '  foster pod create --name shop -p 8080:80',
    '  foster pod create --share +pid debug',
    '  foster pod create --restart always --volume data:/data db',
  ]);
  command.action(async (name: string | undefined, flags: PodFlags) => {
    const context = {
      cwd: process.cwd(),
      env: process.env,
      commandLine: ['foster', ...process.argv.slice(2)],
      exists: existsSync,
      readText: (path: string) => readFileSync(path, 'utf8'),
    };
    const request = toPodRequest(name, flags, mounts, context);
    const { create } = await import('../../engine/pods.js');
    print(`${await create(request)}\n`);
  });
}
