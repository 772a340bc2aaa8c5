import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeReport, encodeMonitor, encodeNext, encodePlan, REPORT_SIZE } from '../../../src/init/wire.js';
import { type Bytes, type HostStep, PID, type Plan, type Step } from '../../../src/plan/step.js';
import { storageStep } from '../../../src/plan/storage-program.js';
import { errnoNumber } from '../../../src/sys/errno.js';
import { syscallNumber } from '../../../src/sys/syscall-numbers.js';
import { wire } from '../../../src/sys/wire-constants.js';
import { planFor } from '../plan/fixtures.js';

/** Reads a plan as foster-init does, with the blob at address `BASE`: wire.h. */
const BASE = 0x10_0000n;
const ARGUMENT = ['number', 'pointer', 'stored'] as const;

interface DecodedStep {
  number: number;
  arguments: { kind: (typeof ARGUMENT)[number]; value: bigint }[];
  store: number;
  ignore: number[];
}

class Decoder {
  readonly blob: Buffer;
  readonly header: number[];
  readonly steps: DecodedStep[];

  constructor(encoded: Uint8Array) {
    this.blob = Buffer.from(encoded);
    this.header = Array.from({ length: 13 }, (_, index) => this.blob.readUInt32LE(index * 4));
    const [, , , , table = 0, init = 0, process = 0, relocations = 0, count = 0] = this.header;
    this.steps = Array.from({ length: init + process }, (_, index) => this.#step(table + index * 64));
    for (let index = 0; index < count; index++) {
      const at = this.blob.readUInt32LE(relocations + index * 4);
      this.blob.writeBigUInt64LE(this.blob.readBigUInt64LE(at) + BASE, at);
    }
  }

  #step(at: number): DecodedStep {
    const kinds = this.blob.readUInt32LE(at + 4);
    return {
      number: this.blob.readUInt32LE(at),
      arguments: Array.from({ length: 6 }, (_, index) => ({
        kind: ARGUMENT[(kinds >> (2 * index)) & 3] ?? 'number',
        value: this.blob.readBigInt64LE(at + 8 + index * 8),
      })),
      store: this.blob.readUInt32LE(at + 56),
      ignore: [...this.blob.subarray(at + 60, at + 64)].filter((errno) => errno !== 0),
    };
  }

  /** The text at an offset. */
  text(at: number | bigint): string {
    const start = Number(at);
    return this.blob.toString('utf8', start, this.blob.indexOf(0, start));
  }

  /** What the pointer at an offset points to, relocated. */
  follow(at: number | bigint): number {
    return Number(this.blob.readBigUInt64LE(Number(at)) - BASE);
  }

  /** A NULL-terminated array of texts. */
  texts(at: number): string[] {
    const found: string[] = [];
    for (let slot = at; this.blob.readBigUInt64LE(slot) !== 0n; slot += 8)
      found.push(this.text(this.follow(slot)));
    return found;
  }
}

function planOf(init: Step[], process: Step[] = []): Plan {
  return { ...planFor([]), init, process };
}

function decode(init: Step[], process: Step[] = []): Decoder {
  return new Decoder(encodePlan(planOf(init, process), { trace: false }));
}

const step = (call: string, args: Step['args'], rest: Partial<Step> = {}): Step => ({
  call,
  args,
  why: 'test',
  ...rest,
});

test('the header says what is there, and how much', () => {
  const plan = planFor(['--no-init']);
  const { header, blob } = new Decoder(encodePlan(plan, { trace: true }));
  assert.equal(blob.toString('latin1', 0, 4), 'fost');
  assert.equal(header[2], blob.length);
  assert.equal(header[3], 2, 'no shim, trace');
  assert.equal(header[5], plan.init.length);
  assert.equal(header[6], plan.process.length);
  assert.equal(header[12], 10_000);
  const flags = (changed: Partial<Plan>) =>
    new Decoder(encodePlan({ ...plan, shim: false, ...changed }, { trace: false })).header[3];
  assert.deepEqual(
    [
      flags({ shim: true }),
      flags({ verbose: true }),
      flags({ signalGroup: true }),
      flags({ sharedPids: true }),
    ],
    [1, 4, 8, 16],
  );
});

