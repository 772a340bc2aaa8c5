import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BuildRequest } from '../../build/options.js';
import { formatReference, parseReference } from '../../image/store/reference.js';
import { flagError } from '../../spec/parse/flag.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { print, warn } from '../output.js';
import { addRegistryOptions, type RegistryFlags, registryAccess } from './registry-options.js';

interface BuildFlags extends RegistryFlags {
  tag?: string[];
  file?: string;
  buildArg?: string[];
  target?: string;
  cache: boolean;
  pull?: boolean;
  label?: string[];
  network?: string;
  timestamp?: string;
  progress?: string;
  iidfile?: string;
  platform?: string;
  secret?: string[];
}

/** `foster build`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Build an image from a Dockerfile.')
    .usage('[options] CONTEXT')
    .argument('<CONTEXT>', 'a directory, or - for a tar archive or a Dockerfile on standard input')
    .option('-t, --tag <NAME>', 'name of the image; may be given several times', collect)
    .option(
      '-f, --file <FILE>',
      'the Dockerfile; - is standard input (default: Containerfile or Dockerfile in CONTEXT)',
    )
    .option('--build-arg <NAME=VALUE>', 'value of an ARG; NAME alone takes it from the environment', collect)
    .option('--target <STAGE>', 'stage to build (default: the last one)')
    .option('--no-cache', 'run every step, ignoring the cache')
    .option('--pull', 'check for newer base images')
    .option('--label <KEY=VALUE>', 'set a label of the image', collect)
    .option('--network <MODE>', 'network for RUN: none or host', 'none')
    .option(
      '--timestamp <SECONDS>',
      'set all times in the image, so that the same input gives the same digest',
    )
    .option('-q, --quiet', 'print only the id of the image')
    .option('--progress <TYPE>', 'only plain is supported')
    .option(
      '--secret <id=NAME,src=FILE>',
      'file for RUN --mount=type=secret,id=NAME; or env=VARIABLE instead of src',
      collect,
    )
    .option('--iidfile <FILE>', 'write the id of the image to FILE')
    .option('--platform <PLATFORM>', "only this machine's platform is supported");
  addRegistryOptions(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'FROM localhost/foster/busybox uses the root filesystem that foster builds itself,',
    'so nothing is pulled. RUN has no network by default.',
    '',
    'Examples:',
    '  foster build -t web .                       the Dockerfile in this directory',
    '  foster build -t web --build-arg V=2 --target release .',
    '  foster build -t web --network host .        RUN may download',
    '  foster build -t web --timestamp 0 .         reproducible digests',
    '  foster build - < Dockerfile                 without a build context',
  ]);
  command.action(async (context: string, flags: BuildFlags) => {
    const { buildImage } = await import('../../build/build.js');
    const request = { ...toRequest(context, flags), access: await registryAccess(flags) };
    const printLine = (text: string) => {
      if (!request.isQuiet) print(`${text}\n`);
    };
    const { collectOnFailure } = await import('../../container/image-use.js');
    const id = await collectOnFailure(() => buildImage(request, { printLine, warn }));
    print(`${request.isQuiet ? id : id.slice('sha256:'.length)}\n`);
  });
}

function toRequest(context: string, flags: BuildFlags): Omit<BuildRequest, 'access'> {
  if (context === '') throw flagError('CONTEXT', context, 'expected a directory or -');
  if (flags.progress !== undefined && !['plain', 'auto', 'tty'].includes(flags.progress)) {
    throw flagError('--progress', flags.progress, 'expected plain');
  }
  return {
    context,
    file: flags.file,
    tags: (flags.tag ?? []).map(wholeName),
    buildArgs: new Map((flags.buildArg ?? []).flatMap(buildArg)),
    target: flags.target,
    useCache: flags.cache,
    pull: flags.pull ?? false,
    labels: Object.fromEntries((flags.label ?? []).map(label)),
    network: network(flags.network ?? 'none'),
    timestamp: flags.timestamp === undefined ? undefined : timestamp(flags.timestamp),
    isQuiet: flags.quiet ?? false,
    iidfile: flags.iidfile === undefined ? undefined : resolve(flags.iidfile),
    platform: flags.platform,
    secrets: new Map((flags.secret ?? []).map(secret)),
  };
}

function wholeName(text: string): string {
  const reference = parseReference(text);
  if (reference.digest !== undefined)
    throw new FosterError(`--tag ${text}: expected NAME[:TAG], without a digest`);
  return formatReference(reference);
}

function buildArg(text: string): [string, string][] {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === '') throw flagError('--build-arg', text, 'expected NAME=VALUE');
  const value = equals < 0 ? process.env[name] : text.slice(equals + 1);
  return value === undefined ? [] : [[name, value]];
}

/** BuildKit's limit. */
const MAX_SECRET = 500 * 1024;

/** As Docker: without src or env a variable of that name is meant, or else a file. */
function secret(text: string): [string, Buffer] {
  const options = new Map(text.split(',').map((part) => part.split(/=(.*)/s, 2) as [string, string]));
  const id = options.get('id') ?? '';
  const known = ['id', 'src', 'source', 'env', 'type'];
  if (id === '' || [...options.keys()].some((name) => !known.includes(name))) {
    throw flagError('--secret', text, 'expected id=NAME,src=FILE or id=NAME,env=VARIABLE');
  }
  const file = options.get('src') ?? options.get('source');
  const variable =
    options.get('env') ?? (file === undefined && process.env[id] !== undefined ? id : undefined);
  if (variable !== undefined) {
    const value = process.env[variable];
    if (value === undefined) throw flagError('--secret', text, `there is no variable ${variable}`);
    return [id, Buffer.from(value)];
  }
  return [id, readSecret(file ?? id, text)];
}

function readSecret(path: string, text: string): Buffer {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw flagError(
      '--secret',
      text,
      `cannot read ${path}: ${errnoWords(errnoNumber(errnoOf(error) ?? ''))}`,
    );
  }
  if (content.length <= MAX_SECRET) return content;
  throw flagError('--secret', text, 'a secret can have at most 500 KiB');
}

function label(text: string): [string, string] {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  if (key === '') throw flagError('--label', text, 'expected KEY=VALUE or KEY');
  return [key, equals < 0 ? '' : text.slice(equals + 1)];
}

function network(value: string): 'none' | 'host' {
  if (value === 'none' || value === 'host') return value;
  throw flagError('--network', value, 'expected none or host, other networks are not supported yet');
}

function timestamp(value: string): number {
  const seconds = /^\d{1,11}$/.test(value) ? Number(value) : Number.NaN;
  if (seconds <= 8_589_934_591) return seconds;
  throw flagError('--timestamp', value, 'expected seconds since 1970');
}
