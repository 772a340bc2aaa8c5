import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { addLanguage, type LanguageFlags } from '../language.js';
import { settings } from '../output.js';
import { viewOf } from './view.js';

/** `foster lab check`. */
export function configure(command: Command): void {
  command
    .description(
      'Check the present step against the state of the kernel. If it is done, it says why things are so, and goes on to the next.',
    )
    .argument('[NAME]', 'a lab (default: the one that was used last)');
  addLanguage(command);
  addHelpAfter(command, [
    'The exit code is 1 if the step is not done.',
    '',
    'Examples:',
    '  foster lab check',
    '  foster lab check zombies',
  ]);
  command.action(async (name: string | undefined, flags: LanguageFlags) => {
    const { areMet, check, open } = await import('../../engine/labs.js');
    const { printFindings, printStep } = await import('./print-step.js');
    const view = viewOf(flags);
    const state = await open(name);
    const findings = await check(state);
    await printFindings(state, findings, view);
    if (!areMet(findings)) settings.exitCode = 1;
    else if (state.progress.step < state.lab.steps.length) await printStep(state, view);
  });
}
