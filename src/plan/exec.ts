import type { NamespaceType, Spec } from '../spec/types.js';
import { CLONE } from './constants.js';
import { FD } from './facts.js';
import { namespaceFlag } from './namespaces.js';
import { keepOut, processSteps, programPaths, SIGKILL, standAlone } from './process.js';
import { constant, flags, type Plan, type Step, step } from './step.js';
import { openTerminal } from './terminal.js';
import { becomeRoot } from './user.js';

/** What a plan to join a container needs to know beside its Spec. */
export interface ExecFacts {
  canSetGroups: boolean;
  /** The process outlives the command that started it. */
  detached: boolean;
}

/**
 * The plan that runs one more process in a container: `spec` is the container's, but for its process. Pure. The
 * process to join is at descriptor FD.JOIN, as a pidfd.
 */
export function buildExecPlan(spec: Spec, facts: ExecFacts): Plan {
  const types = spec.linux.namespaces.map(({ type }) => type);
  const hasUser = types.includes('user');
  return {
    version: 1,
    namespaces: [],
    host: [],
    init: [
      // Before anything of the container can see us: CVE-2016-9962.
      keepOut(),
      enter(types),
      step('continue in a process inside the PID namespace', 'refork', []),
      ...(facts.detached
        ? [step("become a child of the container's PID 1, which reaps it", 'orphan', [])]
        : []),
      ...(hasUser ? [...becomeRoot(facts), keepOut()] : []),
      ...standAlone(facts.detached ? undefined : SIGKILL),
      ...(spec.process.terminal ? openTerminal(spec.process, {}) : []),
    ],
    process: processSteps(spec, facts, { shim: false, dies: !facts.detached }),
    program: { paths: programPaths(spec), argv: spec.process.args, env: spec.process.env },
    terminal: spec.process.terminal,
    shim: false,
    verbose: false,
    signalGroup: false,
    counts: false,
    sharedPids: true,
    graceMs: 0,
  };
}

function enter(types: NamespaceType[]): Step {
  return step(
    "enter the container's namespaces",
    'setns',
    [constant(String(FD.JOIN), FD.JOIN), flags(CLONE, ...types.map(namespaceFlag))],
    {
      advice: {
        EPERM: 'the container belongs to another user, or a process of it is being traced',
        ESRCH: 'the container has just ended',
      },
    },
  );
}
