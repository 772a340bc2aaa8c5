#!/usr/bin/env node
/** Writes seed inputs into FOLDER/plan, monitor, supervise, attach, front, record, ports, probe: blobs as foster encodes them, with typical results of system calls. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = resolve(process.argv[2]);
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: ['wire', 'template'].map((name) => join(ROOT, `src/init/${name}.ts`)),
  outdir: folder,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  external: ['koffi', '@koromix/*'],
  logLevel: 'warning',
});
const require = createRequire(import.meta.url);
const { encodeMonitor, encodeNext, encodePlan } = require(join(folder, 'wire.cjs'));
const { encodeRefusal, encodeRunTemplate, encodeTemplate, stampOf } = require(join(folder, 'template.cjs'));

const plan = {
  version: 1,
  namespaces: [],
  host: [],
  init: [
    { call: 'await', args: [], why: '' },
    { call: 'openat', args: [-100, '/a', 0, 0], result: 'a', why: '' },
    { call: 'fchmod', args: [{ result: 'a' }, 7], ignore: ['EPERM'], why: '' },
    { call: 'refork', args: [], why: '' },
  ],
  process: [{ call: 'prctl', args: [38, 1, 0, 0, 0], why: '' }],
  program: { paths: ['/bin/sh', '/usr/bin/sh'], argv: ['sh', '-c', 'true'], env: ['A=b'] },
  terminal: false,
  shim: true,
  verbose: true,
  signalGroup: false,
  counts: true,
  sharedPids: false,
  graceMs: 100,
};
/** A plan whose steps read memory of the plan. */
const reader = {
  ...plan,
  init: [
    { call: 'netlink', args: [{ bytes: message(20), text: '' }, 20], why: '' },
    {
      call: 'probe',
      args: [{ bytes: Buffer.alloc(16, 2), text: '' }, 16, { bytes: Buffer.from('GET'), text: '' }, 3],
      why: '',
    },
  ],
};

/** An empty rtnetlink(7) message. */
function message(size) {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32LE(size);
  return bytes;
}

const monitor = {
  pid: 3,
  terminal: false,
  interactive: true,
  verbose: true,
  shim: true,
  userNamespace: true,
  stateless: false,
  subject: { id: 'abc', name: 'x' },
  remove: ['/tmp/x', '/tmp/y'],
  volumes: ['volume.mount - a', 'volume.unmount - a'],
  failures: [
    { errno: 'ENOENT', exitCode: 127, text: 'no' },
    { errno: '*', exitCode: 126, text: 'other' },
  ],
};
const helpers = ['newuidmap', 'newgidmap'].map((name) => ({
  kind: 'run',
  path: `/usr/bin/${name}`,
  args: [name, { pid: 1 }, '0', '1000', '1'],
}));
const writes = ['setgroups', 'uid_map', 'gid_map'].map((file) => ({ kind: 'write', file, text: '0 0 1\n' }));
const storage = { kind: 'start', args: ['storage', 'dmu', '/p', '/c', '/l'], stopTimeout: 2000 };
const mounts = ['/a', '/b'].map((source, index) => ({
  kind: 'hand',
  source,
  isDeep: index > 0,
  ...(index > 0 && { beneath: { top: source, path: 'c' } }),
  mustShift: true,
}));
const cgroups = [
  { kind: 'cgroup', action: 'make-shared', folder: '/c' },
  { kind: 'cgroup', action: 'make', folder: '/c/d' },
  { kind: 'cgroup', action: 'move-all', folder: '/c', to: '/c/e' },
  { kind: 'cgroup', action: 'await', folder: '0::/c' },
  { kind: 'cgroup', action: 'write', folder: '/c/d', file: 'memory.max', text: '1' },
  { kind: 'cgroup', action: 'enter', folder: '/c/d' },
];
const oom = { folder: '/c/d', file: 'memory.events', message: 'no memory' };
const supervise = {
  cloneFlags: 0x10000000,
  joins: false,
  checks: [
    { interval: 1, startInterval: 1, timeout: 1, startPeriod: 1, retries: 2 },
    { interval: 1, timeout: 1, startPeriod: 0, retries: 1, role: 'startup', delay: 1, grace: 1 },
  ],
  hasPostStart: true,
  stop: { signal: 15, hasPreStop: true, pause: 0 },
};

