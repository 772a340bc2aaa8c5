import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { refuseValue } from '../not-yet.js';
import { print } from '../output.js';

interface CommitFlags {
  message?: string;
  author?: string;
  change?: string[];
  format?: string;
  iidfile?: string;
  includeVolumes?: boolean;
  pause?: boolean;
  squash?: boolean;
}

/** `foster commit`. */
export function configure(command: Command, argv: string[]): void {
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
    )
    .option('-f, --format <FORMAT>', 'oci, the format in which images are kept')
    .option('--iidfile <FILE>', 'write the id of the image to FILE, too')
    .option('--include-volumes', 'make the anonymous volumes of the container volumes of the image')
    .option('-p, --pause', 'pause the container meanwhile')
    .option('-s, --squash', 'put all files into one layer, without the layers of the image below')
    .option('-q, --quiet', 'no effect: commit prints only the id');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster commit -m "with tools" work work:tools']);
  command.action(async (reference: string, name: string | undefined, flags: CommitFlags) => {
    const { message, author, change, format = 'oci', iidfile, includeVolumes, pause, squash } = flags;
    if (format === 'docker') throw refuseValue('commit --format docker', 'docker format');
    if (format !== 'oci') throw flagError('--format', format, 'expected oci');
    const { commit } = await import('../../engine/containers.js');
    const id = await commit(reference, {
      message,
      author,
      changes: change,
      name,
      includesVolumes: includeVolumes,
      pauses: pause,
      isSquashed: squash,
    });
    if (iidfile !== undefined) writeFileSync(resolve(iidfile), id);
    print(`${id}\n`);
  });
}
