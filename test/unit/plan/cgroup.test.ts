import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enterCgroups } from '../../../src/plan/cgroup/enter.js';
import {
  type CgroupFacts,
  enforceable,
  type V1Hierarchy,
  type V2Base,
  type V2Hierarchy,
} from '../../../src/plan/cgroup/facts.js';
import { planCgroups } from '../../../src/plan/cgroup/plan.js';
import type { CgroupPlan } from '../../../src/plan/cgroup/result.js';
import { renderHostStep, renderStep } from '../../../src/plan/render.js';
import type { Resources } from '../../../src/spec/types.js';
import { planFor } from './fixtures.js';

/** How limits become steps, on hosts with cgroups of both versions, delegated or not. */

const ID = 'ab'.repeat(32);
const OWN = `foster-${ID}`;

function v1(controllers: string[], changes: Partial<V1Hierarchy> = {}): V1Hierarchy {
  const files = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.oom_control', 'pids.max'];
  files.push(
    'cpu.cfs_period_us',
    'cpu.cfs_quota_us',
    'cpu.shares',
    'cpuset.cpus',
    'blkio.throttle.read_bps_device',
  );
  const folder = `/sys/fs/cgroup/${controllers.join(',')}`;
  return { controllers, folder, isWritable: true, files: new Set(files), ...changes };
}

const HYBRID: CgroupFacts = {
  isRoot: true,
  uid: 0,
  v1: [
    v1(['memory']),
    v1(['pids']),
    v1(['cpu', 'cpuacct']),
    v1(['cpuset'], { cpuset: { cpus: '0-3', mems: '0' } }),
  ],
  v2: { folder: '/sys/fs/cgroup/unified', controllers: [], files: new Set(), bases: [] },
};

const ALL = ['cpuset', 'cpu', 'io', 'memory', 'pids'];
const SCOPE = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope';

function unified(bases: Partial<V2Base>[], changes: Partial<V2Hierarchy> = {}): CgroupFacts {
  const base = {
    folder: SCOPE,
    controllers: ['memory', 'pids'],
    enabled: [],
    hasProcesses: true,
    isTop: false,
  };
  const all = bases.map((each) => ({ ...base, ...each }));
  return {
    isRoot: false,
    uid: 1000,
    v1: [],
    v2: { folder: '/sys/fs/cgroup', controllers: ALL, files: new Set(['io.weight']), bases: all, ...changes },
  };
}

const MANAGER = {
  busctl: '/usr/bin/busctl',
  address: 'unix:path=/run/user/1000/bus',
  cgroup: '/user.slice/user-1000.slice/user@1000.service',
  controllers: ['memory', 'pids'],
};

const MEMORY: Resources = { memory: { limit: 64 * 1024 ** 2 } };
const CPU: Resources = { cpu: { quota: 150_000, period: 100_000 } };

const calls = ({ steps }: CgroupPlan) =>
  steps.flatMap((step) => renderHostStep(step)).map(({ call }) => call.replaceAll(ID, 'ID'));

function plan(resources: Resources, facts: CgroupFacts, cgroupsPath?: string): CgroupPlan {
  return planCgroups({ ...LINUX, resources, ...(cgroupsPath !== undefined && { cgroupsPath }) }, facts, ID);
}

const LINUX = {
  namespaces: [],
  uidMappings: [],
  gidMappings: [],
  sysctl: {},
  maskedPaths: [],
  readonlyPaths: [],
};

test('without limits there is no cgroup, and values that stand for none are no limits', () => {
  for (const none of [{}, { memory: { limit: -1 } }, { pids: { limit: -1 } }, { cpu: { quota: -1 } }])
    assert.deepEqual(plan(none, unified([])), { steps: [], places: [], unenforced: [] });
});

