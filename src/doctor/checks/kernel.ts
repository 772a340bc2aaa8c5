import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { defineCheck, type Finding } from '../check.js';
import { isThere, textOf } from '../read.js';

interface KernelFacts {
  /** `6.1.0-56-amd64` */
  release: string;
  /** Types of namespaces that this kernel does not have, by their names in /proc/PID/ns. */
  missing: string[];
  /** Options with which it was built, of those below; undefined if that cannot be read. */
  options?: Record<string, 'y' | 'm' | 'n'>;
}

const NAMESPACES = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'];

/** Options that foster makes use of, and what does not work without. */
const OPTIONS: Readonly<Record<string, string>> = {
  OVERLAY_FS: 'containers get a copy of their image, or fuse-overlayfs',
  FUSE_FS: 'fuse-overlayfs cannot be used',
  SECCOMP_FILTER: 'containers run only with --security-opt seccomp=unconfined',
  VETH: 'containers have no network',
  BRIDGE: 'containers have no network',
  TUN: 'containers do not reach the outside',
  NF_TABLES: 'containers do not reach the outside, and ports cannot be published',
  MEMCG: 'memory cannot be limited',
  CGROUP_PIDS: 'the number of processes cannot be limited',
  CFS_BANDWIDTH: 'CPU time cannot be limited',
};

/** openat2(2), by which foster opens every path in a container. */
const LEAST = [5, 6] as const;
/** Overlays in user namespaces. */
const WANTED = [5, 11] as const;

export const KERNEL = defineCheck<KernelFacts>({
  name: 'kernel',
  group: 'reads',
  async probe() {
    const release = (await textOf('/proc/sys/kernel/osrelease')).trim();
    const found = await Promise.all(NAMESPACES.map((name) => isThere(`/proc/self/ns/${name}`)));
    const missing = NAMESPACES.filter((_, index) => !found[index]);
    const config = await readConfig(release);
    return { release, missing, ...(config !== undefined && { options: parseOptions(config) }) };
  },
  judge: judgeKernel,
});

/** The configuration that the kernel was built with, where distributions put it. */
async function readConfig(release: string): Promise<string | undefined> {
  const packed = await readFile('/proc/config.gz').catch(() => undefined);
  if (packed !== undefined) return gunzipSync(packed).toString('latin1');
  for (const path of [`/boot/config-${release}`, `/lib/modules/${release}/config`]) {
    const text = await textOf(path);
    if (text !== '') return text;
  }
  return undefined;
}

/** Those of OPTIONS in a kernel's configuration. An option that is not named there was turned off. */
function parseOptions(config: string): Record<string, 'y' | 'm' | 'n'> {
  const set = new Map(
    [...config.matchAll(/^CONFIG_(\w+)=([ym])$/gm)].map(([, name, value]) => [name, value]),
  );
  return Object.fromEntries(
    Object.keys(OPTIONS).map((name) => [name, (set.get(name) as 'y' | 'm' | undefined) ?? 'n']),
  );
}

function judgeKernel({ release, missing, options }: KernelFacts): Finding {
  const found = `Linux ${release}`;
  const update = {
    who: 'root',
    advice: 'install a newer kernel, or use foster in a virtual machine',
  } as const;
  if (isOlder(release, LEAST))
    return { level: 'fail', found, means: `foster needs Linux ${LEAST.join('.')} or later.`, mend: [update] };
  if (missing.length > 0) {
    return {
      level: 'fail',
      found: `${found}, without namespaces of type ${missing.join(', ')}`,
      means: 'Containers cannot be separated from this machine.',
      mend: [{ who: 'root', advice: 'use a kernel of your distribution, which has all namespaces' }],
    };
  }
  const off = Object.keys(OPTIONS).filter((name) => options?.[name] === 'n');
  if (off.length > 0) {
    return {
      level: 'warn',
      found: `${found}, without ${off.map((name) => `CONFIG_${name}`).join(', ')}`,
      means: `${[...new Set(off.map((name) => OPTIONS[name] ?? ''))].map(sentence).join(' ')}`,
      mend: [{ who: 'root', advice: 'use a kernel of your distribution, or build one with these options' }],
    };
  }
  if (isOlder(release, WANTED)) {
    const means = `Before Linux ${WANTED.join('.')} users cannot mount overlays: containers start more slowly.`;
    return { level: 'warn', found, means, mend: [update] };
  }
  return { level: 'ok', found: options === undefined ? `${found}; its options cannot be read` : found };
}

function sentence(clause: string): string {
  return `${clause.slice(0, 1).toUpperCase()}${clause.slice(1)}.`;
}

function isOlder(release: string, [major, minor]: readonly [number, number]): boolean {
  const [own = 0, ownMinor = 0] = release.split(/[.-]/).map(Number);
  return own < major || (own === major && ownMinor < minor);
}