test('program, arguments and environment arrive as they are', () => {
  const program = {
    paths: ['/bin/a', './a'],
    argv: ['a', '', 'ü €', 'x'.repeat(70_000)],
    env: ['A=', 'B=\n'],
  };
  const decoder = new Decoder(encodePlan({ ...planFor([]), program }, { trace: false }));
  const [, , , , , , , , , programs = 0, argv = 0, envp = 0] = decoder.header;
  assert.deepEqual(decoder.texts(programs), program.paths);
  assert.deepEqual(decoder.texts(argv), program.argv);
  assert.deepEqual(decoder.texts(envp), program.env);
});

test('numbers, texts, null and names of bits', () => {
  const call = step('mount', [null, '/x', -100, 0xffff_ffff, { value: 0x8000_0000, text: 'BIT' }], {
    ignore: ['EEXIST', 'EROFS'],
  });
  const decoder = decode([call]);
  const [decoded] = decoder.steps;
  assert.ok(decoded);
  assert.equal(decoded.number, syscallNumber('mount'));
  assert.deepEqual(
    decoded.arguments.map(({ kind }) => kind),
    ['number', 'pointer', 'number', 'number', 'number', 'number'],
  );
  const values = decoded.arguments.map(({ value }) => value);
  assert.equal(values[0], 0n);
  assert.equal(decoder.text(values[1] ?? 0n), '/x');
  assert.deepEqual(values.slice(2), [-100n, 0xffff_ffffn, 0x8000_0000n, 0n]);
  assert.deepEqual(decoded.ignore, [errnoNumber('EEXIST'), errnoNumber('EROFS')]);
  assert.equal(decoded.store, 0);
});

test('a result is read from where its step stores it, also beyond the border between init and process', () => {
  const { steps } = decode(
    [
      step('getpid', [], { result: 'a' }),
      step('getpid', [], { result: 'b' }),
      step('close', [{ result: 'a' }]),
    ],
    [step('ioctl', [0, 1, { addressOf: 'b' }])],
  );
  const [a, b, close, ioctl] = steps;
  assert.ok(a?.store && b?.store && a.store !== b.store);
  assert.deepEqual(close?.arguments[0], { kind: 'stored', value: BigInt(a.store) });
  assert.deepEqual(ioctl?.arguments[2], { kind: 'pointer', value: BigInt(b.store) });
});

test('a name that is used again means the latest result', () => {
  const { steps } = decode([
    step('getpid', [], { result: 'file' }),
    step('close', [{ result: 'file' }]),
    step('getpid', [], { result: 'file' }),
    step('close', [{ result: 'file' }]),
  ]);
  assert.equal(steps[1]?.arguments[0]?.value, BigInt(steps[0]?.store ?? -1));
  assert.equal(steps[3]?.arguments[0]?.value, BigInt(steps[2]?.store ?? -1));
});

test('a result that no step has kept is a mistake', () => {
  assert.throws(
    () => decode([step('close', [{ result: 'later' }]), step('getpid', [], { result: 'later' })]),
    /later/,
  );
});

test('structs: pointers in them are relocated, results stored into them', () => {
  const inner: Bytes = { bytes: Buffer.alloc(24, 7), text: 'inner', holds: [{ offset: 16, result: 'fd' }] };
  const outer: Bytes = {
    bytes: Buffer.alloc(32),
    text: 'outer',
    pointers: [
      { offset: 8, to: inner },
      { offset: 24, to: 'hello' },
    ],
  };
  const decoder = decode([step('getpid', [], { result: 'fd' }), step('sendmsg', [5, outer, 0])]);
  const argument = decoder.steps[1]?.arguments[1];
  assert.equal(argument?.kind, 'pointer');
  const at = Number(argument?.value);
  const inside = decoder.follow(at + 8);
  assert.equal(decoder.steps[0]?.store, inside + 16, 'the result goes straight into the struct');
  assert.equal(decoder.blob[inside], 7);
  assert.equal(decoder.text(decoder.follow(at + 24)), 'hello');
  assert.equal(decoder.blob.readBigUInt64LE(at), 0n);
});

