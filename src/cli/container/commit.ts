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
    .description('Make an image of what a container has made of its files.')
    .argument('<CONTAINER>', 'a name, an id or the start of an id')
    .argument('[NAME]', 'what the image is called')
    .option('-m, --message <TEXT>', "a comment for the image's history")
    .option('-a, --author <TEXT>', 'who made it')
    .option('-c, --change <INSTRUCTION>', "as in a Dockerfile: 'CMD [\"sh\"]', 'ENV A=b'", collect);
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
