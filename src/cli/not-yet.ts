import { FosterError } from '../sys/errors.js';

/**
 * Commands and options of Docker or Podman that foster does not have, with the reason and what to use instead. All errors have
 * the same wording, and docs/compatibility.md is generated from this file. Remove an entry when you add a command or an option:
 * scripts/compat checks that.
 */

interface Reason {
  /** Completes "... is not supported: ". */
  because: string;
  /** What to do instead. */
  advice?: string;
  /** Set if it is not planned. */
  isFinal?: true;
}

const REASONS = {
  links: {
    because: 'containers of a network find each other by name',
    advice: 'use --network NAME',
    isFinal: true,
  },
  networks: {
    because: 'foster decides how a network reaches the outside',
    advice: 'use --network bridge',
  },
  'own networks': {
    because: 'foster makes networks itself, and does not use the network programs and files of Podman',
    advice: "use 'foster network create'",
    isFinal: true,
  },
  'no firewall': {
    because: "the rules of networks are in their own namespace, where the host's firewall cannot change them",
    isFinal: true,
  },
  'volume drivers': {
    because: 'volumes are folders on this machine',
    advice: 'leave it out, or mount a directory of the host: foster run -v DIR:/data',
    isFinal: true,
  },
  'mounted volumes': {
    because: 'the files of a volume are always there',
    advice: "see where: foster volume inspect -f '{{.Mountpoint}}' NAME",
    isFinal: true,
  },
  'volume users': {
    because: 'a volume that a container uses is not removed',
    advice: "remove the containers first: 'foster rm -f'",
    isFinal: true,
  },
  'kernel memory': {
    because: 'the kernel includes its own memory in --memory, and no longer has a separate limit for it',
    advice: 'use --memory',
    isFinal: true,
  },
  kube: { because: 'the command is foster kube', advice: 'use foster kube play' },
  'cloned pods': { because: 'a pod is made by its command or its file', advice: "use 'foster pod create'" },
  'kube images': { because: 'it does not build or log in', advice: "first: 'foster build', 'foster login'" },
  'own infra': {
    because: "a pod's namespaces are held by foster-init, which needs no image",
    advice: 'leave it out',
    isFinal: true,
  },
  secrets: {
    because: 'there is no store for secrets',
    advice: 'use foster run -v FILE:/run/secrets/NAME:ro',
  },
  'device rules': {
    because:
      'a container can open the devices that are in its /dev, and their file modes decide about the rest',
    advice: 'use --device',
    isFinal: true,
  },
  devices: {
    because: 'a container has only the standard devices',
    advice: 'use -v /dev/NAME:/dev/NAME if the file mode lets you open it',
  },
  checkpoints: { because: 'the state of processes cannot be saved', advice: "use 'foster pause'" },
  signatures: { because: 'foster neither makes nor checks signatures of images' },
  encryption: { because: 'foster neither reads nor writes encrypted images' },
  virtual: { because: 'foster runs on Linux itself, without a virtual machine', isFinal: true },
  remote: { because: 'foster has no daemon and no remote machines', advice: 'use ssh', isFinal: true },
  orchestration: { because: 'foster runs containers on one machine', isFinal: true },
  plugins: { because: 'foster has no plugins', isFinal: true },
  windows: { because: 'it is for Windows containers', isFinal: true },
  libpod: { because: 'it belongs to parts of Podman that foster does not have', isFinal: true },
  'one runtime': { because: 'foster starts containers itself', isFinal: true },
  storage: {
    because: 'foster determines how the files of containers are mounted',
    advice: 'choose with --storage-driver',
    isFinal: true,
  },
  'one init': {
    because: "foster-init is a container's PID 1",
    advice: 'use --no-init to run another one',
    isFinal: true,
  },
  systemd: {
    because: 'containers have no systemd units of their own',
    advice: "use --restart always and 'foster system enable-restart', which starts them after a reboot",
  },
  accounts: {
    because: '/etc/passwd comes from the image; only --userns keep-id adds a line, for you',
    advice: 'use -v FILE:/etc/passwd:ro',
  },
  'other ranges': {
    because: 'the ids of a container are from the ranges of its user',
    advice: 'use --uidmap and --gidmap',
  },
  labels: {
    because: 'foster does not run commands in labels of images',
    advice: 'read them with foster inspect',
    isFinal: true,
  },
  'one platform': { because: 'foster stores an image for one platform under each name', isFinal: true },
  'old names': { because: 'former names of an image are not recorded', isFinal: true },
  'as stored': { because: 'layers are saved and pushed as they are stored', isFinal: true },
  'own cache': {
    because: 'steps are cached on this machine only',
    advice: 'leave it out: steps that were built here are not built again',
  },
  'new layers': {
    because: 'foster cannot merge the new layers alone',
    advice: 'use --squash-all',
  },
  'files of an image alone': {
    because: 'foster shows files only in containers',
    advice: "use 'foster create', and 'foster diff' or 'foster mount' with the container",
  },
  'image trees': {
    because: 'images have no parents here',
    advice: "use 'foster images --tree', which shows the layers that images share",
    isFinal: true,
  },
  updates: { because: 'images are updated when you ask for it', advice: "use 'foster pull'" },
  'docker format': {
    because: 'images are kept in the OCI format',
    advice: "use 'foster save --format docker-archive'",
  },
  'single containers': {
    because: 'it is about single containers and images',
    advice: 'use the command of foster with the name that foster compose ps shows',
  },
  scaling: {
    because: 'up compares the number of containers, too',
    advice: 'use foster compose up -d --scale SERVICE=NUMBER',
  },
  publishing: { because: 'foster puts no Compose files into registries' },
  planned: { because: 'Docker or Podman has it, and it is planned' },
} satisfies Record<string, Reason>;

