import { defineCheck, type Finding } from '../check.js';
import { textOf } from '../read.js';

interface SeccompFacts {
  /** What filters can do on this kernel: seccomp(2), "/proc interfaces"; none if it has no filters. */
  actions: string[];
}

/** What the default profile needs. */
const NEEDED = ['errno', 'allow'];

export const SECCOMP = defineCheck<SeccompFacts>({
  name: 'seccomp',
  group: 'reads',
  async probe() {
    const text = await textOf('/proc/sys/kernel/seccomp/actions_avail');
    return { actions: text.split(/\s+/).filter(Boolean) };
  },
  judge: judgeSeccomp,
});

function judgeSeccomp({ actions }: SeccompFacts): Finding {
  if (NEEDED.every((action) => actions.includes(action)))
    return { level: 'ok', found: 'the kernel can filter system calls' };
  return {
    level: 'fail',
    found: 'this kernel cannot filter system calls',
    means: 'Containers run only with --security-opt seccomp=unconfined, and with less protection.',
    mend: [{ who: 'root', advice: 'use a kernel with CONFIG_SECCOMP_FILTER' }],
  };
}
