import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type MountFlag, type RunContext, type RunFlags, toRequest } from '../../spec/parse/run-request.js';
import type { RunRequest } from '../../spec/request.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter, missingArgument, prepareCommand } from '../command.js';
import { front } from '../front.js';
import { MentionedOptions, type OptionTarget } from '../mentioned-options.js';
import { print, printError, settings } from '../output.js';
import { checkPreserved } from './preserved-descriptors.js';
import { addInitContainer, addPreservedDescriptors, addRunOptions } from './run-options.js';
import { checkInput } from './standard-input.js';

/** `foster run`. */
export function configure(command: Command, argv: string[]): void {
  defineRun(command, argv, 'Run a command in a new container.', run);
  addHelpAfter(command, [
    'ROOT is an image, a directory, a tar file (.tar, .tar.gz, .tar.zst), - for a tar',
    'archive on standard input, or a root filesystem that foster builds itself:',
    'busybox, host or debian. Everything after ROOT is the command to run.',
    '',
    'Examples:',
    '  foster run -it busybox                      an interactive shell',
    '  foster run -d --name web busybox httpd -f   a server in the background',
    '  foster run --rm -v .:/work -w /work host ls     with a directory of the host',
    '  foster run --rm -e NAME=value busybox env       with an environment variable',
    '  foster run --rm --read-only --tmpfs /tmp ./rootfs /bin/server --port 80',
    '  tar -C rootfs -c . | foster run --rm - /bin/ls  a root filesystem from a pipe',
    '  foster run --bundle DIR                         an OCI bundle',
    '  foster run --explain busybox true               every system call, and why',
    '  foster run --init-verbose busybox sh -c "(sleep 1 &); sleep 2"',
    '',
    "The exit code is the command's, or 128 + N if signal N killed it; 125 if foster",
    'failed, 126 if the command cannot be executed, 127 if it was not found.',
  ]);
}

export function configureMentioned(command: Command, argv: string[]): void {
  const options = new MentionedOptions(command, argv);
  define(command, argv, '', callerContext(), run, options);
}

async function run(request: RunRequest): Promise<void> {
  checkPreserved(request.keptDescriptors);
  if (!request.detach && !request.dryRun) await checkInput(request);
  const engine = await import('../../engine/foreground.js');
  const explain = (line: string) => printError(`${line}\n`);
  settings.exitCode = await engine.run(request, { print, explain, template: front.run });
}

/**
 * The request of `foster run ARGV...`.
 * @param context access to the caller's files and environment; by default the real ones
 * @throws FosterError for an invalid value, CommanderError for an invalid flag
 */
export function parseRunArguments(argv: string[], context: RunContext = callerContext()): RunRequest {
  let result: RunRequest | undefined;
  const command = prepareCommand(new Command('run'));
  define(command, argv, 'Run a command.', context, (request) => {
    result = request;
  });
  command.parse(argv, { from: 'user' });
  if (result === undefined) throw new Error('the command line was not parsed');
  return result;
}

/** As commander leaves them. */
type RunOptions = RunFlags & { bundle?: string; authfile?: string };

type Use = (request: RunRequest) => void | Promise<void>;

/** The arguments and options that `run` and `create` share. */
export function defineRun(command: Command, argv: string[], description: string, use: Use): void {
  define(command, argv, description, callerContext(), use);
}

function define(
  command: Command,
  argv: string[],
  description: string,
  context: RunContext,
  use: Use,
  options: OptionTarget = command,
): void {
  const mounts: MountFlag[] = [];
  command
    .description(description)
    .usage('[options] ROOT [COMMAND [ARG...]]')
    .argument('[ROOT]', 'the root filesystem')
    .argument('[COMMAND...]', 'the command and its arguments (default: /bin/sh)')
    .passThroughOptions();
  addRunOptions(options, argv, mounts);
  // who starts a container that is only made has other descriptors
  if (command.name() === 'run') addPreservedDescriptors(options);
  else addInitContainer(options);
  acceptBooleanValues(command, argv);
  command.action((root: string | undefined, args: string[], options: RunOptions) => {
    if (options.bundle !== undefined) return useBundle(options.bundle, root, options);
    if (root === undefined) return missingArgument(command, 'ROOT');
    if (options.authfile !== undefined) return useWithAuthFile(options.authfile, root, args, options);
    return use(toRequest(root, args, options, mounts, context));
  });
  async function useWithAuthFile(
    file: string,
    root: string,
    args: string[],
    options: RunOptions,
  ): Promise<void> {
    const { useAuthFile } = await import('../image/registry-options.js');
    useAuthFile(file);
    await use(toRequest(root, args, options, mounts, context));
  }
  async function useBundle(folder: string, root: string | undefined, options: RunOptions): Promise<void> {
    if (root !== undefined)
      throw new FosterError('ROOT and --bundle cannot be used together', {
        advice: 'root.path and process.args of its config.json say what runs',
      });
    const { bundle: _, hosts, ownHostname, healthcheck, ...rest } = options;
    const negated = Object.entries({ hosts, ownHostname, healthcheck }).filter(([, isOn]) => isOn === false);
    const given: RunFlags = { ...rest, ...Object.fromEntries(negated) };
    const { bundleRequest } = await import('../../engine/bundles.js');
    await use(bundleRequest(resolve(context.cwd, folder), given, context));
  }
}

function callerContext(): RunContext {
  return {
    get cwd() {
      return process.cwd(); // the folder may have been removed, but is not always needed
    },
    env: process.env,
    commandLine: ['foster', ...process.argv.slice(2)],
    exists: existsSync,
    readText: (path) => readFileSync(path, 'utf8'),
  };
}
