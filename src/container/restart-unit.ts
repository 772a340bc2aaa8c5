import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { visible } from '../spec/parse/flag.js';
import { baseFolder } from '../sys/base-folders.js';
import { callerName } from '../sys/caller-name.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { writeFileAtomically } from '../sys/files.js';
import { dataFolder, makeFolder } from '../sys/paths.js';
import { findProgram } from '../sys/programs.js';
import { surroundings } from '../sys/surroundings.js';

/** The systemd unit that starts containers after a boot: systemd.unit(5), systemd.service(5). */

const NAME = 'foster-restart.service';

/** The folder for system units of the administrator: systemd.unit(5). */
const SYSTEM_UNITS = '/etc/systemd/system';

export interface RestartUnit {
  file: string;
  /** A user's systemd starts at login, unless the user lingers. */
  startsAt: 'boot' | 'login';
  user: string;
}

/** The variable parts of the unit. */
export interface RestartUnitFacts {
  /** The words that run foster: Node and the script. */
  program: readonly string[];
  dataFolder: string;
  storageDriver?: string | undefined;
  path?: string | undefined;
  isRoot: boolean;
}

/**
 * The text of the unit. It stays active until the shutdown, so that systemd then calls ExecStop. The processes of the
 * containers are in its cgroup, which foster may divide for their limits.
 */
export function restartUnitText({
  program,
  dataFolder,
  storageDriver,
  path,
  isRoot,
}: RestartUnitFacts): string {
  const options = ['--root', dataFolder, ...(storageDriver ? ['--storage-driver', storageDriver] : [])];
  const command = [...program, ...options, 'system'].map(unitWord).join(' ');
  const online = isRoot ? 'Wants=network-online.target\nAfter=network-online.target\n' : '';
  return `# Made by foster system enable-restart, removed by foster system disable-restart.
[Unit]
Description=foster's containers that start again after a reboot
Documentation=man:systemd.service(5)
${online}
[Service]
Type=oneshot
RemainAfterExit=yes
Delegate=yes
${path === undefined ? '' : `Environment=${unitWord(`PATH=${path}`).replaceAll('$$', '$')}\n`}ExecStart=${command} start
ExecStop=${command} stop

[Install]
WantedBy=${isRoot ? 'multi-user.target' : 'default.target'}
`;
}

/** A word of a command line in a unit: systemd.service(5), "Command lines". */
function unitWord(word: string): string {
  const quoted = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
    .replace(/[\x00-\x1f\x7f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return /^[\w@%+=:,./-]+$/.test(quoted) ? quoted : `"${quoted}"`;
}

/**
 * Writes the unit, or replaces it, and makes systemd start it now and at each boot.
 * @param program the words that run foster
 * @throws FosterError if the machine or the user has no systemd
 */
export async function enableRestart(program: readonly string[]): Promise<RestartUnit> {
  const isRoot = process.geteuid?.() === 0;
  requireSystemd(isRoot);
  const { env, storageDriver } = surroundings();
  const file = restartUnitFile(isRoot);
  const text = restartUnitText({ program, dataFolder: dataFolder(), storageDriver, path: env.PATH, isRoot });
  try {
    if (!isRoot) makeFolder(dirname(file));
    writeFileAtomically(file, text, { durable: true });
  } catch (error) {
    throw new FosterError(
      `cannot write ${visible(file)}: ${errnoWords(errnoNumber(errnoOf(error) ?? 'EIO'))}`,
      {
        cause: error,
      },
    );
  }
  await systemctl(['daemon-reload'], isRoot);
  await systemctl(['enable', '--now', NAME], isRoot);
  const user = callerName();
  const startsAt = isRoot || existsSync(join('/var/lib/systemd/linger', user)) ? 'boot' : 'login';
  return { file, startsAt, user };
}

/**
 * Removes the unit. Running containers keep running.
 * @returns its file; undefined if there was none
 * @throws FosterError like `enableRestart`
 */
export async function disableRestart(): Promise<string | undefined> {
  const isRoot = process.geteuid?.() === 0;
  const file = restartUnitFile(isRoot);
  if (!existsSync(file)) return undefined;
  requireSystemd(isRoot);
  await systemctl(['disable', NAME], isRoot);
  rmSync(file, { force: true });
  await systemctl(['daemon-reload'], isRoot);
  return file;
}

/** The file of the unit, whether or not it exists. */
export function restartUnitFile(isRoot: boolean): string {
  const folder = isRoot ? SYSTEM_UNITS : join(baseFolder('XDG_CONFIG_HOME', '.config'), 'systemd/user');
  return join(folder, NAME);
}

function requireSystemd(isRoot: boolean): void {
  // sd_booted(3)
  if (!existsSync('/run/systemd/system') || findProgram('systemctl') === undefined) {
    throw new FosterError(
      'containers cannot be started after a reboot: this machine was not booted by systemd',
      {
        kind: 'unsupported',
        advice: "have its own init, or cron's @reboot, run 'foster system start' as this user",
      },
    );
  }
  if (isRoot || existsSync(join(runtimeFolder(), 'systemd/private'))) return;
  throw new FosterError(
    `containers cannot be started after a reboot: no systemd runs for user ${visible(callerName())}`,
    {
      kind: 'unsupported',
      advice: `log in by ssh or at a console instead of by su, or have root run 'loginctl enable-linger ${visible(callerName())}'`,
    },
  );
}

/** The folder with the socket of the user's systemd. `su` does not set XDG_RUNTIME_DIR. */
function runtimeFolder(): string {
  return surroundings().env.XDG_RUNTIME_DIR ?? `/run/user/${process.geteuid?.() ?? 0}`;
}

/** Runs systemctl(1). @throws FosterError with its error message */
async function systemctl(words: readonly string[], isRoot: boolean): Promise<void> {
  const program = findProgram('systemctl') ?? 'systemctl';
  const child = spawn(program, [...(isRoot ? [] : ['--user']), '--quiet', ...words], {
    env: { ...surroundings().env, ...(isRoot ? {} : { XDG_RUNTIME_DIR: runtimeFolder() }) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: Buffer[] = [];
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return;
  const [reason = ''] = Buffer.concat(said).toString('utf8').trim().split('\n');
  const why = visible(reason) || `it ended with ${code === null ? 'a signal' : `exit code ${code}`}`;
  throw new FosterError(`systemctl ${words.join(' ')} failed: ${why}`, {
    advice: `'${isRoot ? 'journalctl' : 'journalctl --user'} -u ${NAME}' may say more`,
  });
}
