import { join } from 'node:path';
import { restartUnitFile } from '../../container/restart-unit.js';
import { callerName } from '../../sys/caller-name.js';
import { defineCheck, type Finding } from '../check.js';
import { isThere } from '../read.js';

interface LingerFacts {
  isRoot: boolean;
  name: string;
  /** sd_booted(3) */
  hasSystemd: boolean;
  lingers: boolean;
  /** Whether `foster system enable-restart` was run. */
  restarts: boolean;
}

/** Whether the user's systemd runs from boot to shutdown: loginctl(1). */
export const LINGER = defineCheck<LingerFacts>({
  name: 'linger',
  group: 'reads',
  async probe() {
    const [isRoot, name] = [process.geteuid?.() === 0, callerName()];
    return {
      isRoot,
      name,
      hasSystemd: await isThere('/run/systemd/system'),
      lingers: await isThere(join('/var/lib/systemd/linger', name)),
      restarts: await isThere(restartUnitFile(isRoot)),
    };
  },
  judge: judgeLinger,
});

function judgeLinger({ isRoot, name, hasSystemd, lingers, restarts }: LingerFacts): Finding {
  if (!hasSystemd) {
    return {
      level: 'ok',
      found: "no systemd: containers start again after a reboot if your init runs 'foster system start'",
    };
  }
  if (isRoot) return { level: 'ok', found: "not needed: root's containers start at boot" };
  if (lingers) return { level: 'ok', found: `${name} lingers: your systemd runs from boot to shutdown` };
  if (!restarts) return { level: 'ok', found: `${name} does not linger, and no containers start at boot` };
  return {
    level: 'warn',
    found: `${name} does not linger`,
    means: 'Your containers start when you log in, not at boot, and end with your last session.',
    mend: [{ who: 'you', command: `loginctl enable-linger ${name}` }],
  };
}
