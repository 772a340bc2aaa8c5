import { cgroupFacts } from '../../container/cgroup-facts.js';
import { enforceable } from '../../plan/cgroup/facts.js';
import { planCgroups } from '../../plan/cgroup/plan.js';
import { DELEGATION } from '../../plan/cgroup/v2.js';
import type { Resources } from '../../spec/types.js';
import { defineCheck, type Finding } from '../check.js';

interface LimitFacts {
  version: '1' | '2' | '1 and 2' | 'none';
  manager: string;
  controllers: string[];
  /** Why some limits cannot be enforced, and what to do about it: in the words of the error that asking for them has. */
  reasons: { because: string; advice: string; options: string[] }[];
}

/** The usual limits. */
const USUAL: Resources = {
  memory: { limit: 64 * 1024 * 1024 },
  cpu: { quota: 50_000, period: 100_000, cpus: '0' },
  pids: { limit: 100 },
};

export const CGROUPS = defineCheck<LimitFacts>({
  name: 'cgroups',
  group: 'trials',
  probe() {
    const facts = cgroupFacts();
    const { unenforced } = planCgroups({ resources: USUAL }, facts, 'doctor');
    const { manager, controllers } = enforceable(facts);
    const [old, unified] = [facts.v1.length > 0, facts.v2 !== undefined];
    const reasons = new Map<string, LimitFacts['reasons'][number]>();
    for (const { because, advice, option } of unenforced) {
      const known = reasons.get(because) ?? { because, advice, options: [] };
      if (!known.options.includes(option)) known.options.push(option);
      reasons.set(because, known);
    }
    return {
      version: old && unified ? '1 and 2' : old ? '1' : unified ? '2' : 'none',
      manager,
      controllers,
      reasons: [...reasons.values()],
    };
  },
  judge: judgeCgroups,
});

function judgeCgroups({ version, manager, controllers, reasons }: LimitFacts): Finding {
  const name = version === 'none' ? 'no cgroups' : `cgroups of version ${version}`;
  const found = controllers.length === 0 ? name : `${name}, by ${manager}: ${controllers.join(', ')}`;
  const [first] = reasons;
  if (first === undefined) return { level: 'ok', found };
  const options = [...new Set(reasons.flatMap((each) => each.options))];
  return {
    level: 'warn',
    found: `${found}; ${reasons.map(({ because }) => because).join('; ')}`,
    means: `A container with ${options.join(', ')} does not start; without limits it does.`,
    mend: delegation(first.advice) ?? [{ who: 'root', advice: first.advice }],
  };
}

/** The drop-in of docs/limits.md as commands, where that is the advice. */
function delegation(advice: string): Finding['mend'] {
  if (!advice.includes(DELEGATION.file)) return undefined;
  const { file, lines } = DELEGATION;
  const folder = file.slice(0, file.lastIndexOf('/'));
  const text = `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}`;
  return [
    { who: 'root', command: `mkdir -p ${folder} && ${text} >${file} && systemctl daemon-reload` },
    { who: 'you', advice: 'log out of all your sessions, and log in again' },
  ];
}