test('everything that foster-init writes or reads as a number is aligned, and inside the blob', () => {
  const plan = planFor(['-it', '-v', '/a:/b', '-u', '7', '-e', `LONG=${'x'.repeat(99_999)}`]);
  const decoder = new Decoder(encodePlan(plan, { trace: false }));
  assert.equal(decoder.steps.length, plan.init.length + plan.process.length);
  for (const { arguments: args, store } of decoder.steps) {
    assert.equal(store % 4, 0);
    assert.ok(store < decoder.blob.length);
    for (const { kind, value } of args) {
      if (kind !== 'number') assert.ok(value > 0n && value < BigInt(decoder.blob.length));
      if (kind === 'stored') assert.equal(value % 4n, 0n);
    }
  }
});

test('await, refork and orphan are no system calls', () => {
  assert.deepEqual(
    decode([step('await', []), step('refork', []), step('orphan', [])]).steps.map(({ number }) => number),
    [0x10000, 0x10001, 0x10002],
  );
});

test('reports', () => {
  const report = (kind: number, index: number, value: bigint) => {
    const bytes = Buffer.alloc(REPORT_SIZE);
    bytes.writeUInt32LE(kind, 0);
    bytes.writeUInt32LE(index, 4);
    bytes.writeBigInt64LE(value, 8);
    bytes.writeBigInt64LE(-1n, 16);
    return decodeReport(bytes);
  };
  assert.deepEqual(report(1, 3, 9n), { kind: 'step', index: 3, result: 9 });
  assert.deepEqual(report(1, 3, -17n), { kind: 'step', index: 3, result: -17 });
  assert.deepEqual(report(2, 4, 13n), { kind: 'failed', index: 4, errno: 13, detail: -1 });
  assert.deepEqual(report(3, 0, 0n), { kind: 'ready' });
  assert.deepEqual(report(4, 0, 2n), { kind: 'exec-failed', errno: 2 });
  assert.deepEqual(report(5, 0, 99n), { kind: 'reforked', pid: 99 });
  assert.deepEqual(report(77, 0, 0n), { kind: 'other' });
});

test('a monitor is told what to remove, and what to say', () => {
  const blob = Buffer.from(
    encodeMonitor({
      pid: 42,
      terminal: false,
      interactive: true,
      verbose: false,
      shim: true,
      userNamespace: true,
      stateless: false,
      remove: ['/a', '/b c'],
      failures: [
        { errno: 'ENOENT', exitCode: 127, text: 'gone' },
        { errno: '*', exitCode: 126, text: 'whatever' },
      ],
    }),
  );
  const field = (index: number) => blob.readUInt32LE(index * 4);
  assert.equal(field(2), blob.length);
  assert.equal(field(3) & 63, 2 | 4 | 8 | 32);
  assert.equal(field(4), 42);
  assert.equal(blob.toString('utf8', field(5), field(5) + 9), '/a\0/b c\0\0');
  assert.equal(field(7), 2);
  const failures = [0, 12].map((offset) => {
    const at = field(6) + offset;
    const text = blob.readUInt32LE(at + 8);
    return [
      blob.readInt32LE(at),
      blob.readInt32LE(at + 4),
      blob.toString('utf8', text, blob.indexOf(0, text)),
    ];
  });
  assert.deepEqual(failures, [
    [2, 127, 'gone'],
    [0, 126, 'whatever'],
  ]);
});

