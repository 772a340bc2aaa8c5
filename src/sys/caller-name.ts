import { userInfo } from 'node:os';

/** The caller's home directory, as /etc/passwd has it; undefined if that has no entry for the caller. */
export function callerHome(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}

/** The caller's user name; the user id as text if /etc/passwd has no entry for it. */
export function callerName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? 0);
  }
}
