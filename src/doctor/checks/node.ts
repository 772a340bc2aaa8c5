import { defineCheck, type Finding } from '../check.js';

interface NodeFacts {
  /** `v20.20.0` */
  version: string;
  /** By Node's names: `x64`. */
  architecture: string;
}

/** The oldest version of Node that runs foster: package.json. */
const OLDEST = 20;

export const NODE = defineCheck<NodeFacts>({
  name: 'node',
  group: 'reads',
  probe: () => ({ version: process.version, architecture: process.arch }),
  judge: judgeNode,
});

function judgeNode({ version, architecture }: NodeFacts): Finding {
  const found = `Node ${version} for ${architecture}`;
  if (architecture !== 'x64' && architecture !== 'arm64')
    return {
      level: 'fail',
      found,
      means: 'foster has no programs for this architecture.',
      mend: [{ who: 'you', advice: 'use foster on a machine with x86_64 or arm64' }],
    };
  const major = Number(/^v(\d+)\./.exec(version)?.[1]);
  if (major >= OLDEST) return { level: 'ok', found };
  return {
    level: 'fail',
    found,
    means: `foster needs Node ${OLDEST} or later.`,
    mend: [{ who: 'root', advice: `install Node ${OLDEST} or later: https://nodejs.org/en/download` }],
  };
}
