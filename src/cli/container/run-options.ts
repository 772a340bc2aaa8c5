import { type Command, Option } from 'commander';
import type { MountFlag } from '../../spec/parse/run-request.js';
import { collect } from '../command.js';

/** Docker's flags for `run`, in groups. Mounts are appended to `mounts` in the order they are given. */
export function addRunOptions(command: Command, argv: string[], mounts: MountFlag[]): void {
  const short = (value: string) => afterShortFlag(value, argv);
  const collectShort = (value: string, previous: string[] | undefined) => collect(short(value), previous);
  const mount = (kind: MountFlag['kind']) => (value: string) => {
    mounts.push({ kind, value: short(value) });
    return value;
  };
  command
    .optionsGroup('Container:')
    .option('--name <NAME>', 'call the container NAME')
    .option('-d, --detach', 'let it run in the background, and print its id')
    .option('--detach-keys <KEYS>', 'the keys that leave it running (default: ctrl-p,ctrl-q)')
    .option('--restart <POLICY>', 'when it has ended: no, on-failure[:MAX], always or unless-stopped')
    .option('--rm', 'remove the container when it ends')
    .option('-l, --label <KEY=VALUE>', 'set a label', collectShort)
    .option('--cidfile <FILE>', 'write the id of the container to FILE')
    .optionsGroup('Process:')
    .option('-i, --interactive', 'keep standard input open')
    .option('-t, --tty', 'give the container a terminal of its own')
    .option('-e, --env <NAME[=VALUE]>', "set a variable, or pass on the caller's", collectShort)
    .option('--env-file <FILE>', 'set variables from a file, a line each', collect)
    .option('-w, --workdir <DIR>', 'start in DIR', short)
    .option('-u, --user <USER[:GROUP]>', 'run as a user of the container, by name or id', short)
    .option('--entrypoint <COMMAND>', 'put COMMAND before the arguments')
    .option('--ulimit <NAME=SOFT[:HARD]>', 'set a resource limit, -1 for none', collect)
    .option('--stop-signal <SIGNAL>', 'the signal that asks the process to end (default: SIGTERM)')
    .option('--stop-timeout <SECONDS>', 'the time it has to do so before SIGKILL (default: 10)')
    .optionsGroup('PID 1:')
    .option('--init', 'run the reaper as PID 1 and the command as its child (default)')
    .option('--no-init', 'run the command as PID 1')
    .option('--init-signal-group', 'forward signals to the process group of the command')
    .option('--init-verbose', 'say which orphans are adopted and which zombies buried')
    .optionsGroup('Files:')
    .option(
      '-v, --volume <[SRC:]DST[:OPT,...]>',
      "show a file or directory of the machine at DST; without SRC, a folder of the container's own",
      mount('volume'),
    )
    .option(
      '--mount <KEY=VALUE,...>',
      'the same in words: type=bind|tmpfs|volume,source=...,destination=...',
      mount('mount'),
    )
    .option('--tmpfs <DST[:OPT,...]>', 'put an empty file system in memory at DST', mount('tmpfs'))
    .option('--read-only', 'let nothing write to the root filesystem')
    .option('--pull <WHEN>', 'fetch an image: missing (default), always, newer or never')
    .option('--platform <OS/ARCH>', 'of an image, where it is not that of the machine')
    .option('--max-unpacked-size <SIZE>', 'refuse a tar file that unpacks to more')
    .optionsGroup('Network:')
    .option('--network <MODE>', 'none: only a loopback device (default); host: the network of the machine')
    .addOption(new Option('--net <MODE>').hideHelp())
    .option('-h, --hostname <NAME>', 'the host name of the container', short)
    .option('--dns <ADDRESS>', 'use a name server', collect)
    .option('--add-host <NAME:ADDRESS>', 'add a line to /etc/hosts', collect)
    .optionsGroup('Log and health, of a container in the background:')
    .option('--log-opt <KEY=VALUE>', 'max-size=SIZE, max-file=NUMBER', collect)
    .addOption(new Option('--log-driver <DRIVER>').hideHelp())
    .option('--health-cmd <COMMAND>', 'the command that tells whether it is well, by its exit code')
    .option('--health-interval <TIME>', 'the time between two checks (default: 30s)')
    .option('--health-timeout <TIME>', 'a check that takes longer has failed (default: 30s)')
    .option('--health-retries <NUMBER>', 'failures in a row that make it unhealthy (default: 3)')
    .option('--health-start-period <TIME>', 'the time at the start in which failures do not count')
    .addOption(new Option('--no-healthcheck').hideHelp())
    .optionsGroup('Isolation:')
    .option('--cap-add <CAPABILITY>', 'add a capability, or ALL', collect)
    .option('--cap-drop <CAPABILITY>', 'drop a capability, or ALL', collect)
    .option('--security-opt <OPTION>', 'no-new-privileges[=true|false], seccomp=unconfined|FILE', collect)
    .option('--privileged', 'all capabilities, no seccomp filter, no masked paths')
    .option('--pid <MODE>', 'PID namespace: private (default), host or container:NAME')
    .option('--userns <MODE>', 'user namespace: default, host, keep-id or auto')
    .option('--sysctl <NAME=VALUE>', 'set a kernel parameter of the container', collect)
    .optionsGroup('Learning:')
    .option('--dry-run', 'print the plan as JSON and run nothing')
    .option('--explain', 'print each step while it is done, and why')
    .helpOption('--help', 'show this help');
  command.on('option:net', (value: string) => command.setOptionValue('network', value));
}

/**
 * `-e=NAME=value`: Docker takes an equals sign between a short flag and its value, commander makes it part of the
 * value. `-e =value` keeps it, to be refused.
 */
function afterShortFlag(value: string, argv: string[]): string {
  const joined = argv.some((word) => /^-[a-zA-Z]+=/.test(word) && word.slice(word.indexOf('=')) === value);
  return joined ? value.slice(1) : value;
}