type ReasonName = keyof typeof REASONS;

/** Unsupported commands: the first words of a command line. */
const COMMANDS: [ReasonName, string[]][] = [
  ['mounted volumes', ['volume mount', 'volume unmount']],
  ['volume drivers', ['volume reload']],
  ['orchestration', ['volume update']],
  ['no firewall', ['network reload']],
  ['kube', ['play', 'generate kube']],
  ['cloned pods', ['pod clone']],
  ['secrets', ['secret', 'config']],
  ['checkpoints', ['checkpoint', 'container checkpoint', 'container restore']],
  ['signatures', ['trust', 'image trust', 'image sign']],
  ['virtual', ['machine']],
  ['remote', ['context', 'system connection', 'system service', 'image scp']],
  ['orchestration', ['swarm', 'node', 'service', 'stack']],
  ['plugins', ['plugin']],
  ['systemd', ['generate systemd']],
  ['labels', ['container runlabel']],
  ['files of an image alone', ['image diff', 'image mount', 'image umount', 'image unmount']],
  ['updates', ['auto-update']],
  ['libpod', ['system migrate', 'system renumber']],
  [
    'single containers',
    [
      'compose attach',
      'compose commit',
      'compose export',
      'compose push',
      'compose stats',
      'compose volumes',
    ],
  ],
  ['scaling', ['compose scale']],
  ['publishing', ['compose publish', 'compose bridge', 'compose alpha']],
  ['planned', ['container clone', 'generate', 'generate spec']],
];

