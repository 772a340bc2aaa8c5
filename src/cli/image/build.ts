import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import type { BuildRequest } from '../../engine/builds.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect, missingArgument } from '../command.js';
import { addBuildLimitOptions } from '../container/limit-options.js';
import { print } from '../output.js';
import { addNamespaceOptions } from './build-namespaces.js';
import { parseOutput, usesStandardOutput } from './build-output.js';
import { type BuildFlags, toRequest } from './build-request.js';
import { finishBuild, openBuildLog } from './build-results.js';
import { addRegistryOptions } from './registry-options.js';

/** `foster build`. */
export function configure(command: Command, argv: string[]): void {
  defineBuild(command, argv, 'Build an image from a Dockerfile.', buildAndFinish);
  addHelpAfter(command, [
    'FROM localhost/foster/busybox uses the root filesystem that foster builds itself,',
    'so nothing is pulled. RUN has the default network, as a container has.',
    '',
    'Examples:',
    '  foster build -t web .                       the Dockerfile in this directory',
    '  foster build -t web --build-arg V=2 --target release .',
    '  foster build -t web --network none .        RUN downloads nothing',
    '  foster build -t web --timestamp 0 .         reproducible digests',
    '  foster build -o bin .                       the files of the image, in the folder bin',
    '  foster build - < Dockerfile                 without a build context',
    '  foster explain build .                      what it would do',
  ]);
}

/** The arguments and options of a build. @param use does something with it */
export function defineBuild(
  command: Command,
  argv: string[],
  description: string,
  use: (request: BuildRequest, flags: BuildFlags) => Promise<void>,
): void {
  command
    .description(description)
    .usage('[options] CONTEXT')
    .argument(
      '[CONTEXT]',
      'a directory, or - for a tar archive or a Dockerfile on standard input (default: that of --file)',
    )
    .option('-t, --tag <NAME>', 'name of the image; may be given several times', collect)
    .option(
      '-f, --file <FILE>',
      'the Dockerfile; - is standard input (default: Containerfile or Dockerfile in CONTEXT)',
    );
  addInputOptions(command);
  addRunOptions(command);
  addResultOptions(command);
  addPullValues(command, argv);
  addRegistryOptions(command);
  acceptBooleanValues(
    command,
    argv.filter((word) => !word.startsWith('--pull=')),
  );
  command.action(async (given: string | undefined, flags: BuildFlags) => {
    const context = given ?? folderOfFile(flags) ?? missingArgument(command, 'CONTEXT');
    await use(await toRequest(context, flags), flags);
  });
}

async function buildAndFinish(request: BuildRequest, flags: BuildFlags): Promise<void> {
  const outputs = (flags.output ?? []).flatMap((value) => parseOutput(value) ?? []);
  const isArchive = usesStandardOutput(outputs);
  const log = openBuildLog(flags.logfile, isArchive ? 2 : 1);
  const progress = (line: string) => {
    if (!request.isQuiet) log(`${line}\n`);
  };
  const { build } = await import('../../engine/builds.js');
  const id = await build(request, progress);
  await finishBuild(id, request, flags, outputs);
  if (isArchive) return;
  print(`${request.isQuiet ? id : id.slice('sha256:'.length)}\n`);
}

/** As in Podman: a Dockerfile without a CONTEXT is built in its own directory. */
function folderOfFile({ file }: BuildFlags): string | undefined {
  return file === undefined || file === '-' ? undefined : dirname(file);
}

/** What a build reads. */
function addInputOptions(command: Command): void {
  command
    .option('--build-arg <NAME=VALUE>', 'value of an ARG; NAME alone takes it from the environment', collect)
    .option(
      '--build-context <NAME=SOURCE>',
      'a directory, or docker-image://IMAGE, that FROM and --from= name NAME',
      collect,
    )
    .option('--from <IMAGE>', 'use this image in the first FROM')
    .option('--ignorefile <FILE>', 'read this instead of .dockerignore')
    .option('--target <STAGE>', 'stage to build (default: the last one)')
    .option('--no-cache', 'run every step, ignoring the cache')
    .addOption(cacheFilter())
    .option('--retry <NUMBER>', 'how often a request to a registry that fails is made again (default: 5)')
    .option('--retry-delay <TIME>', 'time before that (default: from 200ms on, longer each time)')
    .option('--pull', 'check for newer base images; --pull=missing, newer or never')
    .addOption(new Option('--pull-always').hideHelp().implies({ pull: 'always' }))
    .addOption(new Option('--pull-never').hideHelp().implies({ pull: 'never' }))
    .option(
      '--secret <id=NAME,src=FILE>',
      'file for RUN --mount=type=secret,id=NAME; or env=VARIABLE instead of src',
      collect,
    )
    .option(
      '--ssh <ID[=SOCKET]>',
      'SSH agent for RUN --mount=type=ssh: default for that of $SSH_AUTH_SOCK',
      collect,
    );
}

