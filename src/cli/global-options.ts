import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { flagError, quoted } from '../spec/parse/flag.js';
import { parseStorageDriver } from '../spec/storage-driver.js';
import { FosterError } from '../sys/errors.js';
import { printError, settings } from './output.js';
import { CALLER } from './surroundings.js';

/** The log levels of Docker and Podman, and what foster prints at each. */
const LOG_LEVELS: Readonly<Record<string, { warns: boolean; isDebug: boolean }>> = {
  trace: { warns: true, isDebug: true },
  debug: { warns: true, isDebug: true },
  info: { warns: true, isDebug: false },
  warn: { warns: true, isDebug: false },
  warning: { warns: true, isDebug: false },
  error: { warns: false, isDebug: false },
  fatal: { warns: false, isDebug: false },
  panic: { warns: false, isDebug: false },
};

/** Options of Podman that have no effect in foster, with their valid values; undefined for any path. */
const WITHOUT_EFFECT: Readonly<Record<string, string[] | undefined>> = {
  'cgroup-manager': ['cgroupfs', 'systemd'], // there are no cgroups to manage
  'events-backend': ['file'], // the only one
  runroot: undefined, // foster has no state that a reboot must remove
  tmpdir: undefined,
};

const DEBUG = 'also print the stack trace of an error, and why Node was needed';
const STORAGE_DRIVER = 'overlay, fuse-overlayfs or copy; "foster info" shows the default';

/** Options before the command. Those that foster does not support are refused by name: src/cli/not-yet.ts. */
export function addGlobalOptions(program: Command): void {
  program
    .option('-D, --debug', DEBUG)
    .option(
      '-l, --log-level <LEVEL>',
      'debug, info, warn (default), error or fatal: what is printed beside results',
    )
    .option('--noout', 'print no results')
    .option('--root <DIR>', 'folder for images and containers (default: ~/.local/share/foster)')
    .option('--storage-driver <DRIVER>', STORAGE_DRIVER)
    .option('--config <DIR>', "folder of Docker's config.json, which has the credentials for registries");
  const on = (name: string, use: (value: string) => void) => program.on(`option:${name}`, use);
  on('debug', () => {
    settings.debug = true;
    // otherwise the front says why it has left the command to Node
    if (process.env.FOSTER_NO_FRONT !== undefined)
      printError('foster: debug: done by Node: FOSTER_NO_FRONT is set\n');
  });
  on('noout', () => {
    settings.printsResults = false;
  });
  on('log-level', (value) => {
    const level = Object.hasOwn(LOG_LEVELS, value) ? LOG_LEVELS[value] : undefined;
    if (level === undefined)
      throw new FosterError(`--log-level ${quoted(value)}: expected ${Object.keys(LOG_LEVELS).join(', ')}`, {
        kind: 'invalid',
        exitCode: 1, // as Docker and Podman
      });
    settings.warns = level.warns;
    settings.debug ||= level.isDebug;
  });
  on('root', (value) => {
    CALLER.dataRoot = pathOf('--root', value);
  });
  on('config', (value) => {
    CALLER.authFile = join(pathOf('--config', value), 'config.json');
  });
  on('storage-driver', (value) => {
    CALLER.storageDriver = parseStorageDriver('--storage-driver', value);
  });
  for (const [name, values] of Object.entries(WITHOUT_EFFECT)) {
    program.addOption(new Option(`--${name} <VALUE>`).hideHelp());
    on(name, (value) => {
      if (values === undefined) pathOf(`--${name}`, value);
      else if (!values.includes(value))
        throw flagError(`--${name}`, value, `expected ${values.join(' or ')}`);
    });
  }
}

/** The words of a command line that are neither global options nor their values. */
export function withoutGlobalOptions(program: Command, argv: string[]): string[] {
  const valued = program.options.filter(({ required }) => required);
  const takesNext = (word = '') =>
    valued.some(({ short, long }) => word !== '' && (word === short || word === long));
  return argv.filter((word, index) => !word.startsWith('-') && !takesNext(argv[index - 1]));
}

function pathOf(flag: string, value: string): string {
  if (value === '') throw flagError(flag, value, 'expected a folder');
  return resolve(value);
}
