import { stat } from 'node:fs/promises';
import { defineCheck, type Finding } from '../check.js';

interface ClockFacts {
  /** Milliseconds since 1970. */
  now: number;
  /** When one of this machine's files was changed last: no correct clock is behind it. */
  latest: { path: string; changed: number };
}

const DAY = 24 * 60 * 60 * 1000;

export const CLOCK = defineCheck<ClockFacts>({
  name: 'clock',
  group: 'reads',
  async probe() {
    const paths = [process.execPath, __dirname, '/etc/passwd', '/etc/machine-id'];
    const times = await Promise.all(
      paths.map(async (path) => ({ path, changed: (await stat(path).catch(() => undefined))?.ctimeMs ?? 0 })),
    );
    const [latest = { path: '', changed: 0 }] = times.sort((a, b) => b.changed - a.changed);
    return { now: Date.now(), latest };
  },
  judge: judgeClock,
});

function judgeClock({ now, latest }: ClockFacts): Finding {
  const found = `it is ${inWords(now)}`;
  if (now >= latest.changed - DAY) return { level: 'ok', found };
  return {
    level: 'warn',
    found: `${found} by the clock, and ${latest.path} was changed on ${inWords(latest.changed)}`,
    means: 'Certificates of registries do not seem valid yet, and logs and events are in a wrong order.',
    mend: [{ who: 'root', command: 'timedatectl set-ntp true' }],
  };
}

function inWords(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
