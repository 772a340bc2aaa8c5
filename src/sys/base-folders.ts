import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { FosterError } from './errors.js';
import { surroundings } from './surroundings.js';

/**
 * A folder of the XDG base directory specification, which says that relative paths must be ignored.
 * @param usual the default, relative to the home directory
 * @throws FosterError if the home directory is unknown
 */
export function baseFolder(
  variable: 'XDG_CACHE_HOME' | 'XDG_CONFIG_HOME' | 'XDG_DATA_HOME',
  usual: string,
): string {
  const base = surroundings().env[variable];
  return base !== undefined && isAbsolute(base) ? base : join(homeFolder(), usual);
}

/**
 * The caller's home directory: $HOME, or the one in /etc/passwd if $HOME is not set or is a relative path, which would
 * mean another folder after each `cd`.
 * @throws FosterError if neither is absolute
 */
export function homeFolder(): string {
  for (const find of [() => surroundings().env.HOME ?? '', () => userInfo().homedir]) {
    try {
      const home = find();
      if (isAbsolute(home)) return home;
    } catch {
      // HOME is not set and the user is in no /etc/passwd
    }
  }
  throw new FosterError(
    `cannot find your home directory: HOME is not an absolute path, and user ${process.getuid?.()} has none in /etc/passwd`,
    { advice: 'set HOME' },
  );
}
