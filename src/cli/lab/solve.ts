import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { addLanguage, type LanguageFlags } from '../language.js';
import { settings } from '../output.js';
import { viewOf } from './view.js';

/** `foster lab solve`. */
export function configure(command: Command): void {
  command
    .description(
      'Do the present step with the commands that it shows, and check it. What an attempt has made is removed first.',
    )
    .argument('[NAME]', 'a lab (default: the one that was used last)');
  addLanguage(command);
  addHelpAfter(command, ['Examples:', '  foster lab solve', '  foster lab solve zombies']);
  command.action(async (name: string | undefined, flags: LanguageFlags) => {
    const { areMet, open, solve } = await import('../../engine/labs.js');
    const { printSolution, printStep } = await import('./print-step.js');
    const view = viewOf(flags);
    const state = await open(name);
    const solution = await solve(state);
    await printSolution(state, solution, view);
    if (!areMet(solution.findings)) settings.exitCode = 1;
    else if (state.progress.step < state.lab.steps.length) await printStep(state, view);
  });
}
