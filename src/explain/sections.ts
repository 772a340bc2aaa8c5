import type { IdMapping } from '../spec/id-maps.js';
import { CAPABILITY_NAMES } from '../sys/capabilities.js';
import { CAPABILITY_MEANINGS } from './capability-meanings.js';
import { type Block, heading, listed, paragraph, terms } from './explanation.js';
import type { ContainerFacts, NamespaceFact } from './facts.js';
import type { MountFact } from './mounts.js';
import type { Phrase, Say } from './say.js';

/** What namespaces isolate, in the order of `explain`. */
const ISOLATES: Readonly<Record<string, Phrase>> = {
  user: 'ids of users and groups, and what capabilities count for',
  mount: 'the tree of files',
  pid: 'process ids',
  network: 'interfaces, addresses, ports, routes',
  uts: 'the host name',
  ipc: 'shared memory, semaphores, message queues',
  cgroup: 'the root of the tree of cgroups',
  time: 'the clocks since the start of the machine',
};

/** Everything that is explained about a container: where its parts come from and what it may do. */
export function factSections(facts: ContainerFacts, say: Say): Block[] {
  return [
    ...fileSection(facts, say),
    ...namespaceSection(facts, say),
    ...idSection(facts, say),
    ...mountSection(facts, say),
    ...capabilitySection(facts, say),
    ...guardSection(facts, say),
    ...limitSection(facts, say),
  ];
}

function fileSection({ root }: ContainerFacts, say: Say): Block[] {
  const { image, layers, upper, readonly, driver } = root;
  const rows = [
    ...(image ? [{ term: say('image'), meaning: `${image.name} (${image.digest})` }] : []),
    { term: say('driver'), meaning: driver },
    ...layers.map((layer, index) => ({
      term: layers.length === 1 ? say('layer') : say('layer {1}', layers.length - index),
      meaning: say('{1}, only read', layer),
    })),
    ...(upper ? [{ term: say('writes to'), meaning: upper }] : []),
    ...(readonly
      ? [{ term: say('read-only'), meaning: say('the root filesystem cannot be written to') }]
      : []),
  ];
  return [heading(say('Root filesystem')), terms(rows)];
}

function namespaceSection({ namespaces }: ContainerFacts, say: Say): Block[] {
  const hasInodes = namespaces.some(({ inode }) => inode !== undefined);
  const rows = namespaces.map((one) => [
    one.type,
    ...(hasInodes ? [one.inode ?? ''] : []),
    whoseWords(one, say),
    isolates(one.type, say),
  ]);
  return [
    heading(say('Namespaces')),
    {
      kind: 'table',
      head: [say('type'), ...(hasInodes ? ['inode'] : []), say('whose'), say('isolates')],
      rows,
    },
  ];
}

function isolates(type: string, say: Say): string {
  const phrase = ISOLATES[type];
  return phrase === undefined ? '' : say(phrase);
}

function whoseWords({ whose }: NamespaceFact, say: Say): string {
  if (whose === 'own') return say('its own');
  return whose === 'host' ? say("the host's") : whose;
}

function idSection({ ids: { uid, gid }, user, namespaces }: ContainerFacts, say: Say): Block[] {
  const runs = say('The program runs as user and group {1} of the container.', user);
  const isHosts = namespaces.some(({ type, whose }) => type === 'user' && whose === 'host');
  if (isHosts || uid.length === 0)
    return [
      heading(say('Ids')),
      paragraph(say('{1} {2}', runs, say('Ids in the container are those of the host.'))),
    ];
  const isSame = JSON.stringify(uid) === JSON.stringify(gid);
  const rows = isSame
    ? mapRows(say('user and group'), uid, say)
    : [...mapRows(say('user'), uid, say), ...mapRows(say('group'), gid, say)];
  return [
    heading(say('Ids')),
    paragraph(
      say('{1} {2}', runs, say('Root of the container is root only of what belongs to its user namespace.')),
    ),
    { kind: 'table', head: [say('kind'), say('in the container'), say('on the host')], rows },
  ];
}

function mapRows(kind: string, map: readonly IdMapping[], say: Say): string[][] {
  const range = (first: number, size: number) =>
    size === 1 ? String(first) : say('{1} to {2}', first, first + size - 1);
  return map.map(({ containerID, hostID, size }) => [kind, range(containerID, size), range(hostID, size)]);
}

