import { RESTART_POLICIES } from '../../spec/parse/restart.js';
import { signalName } from '../../spec/parse/signals.js';
import { DRIVERS } from '../../spec/storage-driver.js';
import { CAPABILITY_NAMES } from '../../sys/capabilities.js';
import { RLIMITS } from '../../sys/rlimits.js';

/** The possible completions of a word. */
export interface Completions {
  words: { word: string; description?: string }[];
  /** Whether file names are also possible. */
  files: boolean;
}

/** The position of a word on the command line: the command, and its operands before the word. */
export interface Place {
  path: string;
  operands: string[];
}

type Words = string[] | Promise<string[]>;

/** The kind of an operand; `files` means that file names are also possible. */
type Operand = { words?: () => Words; files?: boolean };

/** Root filesystems that foster builds itself. */
const RECIPES = ['busybox', 'host', 'debian'];
const SHELLS = ['bash', 'zsh', 'fish'];

const all: Operand = { words: () => containers() };
const running: Operand = { words: () => containers('running') };
const active: Operand = { words: () => containers('running', 'paused', 'restarting') };
const stopped: Operand = { words: () => containers('created', 'exited') };
const image: Operand = { words: imageNames };
const volume: Operand = { words: volumeNames };
const network: Operand = { words: networkNames };
const pod: Operand = { words: podNames };
const modes: Operand = { words: async () => ['none', 'host', ...(await networkNames())] };
const files: Operand = { files: true };
const check: Operand = { words: async () => (await import('../../engine/doctor.js')).checkNames() };
const service: Operand = { words: services };
const lab: Operand = { words: async () => [...(await (await import('../../engine/labs.js')).names())] };

/** Those that take names of services. */
const COMPOSE_COMMANDS =
  'build config create down events images kill logs pause ps pull restart rm start stop top unpause up wait watch'.split(
    ' ',
  );

/** For each command: its first operand, and the others. Commands that are not listed have no operands. */
const OPERANDS: Record<string, [first: Operand, others?: Operand]> = {
  run: [{ words: async () => [...(await imageNames()), ...RECIPES], files: true }, files],
  create: [{ words: async () => [...(await imageNames()), ...RECIPES], files: true }, files],
  exec: [running, files],
  attach: [running],
  start: [stopped, stopped],
  stop: [active, active],
  restart: [all, all],
  kill: [active, active],
  pause: [running, running],
  unpause: [{ words: () => containers('paused') }, { words: () => containers('paused') }],
  wait: [active, active],
  rename: [all],
  update: [all, all],
  rm: [all, all],
  ps: [all, all],
  logs: [all, all],
  top: [running],
  stats: [running, running],
  watch: [running, running],
  view: [running, running],
  inspect: [{ words: namedObjects }, { words: namedObjects }],
  diff: [all],
  cp: [
    { words: async () => (await containers()).map((name) => `${name}:`), files: true },
    { words: async () => (await containers()).map((name) => `${name}:`), files: true },
  ],
  export: [all],
  commit: [all, image],
  mount: [all, all],
  umount: [all, all],
  unmount: [all, all],
  port: [running],
  init: [stopped, stopped],
  exists: [all],
  cleanup: [all, all],
  pull: [image, image],
  push: [image],
  tag: [image],
  untag: [image, image],
  rmi: [image, image],
  history: [image],
  save: [image, image],
  images: [image],
  'image inspect': [image, image],
  'image exists': [image],
  'healthcheck run': [running],
  'manifest add': [{}, image],
  'manifest annotate': [{}, image],
  'manifest create': [{}, image],
  'manifest remove': [{}, image],
  'image tree': [image],
  'system start': [{}],
  'system stop': [{}],
  'volume inspect': [volume, volume],
  'volume exists': [volume],
  'volume rm': [volume, volume],
  'volume remove': [volume, volume],
  'volume export': [volume],
  'volume import': [volume, files],
  ...Object.fromEntries(
    ['inspect', 'kill', 'pause', 'restart', 'rm', 'start', 'stats', 'stop', 'unpause'].map((verb) => [
      `pod ${verb}`,
      [pod, pod] as [Operand, Operand],
    ]),
  ),
  ...{ 'pod exists': [pod], 'pod logs': [pod], 'pod top': [pod] },
  ...Object.fromEntries(
    ['start', 'check', 'hint', 'solve', 'reset', 'run'].map((verb): [string, [Operand]] => [
      `lab ${verb}`,
      [lab],
    ]),
  ),
  'lab predict': [{ words: () => ['a', 'b', 'c'] }, lab],
  'network connect': [network, all],
  'network disconnect': [network, all],
  'network exists': [network],
  'network inspect': [network, network],
  'network rm': [network, network],
  'network remove': [network, network],
  build: [files],
  ...Object.fromEntries(
    COMPOSE_COMMANDS.map((name): [string, [Operand, Operand?]] => [`compose ${name}`, [service, service]]),
  ),
  'kube play': [files],
  'kube down': [files],
  'kube apply-check': [files],
  'kube generate': [{ words: namedObjects }, { words: namedObjects }],
  'compose exec': [service, files],
  'compose run': [service, files],
  'compose port': [service],
  'compose cp': [
    { words: async () => (await services()).map((name) => `${name}:`), files: true },
    { words: async () => (await services()).map((name) => `${name}:`), files: true },
  ],
  explain: [{ words: explained }, { words: namedObjects }],
  import: [files, image],
  unshare: [files, files],
  completion: [{ words: () => SHELLS }],
  doctor: [check, check],
};