test('version 1: a cgroup in each hierarchy that limits, counts or freezes, and PID 1 in it', () => {
  const made = plan({ ...MEMORY, pids: { limit: 10 } }, HYBRID);
  assert.deepEqual(made.unenforced, []);
  const memory = '/sys/fs/cgroup/memory/foster-ID';
  assert.deepEqual(calls(made), [
    `mkdir("${memory}", 0755)`,
    `write("${memory}/memory.limit_in_bytes", "67108864")`,
    `write("${memory}/memory.memsw.limit_in_bytes", "134217728")`,
    `write("${memory}/cgroup.procs", "PID")`,
    'mkdir("/sys/fs/cgroup/pids/foster-ID", 0755)',
    'write("/sys/fs/cgroup/pids/foster-ID/pids.max", "10")',
    'write("/sys/fs/cgroup/pids/foster-ID/cgroup.procs", "PID")',
    'mkdir("/sys/fs/cgroup/cpu,cpuacct/foster-ID", 0755)',
    'write("/sys/fs/cgroup/cpu,cpuacct/foster-ID/cgroup.procs", "PID")',
  ]);
  assert.deepEqual(made.oom, { folder: `/sys/fs/cgroup/memory/${OWN}`, file: 'memory.oom_control' });
  assert.deepEqual(
    made.places.map(({ version, controllers }) => [version, ...controllers]),
    [
      [1, 'memory'],
      [1, 'pids'],
      [1, 'cpu', 'cpuacct'],
    ],
  );
});

test('version 1: cpuset gets all CPUs before its own, since a new cgroup has none; so do its parents', () => {
  const shown = calls(plan({ cpu: { cpus: '1' } }, HYBRID, '/a/b')).filter((call) =>
    call.includes('/cpuset/'),
  );
  assert.deepEqual(shown, [
    'mkdir("/sys/fs/cgroup/cpuset/a", 0755)',
    'write("/sys/fs/cgroup/cpuset/a/cpuset.cpus", "0-3")',
    'write("/sys/fs/cgroup/cpuset/a/cpuset.mems", "0")',
    'mkdir("/sys/fs/cgroup/cpuset/a/b", 0755)',
    'write("/sys/fs/cgroup/cpuset/a/b/cpuset.cpus", "0-3")',
    'write("/sys/fs/cgroup/cpuset/a/b/cpuset.mems", "0")',
    'write("/sys/fs/cgroup/cpuset/a/b/cpuset.cpus", "1")',
    'write("/sys/fs/cgroup/cpuset/a/b/cgroup.procs", "PID")',
  ]);
});

test('version 1 of a user without rights: every option is refused, with the reason', () => {
  const v1Only = HYBRID.v1.map((hierarchy) => ({ ...hierarchy, isWritable: false }));
  const refused = plan({ ...MEMORY, ...CPU }, { ...HYBRID, isRoot: false, uid: 1000, v1: v1Only });
  assert.deepEqual(refused.steps, []);
  assert.deepEqual(
    refused.unenforced.map(({ option }) => option),
    ['--memory', '--cpus or --cpu-quota'],
  );
  for (const { because, advice } of refused.unenforced) {
    assert.match(because, /version 1, which only root may use/);
    assert.match(advice, /systemd\.unified_cgroup_hierarchy=1/);
  }
});

test('version 1 without a file: what was asked for is refused, the usual limit of swap left out', () => {
  const files = new Set(['memory.limit_in_bytes']);
  const facts = { ...HYBRID, v1: [v1(['memory'], { files })] };
  const usual = plan(MEMORY, facts);
  assert.deepEqual(usual.unenforced, []);
  assert.equal(calls(usual).filter((call) => call.includes('memsw')).length, 0);
  const asked = plan({ memory: { limit: 1, swap: 2 } }, facts);
  assert.deepEqual(
    asked.unenforced.map(({ option, because }) => [option, because]),
    [['--memory-swap', "this kernel's controller memory has no file memory.memsw.limit_in_bytes"]],
  );
});

test('version 2, delegated and nothing else in it: controllers, limits, and processes one below them', () => {
  const made = plan(MEMORY, unified([{ hasProcesses: false }]));
  assert.deepEqual(calls(made), [
    `mkdir("${SCOPE}/foster-ID", 0755)`,
    `mkdir("${SCOPE}/foster-ID/container", 0755)`,
    `write("${SCOPE}/foster-ID/container/cgroup.procs", "PID")`,
    `write("${SCOPE}/cgroup.subtree_control", "+memory +pids")`,
    `write("${SCOPE}/foster-ID/memory.max", "67108864")`,
    `write("${SCOPE}/foster-ID/memory.swap.max", "67108864")`,
  ]);
  assert.deepEqual(made.oom, { folder: `${SCOPE}/${OWN}`, file: 'memory.events' });
});