/** Unsupported options, by command; global options under ''. */
const OPTIONS: [commands: string, ReasonName, options: string][] = [
  [
    '',
    'remote',
    '-c --connection --context -H --host --identity -r --remote --ssh --tls --tlscacert --tlscert --tlskey --tlsverify --url',
  ],
  ['', 'one runtime', '--conmon --hooks-dir --runtime --runtime-flag'],
  ['', 'storage', '--storage-opt'],
  ['', 'own networks', '--network-cmd-path --network-config-dir'],
  ['network create', 'own networks', '--ipam-driver --ipam-opt --config-from --config-only'],
  ['network create', 'orchestration', '--ingress --scope'],
  ['network connect', 'links', '--link'],
  ['network connect', 'networks', '--link-local-ip'],
  ['run, create', 'links', '--link'],
  ['run, create', 'networks', '--link-local-ip'],
  ['', 'volume drivers', '--volumepath'],
  ['', 'libpod', '--namespace --syslog'],
  ['run, create', 'kernel memory', '--kernel-memory'],
  ['run, create', 'device rules', '--device-cgroup-rule'],
  ['run, create', 'devices', '--gpus'],
  ['run, create', 'volume drivers', '--volume-driver'],
  ['run, create', 'secrets', '--secret'],
  ['run, create', 'windows', '--cpu-count --cpu-percent --io-maxbandwidth --io-maxiops --isolation'],
  ['run, create', 'one init', '--init-path'],
  ['run, create', 'signatures', '--disable-content-trust'],
  ['run, create', 'accounts', '--hostuser --passwd-entry'],
  ['run, create', 'one runtime', '--runtime'],
  ['run, create', 'storage', '--storage-opt'],
  ['run, create', 'other ranges', '--subgidname --subuidname'],
  ['run, create', 'libpod', '--chrootdirs --conmon-pidfile --requires --seccomp-policy'],
  ['run, create', 'remote', '--use-api-socket'],
  ['pod create', 'own infra', '--infra-command --infra-conmon-pidfile --infra-image'],
  ['pod create', 'other ranges', '--subgidname --subuidname'],
  ['rm', 'links', '--link'],
  ['container cleanup', 'libpod', '--exec'],
  ['start', 'checkpoints', '--checkpoint --checkpoint-dir'],
  ['images', 'old names', '--history'],
  ['history, image inspect, rmi, save', 'one platform', '--platform'],
  ['image prune', 'libpod', '--external'],
  ['image tree', 'image trees', '--whatrequires'],
  ['push', 'as stored', '--compress --compression-format'],
  ['save', 'as stored', '--compress'],
  [
    'push',
    'signatures',
    '--remove-signatures --sign-by --sign-by-sigstore-private-key --sign-passphrase-file',
  ],
  [
    'manifest push',
    'signatures',
    '--remove-signatures --sign-by --sign-by-sigstore-private-key --sign-passphrase-file',
  ],
  ['manifest push', 'as stored', '--compression-format'],
  ['manifest inspect', 'planned', '-v --verbose'],
  ['volume rm', 'volume users', '-t --time'],
  ['volume ls', 'orchestration', '--cluster'],
  [
    'volume create',
    'orchestration',
    '--availability --group --limit-bytes --required-bytes --scope --secret --sharing --topology-preferred --topology-required --type',
  ],
  ['unshare', 'networks', '--rootless-netns'],
  ['build', 'signatures', '--sign-by --attest'],
  ['build', 'encryption', '--decryption-key'],
  ['build', 'windows', '--isolation'],
  ['build', 'remote', '--builder'],
  ['build', 'devices', '--device'],
  ['build', 'one platform', '--all-platforms --os-feature --os-version'],
  ['build', 'own cache', '--cache-to --cache-ttl'],
  ['build', 'new layers', '--squash'],
  [
    'build',
    'libpod',
    '--cpp-flag --hooks-dir --identity-label --runtime-flag --userns-gid-map --userns-gid-map-group --userns-uid-map ' +
      '--userns-uid-map-user',
  ],
  ['kube play', 'kube images', '--build --cert-dir --context-dir --creds'],
  ['build', 'planned', '--allow --call --check -D --debug --disable-compression --logsplit --stdin'],
];

/** A command or option that is refused by name. */
export interface Refusal {
  /** `run`, `image trust`. */
  command: string;
  /** A spelling of the option; undefined if the whole command is refused. */
  option?: string;
  because: string;
  advice?: string;
  isFinal?: true;
}

