import { type Command, Option } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';

interface CpFlags {
  archive?: boolean;
  followLink?: boolean;
  quiet?: boolean;
  overwrite?: boolean;
}

/** `foster cp`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Copy files between containers, running or stopped, and the host.')
    .argument('<SOURCE>', 'CONTAINER:PATH, a path on the host, or - for a tar archive on standard input')
    .argument('<DESTINATION>', 'the same; - writes a tar archive to standard output')
    .option('-a, --archive', 'keep user and group ids')
    .option('-L, --follow-link', 'if SOURCE is a symbolic link, copy what it points to')
    .option('--overwrite', 'let directories replace other files, and the other way round')
    .option('-q, --quiet', 'no effect: cp prints nothing')
    .addOption(new Option('--pause').hideHelp()); // Podman's, without effect there too
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'A directory is copied into DESTINATION if that exists, else it gets that name.',
    'DIRECTORY/. means the contents of the directory. Copied files belong to root in',
    'the container, and to you on the host.',
    '',
    'Examples:',
    '  foster cp web:/etc/nginx .             creates ./nginx',
    '  foster cp ./site/. web:/var/www        the contents of ./site',
    '  foster cp web:/var/log - | tar -t      as a tar archive',
    '  foster cp - web:/ < files.tar',
    '  foster cp web:/etc/nginx db:/tmp       to another container',
  ]);
  command.action(async (source: string, destination: string, flags: CpFlags) => {
    const from = parseOperand(source);
    const to = parseOperand(destination);
    const container = from.container ?? to.container;
    if (container === undefined) {
      throw new FosterError('cp copies from or to a container, and neither of these is one', {
        advice: 'name it as CONTAINER:PATH',
        exitCode: 1,
      });
    }
    const { copy } = await import('../../engine/copy.js');
    await copy({
      direction: from.container === undefined ? 'in' : to.container === undefined ? 'out' : 'between',
      container,
      other: to.container,
      source: from.path,
      destination: to.path,
      archive: flags.archive ?? false,
      followLink: flags.followLink ?? false,
      overwrite: flags.overwrite ?? false,
    });
  });
}

/** As in Docker: a word that begins with / or . is a path of the host; otherwise a colon ends the container's name. */
export function parseOperand(text: string): { container?: string; path: string } {
  const colon = text.indexOf(':');
  if (colon < 0 || /^[/.]/.test(text)) return { path: text };
  const [container, path] = [text.slice(0, colon), text.slice(colon + 1)];
  if (container !== '' && path !== '') return { container, path };
  throw new FosterError(
    `cannot copy ${JSON.stringify(text)}: a container and a path are needed, CONTAINER:PATH`,
    {
      exitCode: 1,
    },
  );
}