test('version 2, delegated with processes: they move to a cgroup below, once', () => {
  const made = calls(plan(MEMORY, unified([{}])));
  assert.deepEqual(made.slice(0, 2), [
    `mkdir("${SCOPE}/foster-callers", 0755)`,
    `write("${SCOPE}/foster-callers/cgroup.procs", each of "${SCOPE}/cgroup.procs")`,
  ]);
  // the next command is in that one, and finds the one above, whose processes have moved
  const folder = `${SCOPE}/foster-callers`;
  const next = unified([
    { folder, controllers: ['memory'] },
    { enabled: ['memory', 'pids'], hasProcesses: false },
  ]);
  const calm = calls(plan(MEMORY, next));
  assert.equal(calm[0], `mkdir("${SCOPE}/foster-ID", 0755)`);
  assert.ok(!calm.some((call) => call.includes('foster-callers') || call.includes('subtree_control')));
});

test('version 2, as root: in the topmost cgroup, which may have processes', () => {
  const top = { folder: '/sys/fs/cgroup', controllers: ALL, enabled: ['memory'], isTop: true };
  const made = calls(plan({ ...MEMORY, ...CPU }, { ...unified([top]), isRoot: true, uid: 0 }, '/pods/x'));
  assert.deepEqual(made.slice(0, 5), [
    'mkdir("/sys/fs/cgroup/pods", 0755)',
    'mkdir("/sys/fs/cgroup/pods/x", 0755)',
    'mkdir("/sys/fs/cgroup/pods/x/container", 0755)',
    'write("/sys/fs/cgroup/pods/x/container/cgroup.procs", "PID")',
    'write("/sys/fs/cgroup/cgroup.subtree_control", "+memory +cpu +io +pids")',
  ]);
  assert.ok(made.includes('write("/sys/fs/cgroup/pods/cgroup.subtree_control", "+memory +cpu +io +pids")'));
  assert.ok(made.includes('write("/sys/fs/cgroup/pods/x/cpu.max", "150000 100000")'));
});

