import { readFileSync } from 'node:fs';

/** The programs that foster uses where they are installed, and the packages that have them, if those have other names. */
const PACKAGES = {
  newuidmap: { apt: 'uidmap', dnf: 'shadow-utils', zypper: 'shadow', pacman: 'shadow', apk: 'shadow-uidmap' },
  newgidmap: { apt: 'uidmap', dnf: 'shadow-utils', zypper: 'shadow', pacman: 'shadow', apk: 'shadow-uidmap' },
  pasta: { apt: 'passt', dnf: 'passt', zypper: 'passt', pacman: 'passt', apk: 'passt' },
  nft: { apt: 'nftables', dnf: 'nftables', zypper: 'nftables', pacman: 'nftables', apk: 'nftables' },
  dnsmasq: { apt: 'dnsmasq-base', dnf: 'dnsmasq', zypper: 'dnsmasq', pacman: 'dnsmasq', apk: 'dnsmasq' },
  'fuse-overlayfs': {},
  zstd: {},
} as const;

export type PackagedProgram = keyof typeof PACKAGES;

type Manager = 'apt' | 'dnf' | 'zypper' | 'pacman' | 'apk';

const INSTALL: Readonly<Record<Manager, string>> = {
  apt: 'apt-get install',
  dnf: 'dnf install',
  zypper: 'zypper install',
  pacman: 'pacman -S',
  apk: 'apk add',
};

/** Package managers by the words of ID and ID_LIKE in os-release(5). */
const MANAGERS: Readonly<Record<string, Manager>> = {
  debian: 'apt',
  ubuntu: 'apt',
  fedora: 'dnf',
  rhel: 'dnf',
  suse: 'zypper',
  arch: 'pacman',
  alpine: 'apk',
};

/**
 * The command with which root installs a program: `apt-get install passt`.
 * @param release the content of /etc/os-release; a distribution that it does not know counts as Debian
 */
export function installCommand(program: PackagedProgram, release: string = readRelease()): string {
  const words = [...release.matchAll(/^ID(?:_LIKE)?=["']?([^"'\n]*)/gm)].flatMap(([, ids = '']) =>
    ids.split(/[\s-]+/),
  );
  const manager = words.map((word) => MANAGERS[word]).find((found) => found !== undefined) ?? 'apt';
  const names: Partial<Record<Manager, string>> = PACKAGES[program];
  return `${INSTALL[manager]} ${names[manager] ?? program}`;
}

/** `pasta is not installed; apt-get install passt` */
export function notInstalled(program: PackagedProgram): string {
  return `${program} is not installed; ${installCommand(program)}`;
}

function readRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
