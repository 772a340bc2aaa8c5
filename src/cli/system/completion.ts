import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { SCRIPTS } from './completion-scripts.js';

/** `foster completion`. */
export function configure(command: Command): void {
  const shells = Object.keys(SCRIPTS).join(', ');
  command
    .description("Print a shell script that completes foster's commands, options, containers and images.")
    .argument('<SHELL>', shells);
  addHelpAfter(command, [
    'Examples:',
    '  foster completion bash > ~/.local/share/bash-completion/completions/foster',
    '  foster completion zsh > "$fpath[1]/_foster"',
    '  foster completion fish > ~/.config/fish/completions/foster.fish',
  ]);
  command.action((shell: string) => {
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined) throw flagError('foster completion', shell, `expected one of ${shells}`);
    print(script);
  });
}
