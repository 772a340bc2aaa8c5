import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { FosterError } from './errors.js';
import { surroundings } from './surroundings.js';

/**
 * A folder of the XDG base directory specification, by which a path that is not absolute counts for nothing.
 * @param usual where it is below the home directory if the variable says nothing
 * @throws FosterError where the home directory is not known
 */
export function baseFolder(
  variable: 'XDG_CACHE_HOME' | 'XDG_CONFIG_HOME' | 'XDG_DATA_HOME',
  usual: string,
): string {
  const base = surroundings().env[variable];
  return base !== undefined && isAbsolute(base) ? base : join(homeFolder(), usual);
}

/**
 * The caller's home directory: $HOME, or what /etc/passwd says where that is not set or is a relative path, which would
 * mean another folder after each `cd`.
 * @throws FosterError where neither tells
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