test('version 2, not delegated, with a systemd of the user: a scope, and the same in it', () => {
  const made = plan(MEMORY, unified([], { manager: MANAGER }));
  const scope = '/user.slice/user-1000.slice/user@1000.service/foster.slice/foster-ID.scope';
  const [start = '', wait, ...rest] = calls(made);
  assert.match(
    start,
    /^execve\("\/usr\/bin\/busctl", \["busctl", "--address=unix:path=\/run\/user\/1000\/bus", "call", /,
  );
  assert.match(
    start,
    /"StartTransientUnit", "ssa\(sv\)a\(sa\(sv\)\)", "foster-ID\.scope", "fail", "5", "PIDs", "au", "1", "PID", "Delegate", "b", "true"/,
  );
  assert.equal(wait, `read(/proc/PID/cgroup) /* until it has "0::${scope}" */`);
  const folder = `/sys/fs/cgroup${scope}`;
  assert.deepEqual(rest, [
    `mkdir("${folder}/limited", 0755)`,
    `mkdir("${folder}/limited/container", 0755)`,
    `write("${folder}/limited/container/cgroup.procs", "PID")`,
    `write("${folder}/cgroup.subtree_control", "+memory +pids")`,
    `write("${folder}/limited/memory.max", "67108864")`,
    `write("${folder}/limited/memory.swap.max", "67108864")`,
  ]);
  assert.deepEqual(
    made.places.map(({ unit }) => unit?.name),
    [`foster-${ID}.scope`],
  );
  assert.deepEqual(enterCgroups(made.places), [], 'systemd has to put others into it');
  const own = calls(plan(MEMORY, unified([], { manager: MANAGER }), '/my-work.slice/x'))[1] ?? '';
  assert.match(own, /user@1000\.service\/my\.slice\/my-work\.slice\/foster-ID\.scope/);
});

test('version 2, where systemd does not delegate a controller: the file to write', () => {
  const { steps, unenforced } = plan({ ...MEMORY, ...CPU }, unified([], { manager: MANAGER }));
  assert.deepEqual(steps, []);
  assert.deepEqual(
    unenforced.map(({ option }) => option),
    ['--memory', '--cpus or --cpu-quota'],
  );
  assert.match(unenforced[0]?.because ?? '', /does not delegate the cgroup controller cpu to you/);
  assert.match(unenforced[0]?.advice ?? '', /\/etc\/systemd\/system\/user@\.service\.d\/delegate\.conf/);
});

test('version 2 without anybody who delegates, without a controller, and without cgroups', () => {
  const reason = (facts: CgroupFacts) =>
    plan(MEMORY, facts)
      .unenforced.map(({ because }) => because)
      .join();
  assert.match(reason(unified([])), /belong to root, and no systemd of yours is running/);
  assert.match(reason(unified([], { controllers: ['pids'] })), /no cgroup controller memory/);
  assert.match(reason({ isRoot: true, uid: 0, v1: [] }), /no cgroups are mounted/);
});

test('version 2: what it does not have is refused', () => {
  const facts = unified([{ hasProcesses: false }]);
  const { unenforced } = plan({ memory: { limit: 1, swappiness: 10, disableOOMKiller: true } }, facts);
  assert.deepEqual(
    unenforced.map(({ option }) => option),
    ['--memory-swappiness', '--oom-kill-disable'],
  );
});

test('shares and weights are converted as crun and runc do', () => {
  const facts = unified([{ hasProcesses: false, controllers: ALL }]);
  for (const [shares, weight] of [
    [2, 1],
    [1024, 39],
    [262_144, 10_000],
  ] as const) {
    const shown = calls(plan({ cpu: { shares } }, facts));
    assert.ok(shown.includes(`write("${SCOPE}/foster-ID/cpu.weight", "${weight}")`), shown.join('\n'));
  }
});

test('what can be enforced, for info', () => {
  assert.deepEqual(enforceable(HYBRID).manager, 'cgroupfs');
  assert.deepEqual(enforceable(unified([{}])), { manager: 'cgroupfs', controllers: ['memory', 'pids'] });
  assert.deepEqual(enforceable(unified([], { manager: MANAGER })), {
    manager: 'systemd',
    controllers: ['memory', 'pids'],
  });
  assert.deepEqual(enforceable(unified([])), { manager: 'none', controllers: [] });
});

test('rates of disks, one line for each', () => {
  const rates: Resources = {
    blockIO: {
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 100 }],
      throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 5 }],
    },
  };
  const shown = calls(plan(rates, unified([{ hasProcesses: false, controllers: ALL }])));
  assert.ok(shown.includes(`write("${SCOPE}/foster-ID/io.max", "8:0 rbps=100")`));
  assert.ok(shown.includes(`write("${SCOPE}/foster-ID/io.max", "8:16 wiops=5")`));
});

test('weights of disks, in the file that the kernel has', () => {
  const weights: Resources = {
    blockIO: { weight: 505, weightDevice: [{ major: 8, minor: 0, weight: 1000 }] },
  };
  const delegated = { hasProcesses: false, controllers: ALL };
  const written = (facts: CgroupFacts) =>
    calls(plan(weights, facts)).flatMap((call) => /weight.*/.exec(call)?.[0] ?? []);
  assert.deepEqual(written(unified([delegated])), ['weight", "default 5000")', 'weight", "8:0 10000")']);
  const bfq = written(unified([delegated], { files: new Set(['io.bfq.weight']) }));
  assert.deepEqual(bfq, ['weight", "default 505")', 'weight", "8:0 1000")']);
  const old = (names: string[]) => written({ ...HYBRID, v1: [v1(['blkio'], { files: new Set(names) })] });
  assert.deepEqual(old(['blkio.weight', 'blkio.weight_device']), [
    'weight", "505")',
    'weight_device", "8:0 1000")',
  ]);
  assert.deepEqual(old(['blkio.bfq.weight', 'blkio.bfq.weight_device']), [
    'weight", "505")',
    'weight_device", "8:0 1000")',
  ]);
  const none = plan(weights, { ...HYBRID, v1: [v1(['blkio'], { files: new Set() })] });
  assert.deepEqual(
    none.unenforced.map(({ because }) => because),
    [
      "this kernel's controller blkio has no file blkio.weight",
      "this kernel's controller blkio has no file blkio.weight_device",
    ],
  );
});