/** Everything that is refused by name. */
export function refusals(): Refusal[] {
  const whole = COMMANDS.flatMap(([reason, commands]) =>
    commands.map((command): Refusal => ({ command, ...REASONS[reason] })),
  );
  const options = OPTIONS.flatMap(([commands, reason, names]) =>
    commands
      .split(', ')
      .flatMap((command) =>
        names.split(' ').map((option): Refusal => ({ command, option, ...REASONS[reason] })),
      ),
  );
  return [...whole, ...options];
}

const ONE_NAME: Record<string, string> = {
  'container ls': 'ps',
  'container list': 'ps',
  'container prune': 'prune',
  'image ls': 'images',
  'image list': 'images',
  'image rm': 'rmi',
  'image remove': 'rmi',
  'builder build': 'build',
  'buildx build': 'build',
  'system info': 'info',
  'system events': 'events',
  'container unmount': 'umount',
  unmount: 'umount',
};

/** Commands that exist only with their noun, or mean something else without it. */
const OWN_NOUN =
  /^(image (diff|exists|inspect|mount|prune|scp|sign|tree|trust|unmount)|container (checkpoint|cleanup|clone|exists|restore|runlabel))/;

/** The shortest name of a command that has several: `ps` for `container ls`. */
export function shortName(command: string): string {
  const own = ONE_NAME[command];
  if (own !== undefined) return own;
  return OWN_NOUN.test(command) ? command : command.replace(/^(container|image) (?=.)/, '');
}

/**
 * Finds the refused command or option in a command line.
 * @param words the command, as far as foster knows it, and what follows
 * @param option the option that foster does not know, if that is what is wrong
 */
export function findRefusal(words: string[], option?: string): Refusal | undefined {
  const all = refusals();
  if (option === undefined) {
    const [first = '', second = ''] = words;
    const whole = all.filter((one) => one.option === undefined);
    return (
      whole.find(({ command }) => command === `${first} ${second}`) ??
      whole.find(({ command }) => command === first)
    );
  }
  // a short option may be followed by other short options, or by its value
  const spellings = option.startsWith('--') ? [option] : [option, option.slice(0, 2)];
  const command = shortName(words.join(' '));
  return all.find((one) => one.command === command && spellings.includes(one.option ?? ''));
}

/** Keys of --filter of events for features that foster does not have. */
const FILTERS: Readonly<Record<string, ReasonName>> = { daemon: 'remote', plugin: 'plugins' };

/** @throws FosterError for a key of --filter that is refused */
export function refuseFilters(command: string, filters: readonly string[]): void {
  for (const filter of filters) {
    const [key = ''] = filter.split('=');
    const reason = Object.hasOwn(FILTERS, key) ? FILTERS[key] : undefined;
    if (reason !== undefined) throw refuseValue(`${command} --filter ${key}=`, reason);
  }
}

/** The error for a value that is refused, in the same wording. @param what the command, the option and the value */
export function refuseValue(what: string, reason: ReasonName): FosterError {
  return refusalError({ command: what, ...REASONS[reason] });
}

/** The words that name refused commands of a group, or of foster itself. */
export function refusedCommands(group: string): string[] {
  const paths = COMMANDS.flatMap(([, commands]) => commands.map((command) => command.split(' ')));
  return paths.flatMap(([first = '', second = '']) =>
    group === '' ? (second === '' ? [first] : []) : first === group && second !== '' ? [second] : [],
  );
}

/** The error for everything that is refused by name, always in the same wording. */
export function refusalError({ command, option, because, advice, isFinal }: Refusal): FosterError {
  const what = [command, option].filter(Boolean).join(' ');
  return new FosterError(`${what} is not supported${isFinal ? '' : ' yet'}: ${because}`, {
    kind: 'unsupported',
    ...(advice !== undefined && { advice }),
  });
}
