import type { Environment } from '../../compose/discover.js';
import type { Hook } from '../../compose/project.js';
import { FosterError } from '../../sys/errors.js';
import { exec } from '../exec.js';

/**
 * Runs commands of post_start or pre_stop in a container, one after the other.
 * @param env the values of variables without one
 * @throws FosterError if one fails
 */
export async function runHooks(id: string, hooks: readonly Hook[], env: Environment): Promise<void> {
  for (const hook of hooks) await runHook(id, hook, env);
}

/** Runs a command of a file in a container. @throws FosterError if it fails, with what it has written */
export async function runHook(
  id: string,
  { command, user, working_dir, privileged = false, environment = {} }: Hook,
  env: Environment,
): Promise<void> {
  const variables = Object.entries(environment).flatMap(([name, value]) => {
    const known = value ?? env[name];
    return known === undefined ? [] : [[name, known] as const];
  });
  const { exitCode, stdout, stderr } = await exec(id, {
    command,
    env: Object.fromEntries(variables),
    privileged,
    ...(user !== undefined && { user }),
    ...(working_dir !== undefined && { workdir: working_dir }),
  });
  if (exitCode === 0) return;
  const said = `${stdout}${stderr}`.trim().split('\n').at(-1) ?? '';
  throw new FosterError(
    `the command ${JSON.stringify(command.join(' '))} in container ${id.slice(0, 12)} has ended with exit code ${exitCode}${said === '' ? '' : `: ${said}`}`,
    { exitCode: 1 },
  );
}
