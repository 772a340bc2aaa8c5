import { defineCheck, type Finding } from '../check.js';
import { isThere, textOf } from '../read.js';

/** https://learn.microsoft.com/windows/wsl */
interface WslFacts {
  /** `5.15.167.4-microsoft-standard-WSL2` */
  release: string;
  /** sd_booted(3) */
  hasSystemd: boolean;
}

export const WSL = defineCheck<WslFacts>({
  name: 'wsl',
  group: 'reads',
  probe: async () => ({
    release: (await textOf('/proc/sys/kernel/osrelease')).trim(),
    hasSystemd: await isThere('/run/systemd/system'),
  }),
  judge: judgeWsl,
});

function judgeWsl({ release, hasSystemd }: WslFacts): Finding | undefined {
  if (!/microsoft|wsl/i.test(release)) return undefined;
  // WSL 1 is no Linux, but imitates its system calls: 4.4.0-19041-Microsoft
  if (!/wsl2|microsoft-standard/i.test(release)) {
    return {
      level: 'fail',
      found: 'WSL 1',
      means: 'WSL 1 has no namespaces, so there can be no containers.',
      mend: [{ who: 'you', command: 'wsl.exe --set-version "$WSL_DISTRO_NAME" 2' }],
    };
  }
  if (hasSystemd) return { level: 'ok', found: 'WSL 2 with systemd' };
  return {
    level: 'warn',
    found: 'WSL 2 without systemd',
    means: 'Limits such as --memory cannot be enforced, and no container starts again after a reboot.',
    mend: [
      { who: 'root', command: "printf '[boot]\\nsystemd=true\\n' >>/etc/wsl.conf" },
      { who: 'you', command: 'wsl.exe --shutdown' },
    ],
  };
}
