import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChange, parseLimits, withRates } from '../../../../src/spec/parse/resources.js';
import { FosterError } from '../../../../src/sys/errors.js';

const MB = 1024 * 1024;

test('limits as a Spec has them', () => {
  assert.deepEqual(parseLimits({}), { resources: {}, rates: [], ignoresUnenforced: false });
  const { resources, cpus } = parseLimits({
    memory: '64m',
    memorySwap: '-1',
    memoryReservation: '32m',
    memorySwappiness: '10',
    oomKillDisable: true,
    cpus: '1.5',
    cpuShares: '512',
    cpusetCpus: '0-2,4',
    cpusetMems: '0',
    pidsLimit: '100',
    blkioWeight: '300',
    cpuRtRuntime: '5000',
    cpuRtPeriod: '20000',
  });
  assert.deepEqual(resources, {
    memory: { limit: 64 * MB, swap: -1, reservation: 32 * MB, swappiness: 10, disableOOMKiller: true },
    cpu: {
      ...{ shares: 512, quota: 150_000, period: 100_000, cpus: '0-2,4', mems: '0' },
      ...{ realtimeRuntime: 5000, realtimePeriod: 20_000 },
    },
    pids: { limit: 100 },
    blockIO: { weight: 300 },
  });
  assert.equal(cpus, 1.5);
});

test('other spellings', () => {
  for (const [cpus, quota] of [
    ['0.01', 1000],
    ['.5', 50_000],
    ['2', 200_000],
  ] as const)
    assert.equal(parseLimits({ cpus }).resources.cpu?.quota, quota);
  for (const pidsLimit of ['-1', '0'])
    assert.deepEqual(parseLimits({ pidsLimit }).resources, { pids: { limit: -1 } });
  assert.equal(parseLimits({ memorySwappiness: '-1' }).resources.memory, undefined);
  assert.equal(parseLimits({ cgroupParent: 'a/b/' }).cgroupParent, '/a/b');
  assert.equal(parseLimits({ cgroupParent: 'my.slice' }).cgroupParent, '/my.slice');
});

test('rates and weights of devices', () => {
  const { resources, rates } = parseLimits({
    blkioWeightDevice: ['/dev/sdb:200'],
    deviceReadBps: ['/dev/sda:1m'],
    deviceWriteIops: ['/dev/a:b:10'],
  });
  assert.deepEqual(rates, [
    { kind: 'Weight', path: '/dev/sdb', rate: 200 },
    { kind: 'ReadBps', path: '/dev/sda', rate: MB },
    { kind: 'WriteIOPS', path: '/dev/a:b', rate: 10 },
  ]);
  const numbers = new Map(rates.map(({ path }, minor) => [path, { major: 8, minor }]));
  assert.deepEqual(withRates(resources, rates, numbers), {
    blockIO: {
      weightDevice: [{ major: 8, minor: 0, weight: 200 }],
      throttleReadBpsDevice: [{ major: 8, minor: 1, rate: MB }],
      throttleWriteIOPSDevice: [{ major: 8, minor: 2, rate: 10 }],
    },
  });
});