function mountSection({ mounts }: ContainerFacts, say: Say): Block[] {
  const rows = mounts.map(({ target, type, origin, readonly, from }) => [
    target,
    from === 'mask' ? '-' : type,
    from !== 'mask' && readonly ? say('{1}; read-only', origin) : origin,
  ]);
  return [
    heading(say('Mounts')),
    { kind: 'table', head: [say('at'), say('type'), say('where it comes from')], rows },
  ];
}

function capabilitySection({ capabilities: { effective, bounding } }: ContainerFacts, say: Say): Block[] {
  const missing = CAPABILITY_NAMES.filter((name) => !bounding.includes(name));
  const dormant = bounding.filter((name) => !effective.includes(name));
  return [
    heading(say('Capabilities')),
    paragraph(
      effective.length === 0
        ? say('The program has none: it may do what any user may do.')
        : say('The program has these, over what belongs to its user namespace:'),
    ),
    ...(effective.length === 0
      ? []
      : [
          terms(
            effective.map((name) => ({ term: name, meaning: say(CAPABILITY_MEANINGS[name] ?? 'unknown') })),
          ),
        ]),
    ...(dormant.length === 0
      ? []
      : [paragraph(say('A program with file capabilities could get: {1}.', shortNames(dormant, say)))]),
    ...(missing.length === 0
      ? [paragraph(say('None has been taken away.'))]
      : [paragraph(say('Taken away for good: {1}.', shortNames(missing, say)))]),
  ];
}

function shortNames(names: readonly string[], say: Say): string {
  return listed(
    names.map((name) => name.replace(/^CAP_/, '')),
    say,
  );
}

function guardSection({ noNewPrivs, seccomp, mounts }: ContainerFacts, say: Say): Block[] {
  const masks = mounts.filter(({ from }) => from === 'mask');
  const masked = masks.filter(({ isHidden }) => isHidden);
  const guarded = masks.filter(({ isHidden }) => !isHidden);
  const targets = (found: readonly MountFact[]) =>
    listed(
      found.map(({ target }) => target),
      say,
    ) || say('nothing');
  return [
    heading(say('Guards')),
    terms([
      {
        term: 'no_new_privs',
        meaning: noNewPrivs
          ? say('on: set-user-ID programs and file capabilities give nothing')
          : say('off: a set-user-ID program gets the rights of its owner'),
      },
      {
        term: 'seccomp',
        meaning:
          seccomp === 'filter'
            ? say('a filter refuses the system calls that containers do not need')
            : seccomp === 'unknown'
              ? say('unknown')
              : say('no filter: every system call is allowed'),
      },
      { term: say('hidden'), meaning: targets(masked) },
      { term: say('read-only'), meaning: targets(guarded) },
    ]),
  ];
}

function limitSection({ resources: { memory, cpu, pids } }: ContainerFacts, say: Say): Block[] {
  const rows = [
    ...(memory?.limit !== undefined
      ? [{ term: say('memory'), meaning: say('{1} bytes', memory.limit) }]
      : []),
    ...(memory?.swap !== undefined
      ? [{ term: say('memory and swap'), meaning: say('{1} bytes', memory.swap) }]
      : []),
    ...(cpu?.quota !== undefined
      ? [
          {
            term: say('CPU time'),
            meaning: say('{1} of each {2} microseconds', cpu.quota, cpu.period ?? 100_000),
          },
        ]
      : []),
    ...(cpu?.shares !== undefined
      ? [{ term: say('CPU weight'), meaning: say('{1} shares', cpu.shares) }]
      : []),
    ...(cpu?.cpus !== undefined ? [{ term: 'CPUs', meaning: cpu.cpus }] : []),
    ...(pids !== undefined
      ? [
          {
            term: say('processes'),
            meaning: pids.limit < 0 ? say('no limit') : say('at most {1}', pids.limit),
          },
        ]
      : []),
  ];
  return rows.length === 0
    ? [heading(say('Limits')), paragraph(say('None of its own: it may use what its user may use.'))]
    : [heading(say('Limits')), terms(rows)];
}
