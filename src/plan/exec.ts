import type { NamespaceType, Spec } from '../spec/types.js';
import { attachToUnit, enterCgroups } from './cgroup/enter.js';
import { CLONE } from './constants.js';
import { FD } from './facts.js';
import { namespaceFlag } from './namespaces.js';
import { denyTracing, detachFromCaller, processSteps, programPaths, SIGKILL } from './process.js';
import { type CgroupPlace, constant, flags, type HostStep, type Plan, type Step, step } from './step.js';
import { openTerminal } from './terminal.js';
import { becomeRoot } from './user.js';

/** Facts for a plan to join a container, besides its Spec. */
export interface ExecFacts {
  canSetGroups: boolean;
  /** Whether the process outlives the command that started it. */
  detached: boolean;
  /** How many descriptors of the caller the program gets; none by default. */
  kept?: number;
  /** Cgroups of the container. */
  cgroups?: readonly CgroupPlace[];
}

/**
 * The plan that runs another process in a container: `spec` is the container's, except for `process`. A pure function.
 * FD.JOIN is a pidfd of the process to join.
 */
export function buildExecPlan(spec: Spec, facts: ExecFacts): Plan {
  const types = spec.linux.namespaces.map(({ type }) => type);
  const hasUser = types.includes('user');
  const { cgroups = [] } = facts;
  const attached = attachToUnit(cgroups);
  return {
    version: 1,
    namespaces: [],
    isNested: false,
    host: [...attached, ...(attached.length > 0 ? [RESUME] : [])],
    init: [
      // Before processes of the container can see this one: CVE-2016-9962.
      denyTracing(),
      ...(attached.length > 0 ? [step('wait until it is in the cgroup of the container', 'await', [])] : []),
      ...enterCgroups(cgroups),
      enter(types),
      step('continue in a process inside the PID namespace', 'refork', []),
      ...(facts.detached
        ? [step("become a child of the container's PID 1, which reaps it", 'orphan', [])]
        : []),
      ...(hasUser ? [...becomeRoot(facts), denyTracing()] : []),
      ...detachFromCaller(facts.detached ? undefined : SIGKILL),
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
    ...(facts.kept && { kept: facts.kept }),
  };
}

const RESUME: HostStep = { kind: 'resume', why: 'let it continue' };

/** Enters namespaces of the process of FD.JOIN. */
export function enter(types: NamespaceType[]): Step {
  return step(
    "enter the container's namespaces",
    'setns',
    [constant(String(FD.JOIN), FD.JOIN), flags(CLONE, ...types.map(namespaceFlag))],
    {
      advice: {
        EPERM: 'the container belongs to another user, or a process of it is being traced',
        ESRCH: 'the container has just exited',
      },
    },
  );
}