const SIGNALS = Array.from({ length: 31 }, (_, index) => signalName(index + 1).replace(/^SIG/, ''));
const signals = () => SIGNALS;
const capabilities = () => ['ALL', ...CAPABILITY_NAMES.map((name) => name.replace(/^CAP_/, ''))];
const namespaceOf =
  (...words: string[]) =>
  async () => [...words, ...(await containers('running')).map((name) => `container:${name}`)];

/** The values of options, by long name. For options that are not listed, file names are possible. */
const VALUES: Record<string, Operand> = {
  '--exit-code-from': service,
  '--no-attach': service,
  '--rmi': { words: () => ['local', 'all'] },
  '--scale': { words: async () => (await services()).map((name) => `${name}=`) },
  '--arch': { words: () => ['amd64', 'arm64'] },
  '--cap-add': { words: capabilities },
  '--cap-drop': { words: capabilities },
  '--cgroup-manager': { words: () => ['cgroupfs', 'systemd'] },
  '--cgroupns': { words: () => ['private', 'host'] },
  '--events-backend': { words: () => ['file'] },
  '--from': image,
  '--health-on-failure': { words: () => ['none'] },
  '--ipc': { words: namespaceOf('private', 'host', 'none', 'shareable') },
  '--lang': { words: () => ['en', 'zh'] },
  '--log-driver': { words: () => ['json-file', 'k8s-file', 'none', 'passthrough'] },
  '--log-level': { words: () => ['debug', 'info', 'warn', 'error', 'fatal'] },
  '--log-opt': { words: () => ['max-size=', 'max-file=', 'tag=', 'labels=', 'env='] },
  '--exit-policy': { words: () => ['continue', 'stop'] },
  '--init-ctr': { words: () => ['always', 'once', 'sidecar'] },
  '--share': { words: () => ['none', 'cgroup', 'ipc', 'net', 'pid', 'uts', '+pid'] },
  '--image-volume': { words: () => ['anonymous', 'tmpfs', 'ignore'] },
  '--mount': {
    words: async () => [
      'type=bind,source=',
      'type=tmpfs,destination=',
      'type=volume,destination=',
      ...(await volumeNames()).map((name) => `type=volume,source=${name},destination=`),
    ],
  },
  '--net': modes,
  '--network': modes,
  '--os': { words: () => ['linux'] },
  '--personality': { words: () => ['LINUX', 'LINUX32'] },
  '--pid': { words: namespaceOf('private', 'host') },
  '--pod': pod,
  '--platform': { words: () => ['linux/amd64', 'linux/arm64'] },
  '--policy': { words: () => ['missing', 'always', 'newer', 'never'] },
  '--progress': { words: () => ['auto', 'plain', 'tty'] },
  '--pull': { words: () => ['missing', 'always', 'newer', 'never'] },
  '--restart': { words: () => [...RESTART_POLICIES] },
  '--condition': { words: () => ['running', 'paused', 'exited', 'stopped', 'created', 'stopping'] },
  '--security-opt': { words: () => ['no-new-privileges', 'seccomp='] },
  '--signal': { words: signals },
  '--sort': {
    words: () => ['command', 'created', 'id', 'image', 'names', 'runningfor', 'size', 'status'],
  },
  '--stop-signal': { words: signals },
  '--storage-driver': { words: () => [...DRIVERS] },
  '--type': { words: () => ['container', 'image', 'network', 'pod', 'volume', 'all'] },
  '--ulimit': { words: () => Object.keys(RLIMITS).map((name) => `${name}=`) },
  '--userns': { words: () => ['default', 'host', 'keep-id', 'auto'] },
  '--uts': { words: () => ['private', 'host'] },
  '--volume': { words: async () => (await volumeNames()).map((name) => `${name}:`), files: true },
  '--volumes-from': all,
};

