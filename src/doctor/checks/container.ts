import { defineCheck, type Finding, type Mend } from '../check.js';
import { isThere, textOf } from '../read.js';

interface ContainerFacts {
  /** Whose container foster runs in: https://systemd.io/CONTAINER_INTERFACE; undefined if it runs in none. */
  kind?: string;
  /** Whether a seccomp filter of that container's applies to foster. */
  isFiltered: boolean;
  /** Whether it may not gain privileges, so that newuidmap does nothing. */
  hasNoNewPrivileges: boolean;
}

export const CONTAINER = defineCheck<ContainerFacts>({
  name: 'container',
  group: 'reads',
  async probe() {
    const status = await textOf('/proc/self/status');
    const kind = await containerKind();
    return {
      isFiltered: /^Seccomp:\s*2$/m.test(status),
      hasNoNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
      ...(kind !== undefined && { kind }),
    };
  },
  judge: judgeContainer,
});

async function containerKind(): Promise<string | undefined> {
  const named = (await textOf('/run/systemd/container')).trim();
  if (named !== '' && named !== 'wsl') return named;
  if (await isThere('/.dockerenv')) return 'docker';
  if (await isThere('/run/.containerenv')) return 'podman or foster';
  const [, ofInit] = /(?:^|\0)container=([^\0]+)/.exec(await textOf('/proc/1/environ')) ?? [];
  return ofInit === 'wsl' ? undefined : ofInit;
}

function judgeContainer({ kind, isFiltered, hasNoNewPrivileges }: ContainerFacts): Finding {
  const mend: Mend[] = [];
  if (isFiltered)
    mend.push({
      who: 'you',
      advice:
        'start that container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined',
    });
  if (hasNoNewPrivileges)
    mend.push({
      who: 'you',
      advice: 'start it without --security-opt no-new-privileges and without NoNewPrivileges=',
    });
  const found = kind === undefined ? 'foster runs in no container' : `foster runs in a container (${kind})`;
  if (mend.length === 0) return { level: 'ok', found };
  const limits = [isFiltered && 'under a seccomp filter', hasNoNewPrivileges && 'without new privileges'];
  return {
    level: 'warn',
    found: `${found}, ${limits.filter(Boolean).join(' and ')}`,
    means: 'It may do less than on a machine: not mount, not make namespaces, or have one user only.',
    mend,
  };
}
