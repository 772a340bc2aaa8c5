import { spawn } from 'node:child_process';
import { shellPrelude } from '../../engine/labs.js';

/** Runs a command that a person has typed in a lab, at this terminal, in the lab's folder. */
export async function runTyped(command: string, folder: string): Promise<void> {
  const child = spawn('/bin/sh', ['-c', `${await shellPrelude()}\n${command}`], {
    cwd: folder,
    stdio: 'inherit',
  });
  // Ctrl-C ends the command, which gets it from the terminal, and not the lab
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    await new Promise<void>((settle, fail) => {
      child.on('error', fail);
      child.on('close', () => settle());
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