/** Options whose values cannot be completed. */
const FREE: ReadonlySet<string> = new Set(
  (
    '--add-host --alias --annotation --author --blkio-weight --build-arg --cgroup-parent --change --cpu-period ' +
    '--cpu-quota --cpu-shares --cpus --cpuset-cpus --cpuset-mems --creds --detach-keys --dns --dns-opt --dns-option ' +
    '--dns-search --domainname --entrypoint --env --env-merge --expose --gateway --group-add --health-cmd ' +
    '--health-interval --health-retries --health-start-interval --health-start-period --health-timeout --hostname --infra-name --interval --ip --ip-range ' +
    '--ip6 --label --last --mac-address --max-unpacked-size --memory --memory-reservation --memory-swap ' +
    '--memory-swappiness --message --name --network-alias --no-cache-filter --oom-score-adj --opt --password ' +
    '--pids-limit --publish --shm-size --since --stop-timeout --subnet --sysctl --tag --tail --target --time ' +
    '--timeout --timestamp --tz --umask --unsetenv --until --user --username --watch'
  ).split(' '),
);

/** The possible words at a position. @param option the long name of the option, if the word is its value */
export async function valuesOf(
  option: string | undefined,
  current: string,
  place: Place,
): Promise<Completions> {
  const found = option === undefined ? operandAt(place) : await optionValue(option, current, place);
  const words = (await found.words?.()) ?? [];
  const given = new Set(option === undefined ? place.operands : []);
  return {
    words: [...new Set(words)].filter((word) => !given.has(word)).map((word) => ({ word })),
    files: found.files ?? false,
  };
}

function operandAt({ path, operands }: Place): Operand {
  const name = Object.hasOwn(OPERANDS, path) ? path : path.replace(/^(container|explain|image|system) /, '');
  if (name.startsWith('volume ') && !Object.hasOwn(OPERANDS, name)) return {};
  const alias: Record<string, string> = {
    ls: path.startsWith('image') ? 'images' : 'ps',
    list: 'images',
    rm: path.startsWith('image') ? 'rmi' : 'rm',
  };
  const [first, others] = OPERANDS[alias[name] ?? name] ?? [];
  return (operands.length === 0 ? first : others) ?? {};
}

async function optionValue(option: string, current: string, { path }: Place): Promise<Operand> {
  if (option === '--filter') return { words: () => filters(path, current) };
  if (option === '--format' && path === 'explain') return { words: () => ['text', 'json', 'md'] };
  if (option === '--type' && path === 'explain') return { words: () => ['topic', 'container', 'pod'] };
  if (option === '--format')
    return {
      words: () => [
        'json',
        ...(/^(ps|images|stats|image ls|container (ls|ps|stats)|(network|volume) (ls|list)|pod (ls|list|ps)|system df)$/.test(
          path,
        )
          ? ['table']
          : []),
      ],
    };
  if (option === '--sort') return { words: () => orders(path) };
  if (FREE.has(option)) return {};
  return VALUES[option] ?? files;
}

async function orders(path: string): Promise<string[]> {
  if (/^pod (ls|list|ps)$/.test(path)) {
    const { POD_ORDERS } = await import('../../engine/views/pod.js');
    return [...POD_ORDERS];
  }
  if (/^(images|image (ls|list))$/.test(path)) {
    const { IMAGE_ORDERS } = await import('../../engine/views/image-orders.js');
    return [...IMAGE_ORDERS];
  }
  const { CONTAINER_ORDERS } = await import('../../engine/views/container-row.js');
  return [...CONTAINER_ORDERS];
}

const STATUSES = ['created', 'running', 'paused', 'restarting', 'exited', 'dead'];

