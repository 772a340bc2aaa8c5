import { FosterError } from '../../sys/errors.js';

/** Positions of the permission bits for owner, group and others. */
const SHIFTS: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
const CLAUSE = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/;

/** Checks a value of --chmod: octal, or as in chmod(1), `u=rwX,go+r`. @throws FosterError */
export function checkMode(text: string): void {
  if (/^[0-7]{1,4}$/.test(text) || text.split(',').every((clause) => CLAUSE.test(clause))) return;
  throw new FosterError(
    `--chmod '${text}': expected an octal number such as 755, or a mode such as u=rwX,go=rX`,
  );
}

/**
 * Applies a mode to a file's current one.
 * @param text checked with `checkMode`
 * @param mode the current mode
 */
export function changedMode(text: string, mode: number, isDirectory: boolean): number {
  if (/^[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return text.split(',').reduce((before, clause) => {
    const [, who = '', actions = ''] = CLAUSE.exec(clause) ?? [];
    const users = who === '' || who.includes('a') ? ['u', 'g', 'o'] : [...who];
    return [...actions.matchAll(/([-+=])([ugorwxXst]*)/g)].reduce(
      (now, [, operator = '', what = '']) => applyAction(now, users, operator, what, isDirectory),
      before,
    );
  }, mode);
}

function applyAction(
  mode: number,
  users: string[],
  operator: string,
  what: string,
  isDirectory: boolean,
): number {
  const sticky = users.includes('o') ? 0o1000 : 0;
  let bits = what.includes('t') ? sticky : 0;
  let all = sticky;
  for (const user of users) {
    const shift = SHIFTS[user] ?? 0;
    bits |= permissionsOf(what, mode, isDirectory) << shift;
    all |= 0o7 << shift;
    if (user !== 'o') {
      const setID = user === 'u' ? 0o4000 : 0o2000;
      all |= setID;
      if (what.includes('s')) bits |= setID;
    }
  }
  if (operator === '+') return mode | bits;
  return operator === '-' ? mode & ~bits : (mode & ~all) | bits;
}

/** `rwx`, `X` for files that are executable already, or the permissions of another class. */
function permissionsOf(what: string, mode: number, isDirectory: boolean): number {
  const shift = SHIFTS[what];
  if (shift !== undefined) return (mode >> shift) & 0o7;
  const isExecutable = isDirectory || (mode & 0o111) !== 0;
  return (
    (what.includes('r') ? 4 : 0) |
    (what.includes('w') ? 2 : 0) |
    (what.includes('x') || (what.includes('X') && isExecutable) ? 1 : 0)
  );
}
