import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { isInForeground } from '../../sys/process.js';
import { setSurroundings } from '../../sys/surroundings.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { parseInterval } from '../interval.js';
import { print, printError } from '../output.js';
import { CALLER } from '../surroundings.js';

interface Options {
  port?: number;
  /** Milliseconds. */
  interval?: number;
  open: boolean;
  record?: string;
}

/** `foster view`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Show containers as a page in the browser: processes, namespaces, layers, networks, plan and events.',
    )
    .argument('[CONTAINER...]', 'names or ids (default: all running containers)')
    .option('-p, --port <PORT>', 'port of 127.0.0.1 (default: any that is free)', parsePort)
    .option('-i, --interval <SECONDS>', 'seconds between two looks (default: 0.5)', parseInterval)
    .option('--no-open', 'only print the address, open no browser')
    .option('--record <FILE>', 'write a page in one file instead, which shows the run later');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'The address works once, for one browser of this machine; Enter prints another one, and Ctrl-C ends.',
    'A recording ends with Ctrl-C, or when all given containers have ended.',
    '',
    'Examples:',
    '  foster view',
    '  foster view --no-open --port 8000 web',
    '  foster view --record run.html web',
  ]);
  command.action(async (references: string[], options: Options) => {
    const { record, port, interval = 500, open } = options;
    if (record !== undefined && port !== undefined)
      throw flagError(
        '--port',
        String(port),
        'a recording is a file and needs no port',
        'leave out one of both',
      );
    const containers = references.length > 0 ? references : undefined;
    // while it looks and waits, pages are answered
    setSurroundings(Object.create(CALLER, { ownsProcess: { value: false } }));
    if (record === undefined) await serve({ containers, interval, port: port ?? 0 }, open);
    else await writeRecording({ containers, interval, path: record });
  });
}

async function serve(
  request: { containers: string[] | undefined; interval: number; port: number },
  opens: boolean,
): Promise<void> {
  const { serveView } = await import('../../engine/view.js');
  await serveView(request, (page) => {
    const address = page.next();
    print(`${address}\n`);
    if (process.stdin.isTTY && isInForeground(process.pid)) {
      printError('The address works once. Enter prints another one, Ctrl-C ends.\n');
      process.stdin.on('data', () => print(`${page.next()}\n`));
    }
    if (opens) page.open(address);
  });
}

async function writeRecording(request: {
  containers: string[] | undefined;
  interval: number;
  path: string;
}): Promise<void> {
  const { recordView } = await import('../../engine/view.js');
  if (process.stderr.isTTY)
    printError(
      `Recording to ${request.path}; it ends with Ctrl-C${request.containers ? ', or with the containers' : ''}.\n`,
    );
  await recordView(request);
}

function parsePort(value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65535) return Number(value);
  throw flagError('--port', value, 'expected a number from 0 to 65535');
}
