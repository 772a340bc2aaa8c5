import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { visible } from '../spec/parse/flag.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { makeMountsPrivate } from '../sys/mount.js';
import { becomeRoot, waitUntilMapped } from './run-worker.js';

/**
 * The program behind `foster unshare`: becomes root in its own user and mount namespaces, and runs a command.
 * Arguments: whether groups may be set, then the command.
 */
const [groups, command = '/bin/sh', ...args] = process.argv.slice(2);

waitUntilMapped();
becomeRoot({ canSetGroups: groups === 'groups' });
makeMountsPrivate();

const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, FOSTER_UNSHARED: '1' } });
// A terminal sends them to the command as well.
for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  const code = errnoOf(error) ?? '';
  const isMissing = code === 'ENOENT';
  const why = isMissing ? 'command not found' : errnoWords(errnoNumber(code));
  process.stderr.write(`foster: cannot run ${visible(JSON.stringify(command))}: ${why}\n`);
  process.exit(isMissing ? 127 : 126);
});
child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
