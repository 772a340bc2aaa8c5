import { existsSync } from 'node:fs';
import { cgroupFacts } from '../container/cgroup-facts.js';
import { storageChoice } from '../image/rootfs/storage.js';
import { enforceable } from '../plan/cgroup/facts.js';
import { chooseIdMaps } from '../spec/choose-id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { findProgram } from '../sys/programs.js';
import type { LACKS } from './messages.js';

/** What a machine may lack. */
export type Need = keyof typeof LACKS;

const HAS: Record<Need, () => boolean | Promise<boolean>> = {
  limits: () => {
    const { controllers } = enforceable(cgroupFacts());
    return ['memory', 'cpu'].every((name) => controllers.includes(name));
  },
  overlay: async () => {
    return (await storageChoice(ownMaps())).driver === 'overlay';
  },
  network: () =>
    existsSync('/dev/net/tun') && ['pasta', 'dnsmasq'].every((name) => findProgram(name) !== undefined),
  rootless: () => process.getuid?.() !== 0,
  ids: () => ownMaps().uid.reduce((sum, { size }) => sum + size, 0) > 2000,
};

function ownMaps(): IdMaps {
  return chooseIdMaps('default', process.getuid?.() ?? 0, process.getgid?.() ?? 0);
}

/** What this machine lacks; undefined if it has everything. */
export async function whatLacks(needs: readonly Need[]): Promise<Need | undefined> {
  for (const need of needs) if (!(await HAS[need]())) return need;
  return undefined;
}
