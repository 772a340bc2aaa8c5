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
    const { commit } = await import('../../engine/containers.js');
    const { message, author, change } = flags;
    print(`${await commit(reference, { message, author, changes: change, name })}\n`);
  });
}
