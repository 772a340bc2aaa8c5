/** Where root puts profiles: apparmor.d(5). */
const FILE = '/etc/apparmor.d/foster';

/**
 * The commands that install an AppArmor profile with which some programs may use user namespaces on Ubuntu 23.10 and later, as
 * its own packages do for browsers. Programs that they execute, such as foster-init, keep the profile.
 * @param programs absolute paths
 */
export function appArmorProfile(programs: readonly string[]): string {
  return [
    `cat >${FILE} <<'END'`,
    'abi <abi/4.0>,',
    ...programs.map(
      (path, index) =>
        `profile foster${index === 0 ? '' : `-${index}`} "${escaped(path)}" flags=(unconfined) {\n  userns,\n}`,
    ),
    'END',
    `apparmor_parser --replace ${FILE}`,
  ].join('\n');
}

/** What has a meaning in the patterns of profiles: apparmor.d(5), "Globbing". */
function escaped(path: string): string {
  return path.replace(/[\\"*?[\]{}^@]/g, '\\$&');
}
