import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { warn } from '../output.js';

interface CpFlags {
  archive?: boolean;
  followLink?: boolean;
  quiet?: boolean;
}

/** `foster cp`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Copy files between a container, running or not, and the host.')
    .argument('<SOURCE>', 'CONTAINER:PATH, a path of the host, or - for a tar archive on standard input')
    .argument('<DESTINATION>', 'the same; - writes a tar archive to standard output')
    .option('-a, --archive', 'keep the ids of users and groups')
    .option('-L, --follow-link', 'of a SOURCE that is a symbolic link, copy what it leads to')
    .option('-q, --quiet', 'no effect: nothing is printed anyway');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'A directory goes into a DESTINATION that exists, and becomes one that does not.',
    'DIRECTORY/. means what is in the directory. In the container, files belong to',
    'root; on the host, to you.',
    '',
    'Examples:',
    '  foster cp web:/etc/nginx .             makes ./nginx',
    '  foster cp ./site/. web:/var/www        what is in ./site',
    '  foster cp web:/var/log - | tar -t      a tar archive',
    '  foster cp - web:/ < files.tar',
  ]);
  command.action(async (source: string, destination: string, flags: CpFlags) => {
    const { copyIn, copyOut } = await import('../../container/copy/copy.js');
    const { findContainer } = await import('../../container/store.js');
    const options = { archive: flags.archive ?? false, followLink: flags.followLink ?? false, warn };
    const from = parseOperand(source);
    const to = parseOperand(destination);
    if (from.container !== undefined && to.container !== undefined) {
      throw new FosterError('cannot copy from one container to another', {
        advice: `pipe it: foster cp ${from.container}:${from.path} - | foster cp - ${to.container}:${to.path}`,
        exitCode: 1,
      });
    }
    if (from.container !== undefined) copyOut(findContainer(from.container), from.path, to.path, options);
    else if (to.container !== undefined) copyIn(from.path, findContainer(to.container), to.path, options);
    else {
      throw new FosterError('cp copies between a container and the host: neither is a container', {
        advice: 'name it as CONTAINER:PATH',
        exitCode: 1,
      });
    }
  });
}

/** Docker's rule: what begins with / or . is a path of the host, else a colon ends a container's name. */
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