/** `KEY=`, and for keys with few values, the values. */
async function filters(path: string, current: string): Promise<string[]> {
  const [key = '', value] = current.split('=', 2);
  if (/^(images|image ls|image list)$/.test(path)) {
    if (value !== undefined && /^(dangling|containers|readonly|intermediate|manifest)$/.test(key))
      return [`${key}=true`, `${key}=false`];
    if (value !== undefined && /^(before|since)$/.test(key))
      return (await imageNames()).map((name) => `${key}=${name}`);
    const { IMAGE_FILTERS } = await import('../../engine/views/image-filter.js');
    return IMAGE_FILTERS.map((name) => `${name}=`);
  }
  if (path === 'events' || path === 'system events') {
    if (value !== undefined && key === 'network')
      return (await networkNames()).map((name) => `network=${name}`);
    if (value !== undefined && key === 'pod') return (await podNames()).map((name) => `pod=${name}`);
    if (value !== undefined && key === 'type')
      return ['container', 'image', 'network', 'pod', 'volume'].map((type) => `type=${type}`);
    const { EVENT_FILTERS } = await import('../../engine/views/event.js');
    return EVENT_FILTERS.map((name) => `${name}=`);
  }
  if (/^network (ls|list)$/.test(path)) {
    if (value !== undefined && key === 'dangling') return ['dangling=true', 'dangling=false'];
    if (value !== undefined && key === 'name') return (await networkNames()).map((name) => `name=${name}`);
    const { NETWORK_FILTERS } = await import('../../engine/views/network.js');
    return NETWORK_FILTERS.map((name) => `${name}=`);
  }
  if (/^pod (ls|list|ps)$/.test(path)) {
    const { POD_FILTERS, POD_STATES } = await import('../../engine/views/pod.js');
    if (value !== undefined && key === 'status')
      return POD_STATES.map((state) => `status=${state.toLowerCase()}`);
    if (value !== undefined && key === 'name') return (await podNames()).map((name) => `name=${name}`);
    return value === undefined ? POD_FILTERS.map((name) => `${name}=`) : [];
  }
  if (/search$/.test(path)) return ['stars=', 'is-official=', 'is-automated='];
  if (path === 'volume prune') return ['all=', 'label=', 'label!=', 'until='];
  if (/prune$/.test(path)) return ['label=', 'until='];
  if (/^volume (ls|list)$/.test(path)) {
    if (value !== undefined) return key === 'dangling' ? ['dangling=true', 'dangling=false'] : [];
    const { VOLUME_FILTERS } = await import('../../engine/views/volume.js');
    return VOLUME_FILTERS.map((name) => `${name}=`);
  }
  if (value !== undefined) {
    if (key === 'status') return STATUSES.map((status) => `status=${status}`);
    if (key === 'health')
      return ['starting', 'healthy', 'unhealthy', 'none'].map((health) => `health=${health}`);
    if (key === 'restart-policy') return RESTART_POLICIES.map((policy) => `restart-policy=${policy}`);
    if (key === 'network')
      return ['none', 'host', ...(await networkNames())].map((name) => `network=${name}`);
    if (key === 'pod') return (await podNames()).map((name) => `pod=${name}`);
    if (key === 'ancestor') return (await imageNames()).map((name) => `ancestor=${name}`);
    if (key === 'volume') return (await volumeNames()).map((name) => `volume=${name}`);
    if (/^(name|before|since)$/.test(key)) return (await containers()).map((name) => `${key}=${name}`);
    return [];
  }
  const { CONTAINER_FILTERS } = await import('../../engine/views/container-filter.js');
  return CONTAINER_FILTERS.map((name) => `${name}=`);
}

/** Names of containers, of those in one of the states if states are given. */
async function containers(...states: string[]): Promise<string[]> {
  const { list } = await import('../../engine/containers.js');
  return (await list())
    .filter(({ status }) => states.length === 0 || states.includes(status))
    .map(({ name }) => name);
}

async function imageNames(): Promise<string[]> {
  const { rows } = await import('../../engine/images.js');
  return (await rows([])).flatMap(({ Repository, Tag }) =>
    Tag === '<none>' ? [] : [`${Repository}:${Tag}`],
  );
}

async function volumeNames(): Promise<string[]> {
  const { names } = await import('../../engine/volumes.js');
  return names();
}

async function networkNames(): Promise<string[]> {
  const { names } = await import('../../engine/networks.js');
  return await names();
}

/** Of the Compose file in this folder. */
async function services(): Promise<string[]> {
  const { serviceNames } = await import('../../engine/compose/project.js');
  return await serviceNames(process.cwd());
}

async function podNames(): Promise<string[]> {
  const { names } = await import('../../engine/pods.js');
  return await names();
}

/** What `foster explain` can be asked about. */
async function explained(): Promise<string[]> {
  const { topicNames } = await import('../../engine/explain.js');
  return ['run', 'exec', 'build', 'pod', 'kube', ...(await topicNames()), ...(await containers())];
}

async function namedObjects(): Promise<string[]> {
  return [
    ...(await containers()),
    ...(await imageNames()),
    ...(await networkNames()),
    ...(await volumeNames()),
    ...(await podNames()),
  ];
}