/** An option whose name begins with --no-, but which negates nothing for commander. */
function cacheFilter(): Option {
  const option = new Option('--no-cache-filter <STAGE>', 'run every step of this stage').argParser(collect);
  option.negate = false;
  return option;
}

function jobs(): Option {
  return new Option('--jobs <NUMBER>', 'no effect: stages are built one after another').argParser((value) => {
    if (!/^\d+$/.test(value)) throw flagError('--jobs', value, 'expected a number');
    return value;
  });
}

/** Options for RUN. */
function addRunOptions(command: Command): void {
  command
    .option('--network <NETWORK>', 'network for RUN: bridge, none, host or the name of one (default: bridge)')
    .option('--http-proxy', 'pass on http_proxy, https_proxy, ftp_proxy and no_proxy to RUN')
    .option('-v, --volume <DIR:PATH>', 'bind mount a directory of the host in RUN', collect)
    .option('--add-host <NAME:ADDRESS>', 'add a line to /etc/hosts in RUN', collect)
    .option('--dns <ADDRESS>', 'name server in RUN', collect)
    .option('--dns-search <DOMAIN>', 'search domain in RUN; . for none', collect)
    .option('--dns-option <OPTION>', 'option of resolv.conf in RUN', collect)
    .option('--no-hosts', 'leave /etc/hosts in RUN as the image has it')
    .option('--shm-size <SIZE>', 'size of /dev/shm in RUN')
    .option('--cap-add <CAPABILITY>', 'add a capability in RUN, or ALL', collect)
    .option('--cap-drop <CAPABILITY>', 'drop a capability in RUN, or ALL', collect)
    .option('--security-opt <OPTION>', 'seccomp=unconfined|PROFILE.json, no-new-privileges=false', collect)
    .option('--ulimit <NAME=SOFT[:HARD]>', 'resource limit in RUN', collect);
  addNamespaceOptions(command);
  addBuildLimitOptions(command);
  command.option(
    '--cgroup-parent <PATH>',
    'make the cgroup of RUN in this one: a path or the name of a slice',
  );
}

/** Options for the image and for the output of the build. */
function addResultOptions(command: Command): void {
  command
    .option('--label <KEY=VALUE>', 'set a label of the image', collect)
    .option('--annotation <KEY=VALUE>', 'set an annotation of the manifest', collect)
    .option('--env <NAME=VALUE>', 'set a variable of the image, like ENV after each FROM', collect)
    .option('--unsetenv <NAME>', 'remove a variable from the image', collect)
    .option('--format <FORMAT>', "oci, or docker for Docker's manifest", 'oci')
    .option('--squash-all', 'make one layer of everything, including the base image')
    .option('--omit-history', 'leave the history out of the image')
    .option(
      '--timestamp <SECONDS>',
      'set all times in the image, so that the same input gives the same digest',
    )
    .option('--platform <PLATFORM>', "only this machine's platform is supported")
    .addOption(new Option('--arch <ARCHITECTURE>').hideHelp())
    .addOption(new Option('--os <OS>').hideHelp())
    .addOption(new Option('--variant <VARIANT>').hideHelp())
    .option('-q, --quiet', 'print only the id of the image')
    .option('--progress <TYPE>', 'plain or quiet')
    .option('--iidfile <FILE>', 'write the id of the image to FILE')
    .option('--metadata-file <FILE>', 'write digests and names of the image to FILE, as JSON')
    .option('--logfile <FILE>', 'write the output of the steps to FILE')
    .option('--manifest <LIST>', 'add the image to this list, which is created if it does not exist')
    .option('--push', 'push the image afterwards')
    .option(
      '-o, --output <DIR|KEY=VALUE,...>',
      'write the files of the image to DIR; or type=local (files), tar, docker or oci (the image), and dest=PATH, - for standard output',
      collect,
    );
  const usual: [flags: string, why: string][] = [
    ['--rm', 'no container of a step is kept'],
    ['--force-rm', 'no container of a step is kept'],
    ['--layers', 'each step is cached'],
    ['--skip-unused-stages', 'only what the image needs is built'],
    ['--load', 'the image is in the store afterwards'],
  ];
  for (const [flags, why] of usual) command.option(flags, `no effect: ${why}`, true);
  command
    .addOption(jobs())
    .option('--cache-from <IMAGE>', 'no effect: steps are cached on this machine', collect)
    .option('--provenance <VALUE>', 'only false: there are no attestations')
    .option('--sbom <VALUE>', 'only false: there are no attestations')
    .option('--compress', 'no effect, as in Docker')
    .option('--disable-content-trust', 'no effect: signatures are not checked');
}

/** Makes `--pull=never` work: commander would take the CONTEXT for the value of an option whose value may be left out. */
function addPullValues(command: Command, argv: string[]): void {
  for (const word of new Set(argv)) {
    const [, value] = /^--pull=(.+)$/.exec(word) ?? [];
    if (value === undefined) continue;
    command.addOption(new Option(word).hideHelp());
    command.on(`option:${word.slice(2)}`, () => command.setOptionValue('pull', value));
  }
}
