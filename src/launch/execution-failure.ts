import type { Plan } from '../plan/step.js';
import { visible } from '../spec/parse/flag.js';
import { errnoName } from '../sys/errno.js';
import { EXIT, FosterError } from '../sys/errors.js';

/** Messages, by errno, for a program that cannot be executed: execve(2). The exit codes are Docker's. */
export function executionFailures(plan: Plan): { errno: string; exitCode: number; text: string }[] {
  const [program = ''] = plan.program.argv;
  // The monitor prints it unchanged.
  const sentence = (why: string, advice: string) =>
    `foster: cannot run ${visible(`${JSON.stringify(program)}: ${why}; ${advice}`)}\n`;
  if (program === '') {
    const advice = 'give the name of a program, or nothing for the command of the image';
    return [{ errno: '*', exitCode: EXIT.NOT_FOUND, text: sentence('the name is empty', advice) }];
  }
  const missing = program.includes('/')
    ? sentence(
        'there is no such file in the container (ENOENT)',
        'check the path, and that its interpreter or loader exists too',
      )
    : sentence('it is not in any directory of PATH in the container (ENOENT)', `PATH is ${searchPath(plan)}`);
  return [
    { errno: 'ENOENT', exitCode: EXIT.NOT_FOUND, text: missing },
    { errno: 'ENOTDIR', exitCode: EXIT.NOT_FOUND, text: missing },
    {
      errno: 'EACCES',
      exitCode: EXIT.CANNOT_EXECUTE,
      text: sentence('permission denied (EACCES)', 'check that it is a file with the execute bit (chmod +x)'),
    },
    {
      errno: 'ENOEXEC',
      exitCode: EXIT.CANNOT_EXECUTE,
      text: sentence(
        'exec format error (ENOEXEC)',
        'it is not a program for this machine; a script needs a first line such as #!/bin/sh',
      ),
    },
    {
      errno: 'E2BIG',
      exitCode: EXIT.CANNOT_EXECUTE,
      text: sentence(
        'argument list too long (E2BIG)',
        'pass fewer or shorter arguments and environment variables',
      ),
    },
    {
      errno: '*',
      exitCode: EXIT.CANNOT_EXECUTE,
      text: sentence('it cannot be executed', 'run it again with --explain to see the system calls'),
    },
  ];
}

/** The error of a program that could not be executed. */
export function executionFailure(plan: Plan, errno: number): FosterError {
  const name = errnoName(errno);
  const failure = executionFailures(plan).find((one) => one.errno === name || one.errno === '*');
  const sentence = (failure?.text ?? '').replace(/^foster: /, '').trimEnd();
  return new FosterError(sentence, failure === undefined ? {} : { exitCode: failure.exitCode });
}

function searchPath(plan: Plan): string {
  return (
    plan.program.env.findLast((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ??
    'the default'
  );
}