test('real-time CPU time is of version 1, the period first; a new cgroup has none', () => {
  const wanted = { cpu: { realtimeRuntime: 5000, realtimePeriod: 20_000 } };
  const files = new Set(['cpu.rt_period_us', 'cpu.rt_runtime_us']);
  const facts = { ...HYBRID, v1: [v1(['cpu'], { files })] };
  assert.deepEqual(calls(plan(wanted, facts)).slice(1, 3), [
    'write("/sys/fs/cgroup/cpu/foster-ID/cpu.rt_period_us", "20000")',
    'write("/sys/fs/cgroup/cpu/foster-ID/cpu.rt_runtime_us", "5000")',
  ]);
  assert.deepEqual(plan({ cpu: { realtimeRuntime: 0 } }, facts).steps, []);
  const reasons = (other: CgroupFacts) => plan(wanted, other).unenforced.map(({ because }) => because);
  assert.deepEqual(reasons(unified([{ controllers: ALL }])), [
    'cgroups of version 2 have no file cpu.rt_period_us',
    'cgroups of version 2 have no file cpu.rt_runtime_us',
  ]);
  assert.deepEqual(reasons({ ...HYBRID, v1: [v1(['cpu'])] }), [
    "this kernel's controller cpu has no file cpu.rt_period_us",
    "this kernel's controller cpu has no file cpu.rt_runtime_us",
  ]);
});

test('a file of version 2 by its name is written last, and its controller is switched on', () => {
  const wanted = { ...MEMORY, unified: { 'memory.high': '5', 'io.max': '8:0 rbps=5' } };
  const made = calls(plan(wanted, unified([{ hasProcesses: false, controllers: ALL }])));
  assert.deepEqual(made.slice(-4), [
    `write("${SCOPE}/foster-ID/memory.max", "67108864")`,
    `write("${SCOPE}/foster-ID/memory.swap.max", "67108864")`,
    `write("${SCOPE}/foster-ID/memory.high", "5")`,
    `write("${SCOPE}/foster-ID/io.max", "8:0 rbps=5")`,
  ]);
  assert.ok(
    made.includes(`write("${SCOPE}/cgroup.subtree_control", "+memory +io +cpu +pids")`),
    made.join('\n'),
  );
  assert.deepEqual(
    plan({ unified: { 'memory.high': '5' } }, HYBRID).unenforced.map(({ because }) => because),
    ['memory.high is of version 2, and this machine has cgroups of version 1 for it'],
  );
});

test('in a plan: before the ids are mapped; PID 1 makes its cgroup namespace when it is in the cgroup', () => {
  const cgroup = plan(MEMORY, HYBRID);
  const { host, init, namespaces, cgroup: kept } = planFor([], { facts: { cgroup } });
  assert.equal(host[0]?.kind, 'cgroup');
  assert.ok(!namespaces.includes('cgroup'));
  const shown = init.map(renderStep);
  const waits = shown.indexOf('read(control)');
  assert.ok(waits >= 0 && shown.indexOf('unshare(CLONE_NEWCGROUP)') === waits + 1, shown.join('\n'));
  assert.deepEqual(kept?.places, cgroup.places);
});

test('in a plan that joins a container: the process that continues waits for its cgroup', () => {
  const cgroup = plan(MEMORY, HYBRID);
  const share = { types: ['user', 'pid'] as const, of: 'x' };
  const { init } = planFor([], { facts: { cgroup, share } });
  const shown = init.map(renderStep);
  assert.ok(shown.indexOf('read(control)') > shown.indexOf('clone(CLONE_PARENT|SIGCHLD)'));
  assert.equal(shown.filter((call) => call === 'read(control)').length, 1);
});