test('what is wrong is named', () => {
  const cases: [Parameters<typeof parseLimits>[0], RegExp][] = [
    [{ memory: 'lots' }, /^--memory 'lots': expected a size/],
    [{ memory: '1m' }, /^--memory '1m': the least is 6m/],
    [{ memory: '-1' }, /^--memory '-1'/],
    [{ memorySwap: '64m' }, /^--memory-swap needs --memory/],
    [{ memory: '64m', memorySwap: '32m' }, /^--memory-swap '32m': it is less/],
    [{ memory: '64m', memoryReservation: '65m' }, /^--memory-reservation '65m': it is more/],
    [{ memorySwappiness: '101' }, /^--memory-swappiness '101': expected a whole number from 0 to 100/],
    [{ cpus: 'two' }, /^--cpus 'two': expected a number/],
    [{ cpus: '-1' }, /^--cpus '-1'/],
    [{ cpus: '0.001' }, /^--cpus '0.001': the least is 0.01/],
    [{ cpus: '1', cpuQuota: '50000' }, /^--cpus and --cpu-quota cannot be used together/],
    [{ cpuPeriod: '1' }, /^--cpu-period '1': expected a whole number from 1000 to 1000000/],
    [{ cpuQuota: '5' }, /^--cpu-quota '5': expected a whole number of at least 1000, or -1/],
    [{ cpuRtRuntime: '1000001' }, /^--cpu-rt-runtime '1000001': it is more than --cpu-rt-period/],
    [{ cpuRtPeriod: '-1' }, /^--cpu-rt-period '-1'/],
    [{ blkioWeightDevice: ['/dev/sda:5'] }, /^--blkio-weight-device '\/dev\/sda:5': expected DEVICE:WEIGHT/],
    [{ blkioWeightDevice: ['200'] }, /^--blkio-weight-device '200'/],
    [{ cpuShares: '1e3' }, /^--cpu-shares '1e3'/],
    [{ cpusetCpus: '0-' }, /^--cpuset-cpus '0-': expected a list/],
    [{ cpusetMems: '0\n1' }, /^--cpuset-mems '0\\n1'/],
    [{ pidsLimit: 'many' }, /^--pids-limit 'many'/],
    [{ blkioWeight: '5' }, /^--blkio-weight '5': expected a whole number from 10 to 1000/],
    [{ deviceReadBps: ['sda:1m'] }, /^--device-read-bps 'sda:1m': expected DEVICE:RATE/],
    [{ deviceReadIops: ['/dev/sda:1m'] }, /^--device-read-iops '\/dev\/sda:1m': expected DEVICE:NUMBER/],
    [{ cgroupParent: '../x' }, /^--cgroup-parent '\.\.\/x': expected a path/],
    [{ cgroupConf: ['memory.high'] }, /^--cgroup-conf 'memory\.high': expected FILE=VALUE/],
    [{ cgroupConf: ['../memory.high=1'] }, /^--cgroup-conf '\.\.\/memory\.high=1': expected FILE=VALUE/],
    [{ cgroupConf: ['cgroup.procs=1'] }, /^--cgroup-conf 'cgroup\.procs=1': foster itself writes/],
    [{ cgroupConf: ['io.max=1\n2'] }, /^--cgroup-conf 'io\.max=1\\n2': the value has to be a line/],
    [{ cgroups: 'none' }, /^--cgroups 'none': expected enabled, disabled or no-conmon/],
    [{ cgroups: 'split' }, /^--cgroups 'split' is not supported yet: /],
    [{ cgroups: 'disabled', memory: '64m' }, /^--cgroups disabled and limits cannot be used together/],
    [{ cgroupParent: '/' }, /^--cgroup-parent '\/'/],
  ];
  for (const [flags, message] of cases)
    assert.throws(
      () => parseLimits(flags),
      (error) => error instanceof FosterError && message.test(error.message),
      String(message),
    );
});

test('files of a cgroup, and no cgroup', () => {
  assert.deepEqual(
    parseLimits({ cgroupConf: ['memory.high=1g', 'io.max=8:0 rbps=5', 'memory.high=2g'] }).resources,
    {
      unified: { 'memory.high': '2g', 'io.max': '8:0 rbps=5' },
    },
  );
  assert.equal(parseLimits({ cgroups: 'disabled' }).isWithoutCgroup, true);
  for (const cgroups of ['enabled', 'no-conmon'])
    assert.equal(parseLimits({ cgroups, memory: '64m' }).isWithoutCgroup, undefined);
});

test('a change may leave to the container what goes with it', () => {
  assert.deepEqual(parseChange({ memorySwap: '64m' }).resources, { memory: { swap: 64 * MB } });
  assert.deepEqual(parseChange({ memory: '0' }).resources, { memory: { limit: 0 } });
});
