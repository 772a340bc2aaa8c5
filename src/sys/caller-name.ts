import { userInfo } from 'node:os';

/** The caller's user name; the user id as text if /etc/passwd has no entry for it. */
export function callerName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? 0);
  }
}