test('host steps: words one after the other, what they mean by kind, and what became of them', () => {
  const mount = {
    kind: 'hand',
    isDeep: false,
    allowsDevices: false,
    mustShift: false,
    why: 'try it',
  } as const;
  const steps: HostStep[] = [
    { kind: 'write', file: 'uid_map', text: '0 1 2\n', why: 'write' },
    { kind: 'run', path: '/bin/x', args: ['x', PID, '', 'ü'], why: 'run' },
    { kind: 'run', path: '/bin/y', args: ['y'], why: 'run without a pid' },
    storageStep(
      { program: '/p', container: '/c', layers: ['/a', '/b'] },
      { joins: 'mount', isReadOnly: true },
    ),
    { kind: 'resume', why: 'resume' },
    { ...mount, source: '/a', isDeep: true },
    { ...mount, source: '/b c', allowsDevices: true, mustShift: true },
    { kind: 'cgroup', action: 'make', folder: '/c', why: 'make' },
    { kind: 'cgroup', action: 'make-shared', folder: '/c', why: 'make a parent' },
    { kind: 'cgroup', action: 'write', folder: '/c', file: 'memory.max', text: '5', why: 'limit' },
    { kind: 'cgroup', action: 'enter', folder: '/c', why: 'enter' },
    { kind: 'cgroup', action: 'move-all', folder: '/c', to: '/d', why: 'move' },
    { kind: 'cgroup', action: 'await', folder: '0::/c', why: 'wait' },
  ];
  const blob = Buffer.from(
    encodeMonitor({
      pid: 0,
      terminal: false,
      interactive: false,
      verbose: false,
      shim: true,
      userNamespace: true,
      stateless: false,
      remove: [],
      failures: [],
      host: { steps, results: [0, 0, 0, 77, 0, 1] },
      oom: { folder: '/c', file: 'memory.events', message: 'no memory\n' },
      supervise: { cloneFlags: 0, joins: false, isNested: false },
    }),
  );
  const u32 = (at: number) => blob.readUInt32LE(at);
  const table = u32(wire.MONITOR_OFFSETS.host_steps);
  assert.equal(u32(wire.MONITOR_OFFSETS.host_step_count), steps.length);
  const oom = blob.toString('utf8', u32(wire.MONITOR_OFFSETS.oom)).split('\0').slice(0, 3);
  assert.deepEqual(oom, ['/c', 'memory.events', 'no memory\n']);
  const decoded = steps.map((_, index) => {
    const at = table + index * wire.HOST_STEP_SIZE;
    const field = (name: keyof typeof wire.HOST_STEP_OFFSETS) => u32(at + wire.HOST_STEP_OFFSETS[name]);
    const words = blob.toString('utf8', field('words')).split('\0').slice(0, field('count'));
    return [field('kind'), words, field('detail'), field('result')];
  });
  assert.deepEqual(decoded, [
    [1, ['uid_map', '0 1 2\n'], 0, 0],
    [2, ['/bin/x', 'x', '', '', 'ü'], 2, 0],
    [2, ['/bin/y', 'y'], 0, 0],
    [3, ['storage', 'mrd', '/p', '/c', '/a', '/b'], 2000, 77],
    [4, [], 0, 0],
    [5, ['/a'], 1, 1],
    [5, ['/b c'], 2 | 4, 0],
    [6, ['/c'], 1, 0],
    [6, ['/c'], 1 | 16, 0],
    [6, ['/c', 'memory.max', '5'], 2, 0],
    [6, ['/c'], 3, 0],
    [6, ['/c', '/d'], 4, 0],
    [6, ['0::/c'], 5, 0],
  ]);
});

test('what a monitor does differently at its next start: names, steps for networks, a whole plan', () => {
  const plan = planFor([]);
  const step: HostStep = { kind: 'netlink', where: 'holder', messages: Buffer.alloc(16), call: '', why: '' };
  const blob = Buffer.from(encodeNext({ names: ['/names/web'], links: [step], plan }));
  const field = (name: keyof typeof wire.NEXT_OFFSETS) => blob.readUInt32LE(wire.NEXT_OFFSETS[name]);
  assert.deepEqual(
    [field('magic'), field('version'), field('size')],
    [wire.MAGIC, wire.VERSION, blob.length],
  );
  assert.equal(blob.toString('utf8', field('names'), field('names') + 12), '/names/web\0\0');
  assert.equal(field('host_step_count'), 1);
  assert.equal(blob.readUInt32LE(field('host_steps') + wire.HOST_STEP_OFFSETS.kind), wire.HOST_NETLINK);
  const inner = blob.subarray(field('plan'), field('plan') + field('plan_size'));
  assert.deepEqual(inner, Buffer.from(encodePlan(plan, { trace: false })));
});
