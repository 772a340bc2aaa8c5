import type { Command } from 'commander';
import { addHelpAfter, collect } from '../command.js';
import { print } from '../output.js';

interface CommitFlags {
  message?: string;
  author?: string;
  change?: string[];
}

/** `foster commit`. */
export function configure(command: Command): void {
  command
    .description('Create an image from the changes that a container has made to its files.')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough')
    .argument('[NAME]', 'the name of the image')
    .option('-m, --message <TEXT>', 'comment for the history of the image')
    .option('-a, --author <TEXT>', 'author of the image')
    .option(
      '-c, --change <INSTRUCTION>',
      "Dockerfile instruction to apply: 'CMD [\"sh\"]', 'ENV A=b'",
      collect,
    );
  addHelpAfter(command, ['Examples:', '  foster commit -m "with tools" work work:tools']);
  command.action(async (reference: string, name: string | undefined, flags: CommitFlags) => {
    const { formatReference, parseReference } = await import('../../image/store/reference.js');
    const { findContainer } = await import('../../container/store.js');
    const { commitContainer } = await import('../../container/commit.js');
    const { collectOnFailure } = await import('../../container/image-use.js');
    const container = findContainer(reference);
    const options = {
      message: flags.message,
      author: flags.author,
      changes: flags.change ?? [],
      name: name === undefined ? undefined : formatReference(parseReference(name)),
    };
    const id = await collectOnFailure(() => commitContainer(container, options));
    print(`${id}\n`);
  });
}
