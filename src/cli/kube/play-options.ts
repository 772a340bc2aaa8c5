import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { PlayRequest } from '../../engine/kube/options.js';
import { setSurroundings } from '../../sys/surroundings.js';
import { collect } from '../command.js';
import { useAuthFile } from '../image/registry-options.js';
import { CALLER } from '../surroundings.js';

/** What decides what a file means, which `play` and `apply-check` have. */
export interface PlayFlags {
  annotation?: string[];
  authfile?: string;
  configmap?: string[];
  hosts?: boolean;
  ignoreUnenforcedLimits?: boolean;
  ip?: string[];
  logDriver?: string;
  logOpt?: string[];
  macAddress?: string[];
  network?: string[];
  publish?: string[];
  publishAll?: boolean;
  quiet?: boolean;
  replace?: boolean;
  seccompProfileRoot?: string;
  start?: boolean;
  strict?: boolean;
  tlsVerify?: boolean;
  userns?: string;
}

/** The argument of all commands. */
export function addFile(command: Command): Command {
  return command.argument('<FILE>', 'a file, - for standard input, or an address: https://...');
}

export function addPlayOptions(command: Command): Command {
  return command
    .option('--configmap <FILE>', 'a file with more ConfigMaps and Secrets', collect)
    .option('--strict', 'refuse fields and kinds that foster does not honour (default)')
    .option('--no-strict', 'leave them out, with a warning each')
    .option('--seccomp-profile-root <FOLDER>', 'where profiles of the type Localhost are');
}

export function addMakingOptions(command: Command): Command {
  return command
    .option('--authfile <FILE>', 'file to read credentials for registries from')
    .option('--annotation <KEY=VALUE>', 'add an annotation to the containers', collect)
    .option('--ignore-unenforced-limits', 'go on if a limit cannot be enforced')
    .option('--ip <ADDRESS>', 'the address of a pod; once for each', collect)
    .option('--log-driver <DRIVER>', 'as in foster run')
    .option('--log-opt <KEY=VALUE>', 'as in foster run', collect)
    .option('--mac-address <ADDRESS>', 'the MAC address of a pod; once for each', collect)
    .option('--network <NETWORK>', 'as in foster run (default: foster-kube)', collect)
    .option('--no-hosts', 'leave /etc/hosts as the image has it')
    .option('-p, --publish <PORTS>', 'publish a port, as in foster run', collect)
    .option('-P, --publish-all', 'publish also ports without a hostPort')
    .option('-q, --quiet', 'print nothing while images are pulled')
    .option('--tls-verify', 'require TLS of registries (default)')
    .option('--no-tls-verify', 'accept registries without it')
    .option('--userns <MODE>', 'as in foster run');
}

export function playRequest(flags: PlayFlags): PlayRequest {
  if (flags.authfile !== undefined) useAuthFile(flags.authfile);
  // pods start and end side by side: a wait for one must not hold up the others
  setSurroundings(Object.create(CALLER, { ownsProcess: { value: false } }));
  return {
    strict: flags.strict,
    configMaps: flags.configmap,
    replace: flags.replace,
    start: flags.start,
    networks: flags.network,
    publish: flags.publish,
    publishAll: flags.publishAll,
    ips: flags.ip,
    macs: flags.macAddress,
    userns: flags.userns,
    hosts: flags.hosts,
    annotations: flags.annotation,
    logDriver: flags.logDriver,
    logOptions: flags.logOpt,
    quiet: flags.quiet,
    tlsVerify: flags.tlsVerify,
    ignoreUnenforced: flags.ignoreUnenforcedLimits,
    ...(flags.seccompProfileRoot !== undefined && { profiles: resolve(flags.seccompProfileRoot) }),
  };
}