/** Answers of all kinds, in no order. */
function answers(seed) {
  const bytes = Buffer.alloc(1500);
  let state = seed;
  for (let at = 0; at < bytes.length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function report(kind, value) {
  const bytes = Buffer.alloc(43);
  bytes.writeUInt16LE(40, 1);
  bytes.writeUInt32LE(kind, 3);
  bytes.writeBigInt64LE(BigInt(value), 11);
  bytes.write('name', 27);
  return bytes;
}

function withBlob(blob, ...rest) {
  const size = Buffer.alloc(2);
  size.writeUInt16LE(blob.length);
  return Buffer.concat([size, blob, ...rest]);
}

const reports = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11].map((kind) => report(kind, 5));
const kinds = {
  plan: [{ ...plan }, { ...plan, shim: false }, { ...plan, sharedPids: true, signalGroup: true }, reader].map(
    (one) => encodePlan(one, { trace: true }),
  ),
  monitor: [
    { ...monitor, host: { steps: [...helpers, storage], results: [0, 0, 7] } },
    { ...monitor, terminal: true },
    { ...monitor, oom, host: { steps: cgroups, results: [1, 1, 0, 0, 0, 0] } },
    { ...monitor, stateless: true },
    { ...monitor, lastProgram: { argv: ['/x', 'a'], env: ['A=b'], unless: '/n' } },
  ].map((one) => encodeMonitor(one)),
  supervise: [
    [...helpers, { kind: 'resume' }],
    [...writes, { kind: 'resume' }, ...mounts],
    [...helpers, storage, { kind: 'resume' }, ...mounts],
    [...cgroups, ...helpers, { kind: 'resume' }],
  ].flatMap((steps) => [
    encodeMonitor({ ...monitor, pid: 0, host: { steps }, supervise }),
    encodeMonitor({ ...monitor, pid: 0, terminal: true, host: { steps }, supervise }),
  ]),
};
for (const [kind, blobs] of Object.entries(kinds)) {
  mkdirSync(join(folder, kind), { recursive: true });
  for (const [index, blob] of blobs.entries()) {
    writeFileSync(join(folder, kind, `answers-${index}`), withBlob(Buffer.from(blob), answers(index + 1)));
    writeFileSync(
      join(folder, kind, `reports-${index}`),
      withBlob(Buffer.from(blob), ...reports, answers(index + 7)),
    );
    writeFileSync(
      join(folder, kind, `zeros-${index}`),
      withBlob(Buffer.from(blob), Buffer.alloc(600), answers(3)),
    );
  }
}
mkdirSync(join(folder, 'attach'), { recursive: true });
for (const [index, kind] of [...'oeitcwsax'].entries()) {
  const message = Buffer.concat([Buffer.from([4, 1, 0, 5, 0]), Buffer.from(`${kind}1234`)]);
  writeFileSync(join(folder, 'attach', `message-${index}`), Buffer.concat([message, answers(index + 20)]));
}
mkdirSync(join(folder, 'front'), { recursive: true });
const failures = [{ errno: 'ENOENT', exitCode: 127, before: 'no "', after: '"\n' }];
for (const kind of ['foreground', 'terminal', 'detached', 'detachable']) {
  const none = stampOf('/nonexistent');
  const template = encodeTemplate({
    kind,
    stamps: { config: none, cgroups: none },
    plan: encodePlan({ ...plan, program: { paths: [], argv: [], env: ['A=b', 'B=c'] } }, { trace: false }),
    monitor: encodeMonitor({ ...monitor, pid: 0, failures: [] }),
    failures: { path: failures, name: failures },
    event: ' exec abc x command=',
    path: '/bin:/usr/bin:',
    keys: Buffer.from([16, 17]),
    directoryStep: 4,
  });
  writeFileSync(join(folder, 'front', kind), template);
}
const seen = {
  files: [
    { root: '', path: '/a', kind: 0, stamp: [1n, 2n, 3n, 4n, 5n] },
    { root: '/r', path: '/b', kind: 5, stamp: [0n, 0n, 0n, 0n, 0n] },
  ],
  variables: ['A=b', 'C'],
};
const facts = {
  words: ['--rm', 'busybox'],
  hasCommand: true,
  seen,
  uid: 0,
  gid: 0,
  boot: '',
  host: '',
  directory: '',
};
const namelessFacts = { ...facts, words: ['--rm', '--name', '', 'busybox'], isForAnyName: true };
const id = '0123456789abcdef'.repeat(4);
const created = '2026-11-26T20:23:52.000Z';
const line = (hostID, size) => ({ containerID: 0, hostID, size });
const volumeName = 'fedcba9876543210'.repeat(4);
const owner = { uid: 7, gid: 8, mode: 0o1770, isMapped: true, times: [1n, 2n, 3n, 4n] };
const volumes = [
  { name: 'data', definition: '{"name":"data","options":{}}', isNew: false, isPlain: true, isKept: true },
  { name: volumeName, definition: `{"name":"${volumeName}","created":"${created}"}`, isNew: true, owner },
];
const network = {
  states: ['"outside":true'],
  host: Buffer.from([0, 0, 0, 0]),
  first: 0x0a580000,
  last: 0x0a58ffff,
  except: [0x0a580000, 0x0a580001],
  leaseName: `leases/\u0004,${id},\u0003`,
  lease: '{"index":\u0004,"addresses":["\u0003"],"mac":"\u0005","starter":\u0006}',
  note: ` ${id} bridge\n`,
  remove: [`/networks/leases/\u0004,${id},\u0003`],
  namesFile: `names/shop/${id}`,
  names: '\u0003 \u0001\n',
  parts: [],
  marks: {
    index: Buffer.alloc(4),
    device: Buffer.alloc(12),
    address: Buffer.alloc(4),
    digits: Buffer.alloc(8),
    ports: [Buffer.from('c0de')],
  },
  ports: [
    { address: Buffer.alloc(4), isUdp: false },
    { address: Buffer.from([127, 0, 0, 1]), isUdp: true },
  ],
};
const pod = {
  reference: 'shop',
  id: 'a'.repeat(64),
  infra: 'b'.repeat(64),
  record: [1n, 2n, 3n],
  infraRecord: [4n, 5n, 6n],
  host: undefined,
  network: 0,
};
for (const kind of ['foreground', 'detached', 'attached']) {
  for (const argv of [[], ['sh', '-c']]) {
    const template = encodeRunTemplate({
      kind,
      facts: kind === 'detached' ? namelessFacts : facts,
      fresh: { id, created, volumes: [volumeName] },
      plan: encodePlan({ ...plan, program: { paths: [], argv, env: ['A=b', id] } }, { trace: false }),
      monitor: encodeMonitor({ ...monitor, pid: 0, failures: [] }),
      failures: { path: failures, name: failures },
      path: '/bin:/usr/bin:',
      flags: 2,
      cloneFlags: 0,
      name: argv.length > 0 ? 'given' : '',
      nameWords: { adjectives: 'a bc', nouns: 'd ef' },
      record: `{"id":"${id}","created":"${created}","name":"\u0001","args":[\u0002],"ports":[\u000e,\u000f]}`,
      restart: '0 0\n',
      event: ` create ${id} \u0001`,
      subject: ` ${id} \u0001`,
      remove: [`/x/${id}`, '/names/\u0001'],
      keys: Buffer.from([16, 17]),
      texts: [],
      volumes: argv.length > 0 ? volumes : [],
      maps: { uid: [line(1000, 1), line(100000, 65536)], gid: [line(1000, 1)] },
      cgroups: argv.length > 0 ? `[{"folder":"/c/${id}"}]` : '',
      oom: argv.length > 0 ? ['/c', 'memory.events', '\u0001 ran out'] : [],
      ...(kind === 'detached' && { health: encodePlan(plan, { trace: false }) }),
      ...(kind === 'detached' && { network }),
      ...(kind === 'attached' && { pod }),
    });
    writeFileSync(join(folder, 'front', `run-${kind}-${argv.length}`), template);
  }
}
writeFileSync(join(folder, 'front', 'refusal'), encodeRefusal(facts));
mkdirSync(join(folder, 'record'), { recursive: true });
for (const [name, changes] of Object.entries({
  plain: {},
  labels: { labels: { a: 'b c', 'x=%"\\': '\n\t\u007fä' } },
  volumes: { volumes: [{ name: 'v' }], stopTimeout: -1 },
})) {
  const [uidMappings, gidMappings] = [[line(1000, 1), line(100000, 65536)], [line(0, 1)]];
  const spec = { process: {}, linux: { namespaces: [{ type: 'pid' }], uidMappings, gidMappings } };
  const record = {
    version: 1,
    id,
    name: 'a_name',
    root: 'busybox',
    labels: {},
    stopSignal: 15,
    stopTimeout: 10,
  };
  const text = JSON.stringify({ ...record, usesMapHelpers: true, spec, ...changes });
  writeFileSync(join(folder, 'record', name), text);
}
mkdirSync(join(folder, 'ports'), { recursive: true });
const address = (family) => `${family}000050${'7f000001'.padEnd(48, '0')}`;
const portWord = (protocol) => protocol + ['0200', '0200', '0200', '0a00', '0a00'].map(address).join('');
for (const ports of [1, 3]) {
  const words = Array.from({ length: ports }, (_, index) => portWord(index % 2 ? 'u' : 't'));
  const links = [{ kind: 'start', args: ['forward', '/c', ...words], stopTimeout: 0 }];
  const next = Buffer.from(encodeNext({ names: ['/n'], links, plan }));
  writeFileSync(join(folder, 'ports', `next-${ports}`), withBlob(next, answers(ports)));
}
mkdirSync(join(folder, 'probe'), { recursive: true });
for (const status of ['200 OK', '404']) {
  const [line, size] = [Buffer.from(`HTTP/1.1 ${status}\r\n`), Buffer.alloc(2)];
  size.writeUInt16LE(line.length);
  const parts = [Buffer.alloc(3) /* a socket, a connection, a request */, Buffer.alloc(1), size, line];
  writeFileSync(join(folder, 'probe', status.slice(0, 3)), Buffer.concat([...parts, answers(1)]));
}
const place = { version: 1, controllers: ['pids', 'freezer'], folder: '/c', inner: '/c/container' };
writeFileSync(join(folder, 'record', 'cgroups'), JSON.stringify([place, { ...place, version: 2 }]));
